"""Pages of text that were JPEGs once: the paper is clipped to white, which tells of its coefficients all the same."""

import io

import numpy as np
import pytest
import torch
from clean import Pixels, as_jpeg, draw_text
from PIL import Image
from torch import Tensor

import ipse
from ipse.engine.operators.jpeg_clipped import cells_of_decoded
from ipse.engine.operators.jpeg_estimate import estimate_jpeg
from ipse.pictures import jpeg_info, read, standard_table

CLEAN = draw_text(1, paper="white", ink="black", mode="L")


def tensor(pixels: Pixels) -> Tensor:
    return (
        torch.from_numpy(np.atleast_3d(pixels).astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()
    )


def psnr(a: Pixels, b: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(("quality", "offset"), [(10, (0, 0)), (20, (3, 5)), (50, (0, 0)), (75, (1, 0))])
def test_quality_and_grid_are_found(mode: str, quality: int, offset: tuple[int, int]) -> None:
    page = as_jpeg(draw_text(203, paper="white", ink="black", mode=mode), quality)
    trace = estimate_jpeg(tensor(page[offset[0] :, offset[1] :])[0])
    assert trace is not None
    assert (trace.quality, trace.offset) == (quality, (-offset[0] % 8, -offset[1] % 8))


@pytest.mark.parametrize("quality", [20, 75])
def test_the_cells_are_the_files(quality: int) -> None:
    stream = io.BytesIO()
    Image.fromarray(CLEAN).save(stream, "JPEG", quality=quality)
    truth = torch.as_tensor(jpeg_info(stream.getvalue()).coefficients[0]).float()
    found = cells_of_decoded(tensor(as_jpeg(CLEAN, quality)), [standard_table(quality)], [(1, 1)])
    plain = found.of_another(tensor(as_jpeg(CLEAN, quality)))
    wrong, before = (
        float((cells.get_buffer("integers0") != truth).any(-1).any(-1).float().mean())
        for cells in (found, plain)
    )
    assert wrong < 0.6 * before


def test_a_page_gains_nearly_what_its_file_does() -> None:
    seen = as_jpeg(CLEAN, 50)
    stream = io.BytesIO()
    Image.fromarray(CLEAN).save(stream, "JPEG", quality=50)
    stream.seek(0)
    of_file = ipse.dejpeg(read(stream), preset="fast").image.samples
    of_page = ipse.dejpeg(seen, preset="fast").image
    assert psnr(of_page, CLEAN) > psnr(of_file, CLEAN) - 0.3 > psnr(seen, CLEAN) + 2
