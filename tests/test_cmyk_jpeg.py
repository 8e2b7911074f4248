"""JPEGs of four planes, as Adobe stores inks: inverted, or as Y, Cb, Cr and K."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms
from skimage import data

import ipse
from ipse.pictures import Picture, read
from ipse.tasks._compression import compression

INKS = np.asarray(Image.fromarray(data.astronaut()[60:157, 150:253]).convert("CMYK"))
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # any will do: it is carried


def saved(colours: str, subsampling: str = "444") -> bytes:
    return imagecodecs.jpeg8_encode(
        255 - INKS, 20, colorspace="CMYK", outcolorspace=colours, subsampling=subsampling
    )


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


@pytest.mark.parametrize("colours", ["CMYK", "YCCK"])
def test_the_cells_centres_are_the_decoders_picture(colours: str) -> None:
    picture = read(io.BytesIO(saved(colours)))
    assert picture.jpeg is not None
    assert (picture.model, picture.jpeg.colours) == ("cmyk", colours.lower())
    found = compression(torch.as_tensor(picture.pixels)[None], picture, None)
    assert found is not None
    assert found.quality == 20
    error = (found.cells.decode()[0] - torch.as_tensor(picture.pixels)).abs().max()
    assert float(error) < 3 / 255  # decoders round Y, Cb and Cr before they mix them


@pytest.mark.parametrize("task", ["dejpeg", "enhance"])
@pytest.mark.parametrize(("colours", "subsampling"), [("CMYK", "444"), ("YCCK", "444"), ("YCCK", "420")])
def test_blocks_are_removed(colours: str, subsampling: str, task: str) -> None:
    picture = read(io.BytesIO(saved(colours, subsampling)))
    restored = ipse.restore(picture, task, preset="fast").image
    assert psnr(restored.samples, INKS) > psnr(picture.samples, INKS) + 0.7


def test_a_file_stays_what_it_was(tmp_path: Path) -> None:
    source, target = tmp_path / "print.jpg", tmp_path / "mended.jpg"
    Image.fromarray(INKS, "CMYK").save(source, quality=20, icc_profile=PROFILE)
    result = ipse.dejpeg(read(source), preset="fast")
    ipse.pictures.write(result.image, target)
    before, after = read(source), read(target)
    assert (after.model, after.metadata.icc) == ("cmyk", PROFILE)
    assert psnr(after.samples, INKS) > psnr(before.samples, INKS) + 0.7


def test_a_told_quality_is_used_without_a_file() -> None:
    seen = read(io.BytesIO(saved("CMYK")))
    kept = Picture(seen.samples, model="cmyk")
    assert (
        psnr(ipse.dejpeg(kept, preset="fast", quality=20).image.samples, INKS)
        > psnr(kept.samples, INKS) + 0.7
    )


def test_other_channels_say_why_a_quality_does_not_help() -> None:
    five = np.repeat(INKS[..., :1], 5, axis=2)
    assert "5 channels" in ipse.dejpeg(five, preset="fast", quality=20).reason
