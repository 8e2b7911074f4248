"""Pictures that were saved as a JPEG twice: the first, coarser compression is found and undone."""

import io

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import ipse
from ipse.pictures import read
from ipse.tasks._compression import Compression, compression

FACE = np.ascontiguousarray(data.astronaut()[:240, 100:340])
CAT = np.ascontiguousarray(data.chelsea()[20:260, 90:330])


def saved(pixels: NDArray[np.uint8], quality: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def decoded(file: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(file)))


def found(file: bytes) -> Compression | None:
    picture = read(io.BytesIO(file))
    return compression(torch.as_tensor(picture.pixels)[None].float(), picture, None)


def again(seen: Compression) -> int | None:
    return None if seen.last is None else seen.last.quality


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def cut(pixels: NDArray[np.uint8], offset: tuple[int, int]) -> NDArray[np.uint8]:
    return pixels[offset[0] :, offset[1] :]


@pytest.mark.parametrize("clean", [FACE, CAT, FACE[..., 1]], ids=["face", "cat", "gray"])
@pytest.mark.parametrize("pair", [(30, 60), (50, 75), (75, 90), (40, 95)])
def test_the_first_compression_on_the_same_grid(pair: tuple[int, int], clean: NDArray[np.uint8]) -> None:
    seen = found(saved(decoded(saved(clean, pair[0])), pair[1]))
    assert seen is not None
    assert (seen.quality, again(seen)) == pair
    assert seen.said == f"a JPEG of quality {pair[0]}, saved again at quality {pair[1]}"


@pytest.mark.parametrize("offset", [(3, 5), (0, 4), (7, 0)])
def test_the_first_compression_on_another_grid(offset: tuple[int, int]) -> None:
    seen = found(saved(cut(decoded(saved(CAT, 30)), offset), 92))
    assert seen is not None
    assert (seen.quality, again(seen)) == (30, 92)
    assert tuple(part.start for part in seen.place) == tuple(-n % 8 for n in offset)


@pytest.mark.parametrize("pair", [(None, 50), (None, 75), (None, 95), (75, 75), (90, 50)])
@pytest.mark.parametrize("offset", [(0, 0), (3, 5)])
def test_a_finer_one_or_none_before_is_not_found(
    pair: tuple[int | None, int], offset: tuple[int, int]
) -> None:
    for clean in (FACE, CAT):
        once = clean if pair[0] is None else decoded(saved(clean, pair[0]))
        seen = found(saved(cut(once, offset), pair[1]))
        assert seen is not None
        assert (seen.quality, again(seen)) == (pair[1], None)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (7, 9), (16, 16)])
def test_small_and_flat_files_say_nothing(size: tuple[int, int]) -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, size[1]).astype(np.uint8), size)
    for pixels in (ramp, np.full((*size, 3), 90, np.uint8)):
        seen = found(saved(np.ascontiguousarray(pixels), 60))
        assert seen is None or seen.last is None


@pytest.mark.parametrize("task", ["dejpeg", "enhance"])
@pytest.mark.parametrize("offset", [(0, 0), (3, 5)])
def test_it_gains_nearly_what_the_first_file_gains(task: str, offset: tuple[int, int]) -> None:
    once = saved(CAT[:160, :160], 30)
    clean = cut(CAT[:160, :160], offset)
    twice = saved(cut(decoded(once), offset), 90)
    gained = psnr(restored(twice, task), clean) - psnr(decoded(twice), clean)
    assert gained > 0.6 * (psnr(restored(once, task), CAT[:160, :160]) - psnr(decoded(once), CAT[:160, :160]))


def restored(file: bytes, task: str) -> NDArray[np.uint8]:
    return ipse.restore(read(io.BytesIO(file)), task, preset="fast").picture.to_array()


@pytest.mark.parametrize(("offset", "gain"), [((0, 0), 4.5), ((2, 6), 3)])
def test_heavy_noise_before_both_is_found_as_well(offset: tuple[int, int], gain: float) -> None:
    noisy = np.clip(np.rint(FACE + np.random.default_rng(0).normal(0, 20, FACE.shape)), 0, 255)
    twice = saved(cut(decoded(saved(noisy.astype(np.uint8), 75)), offset), 90)
    result = ipse.enhance(read(io.BytesIO(twice)), preset="fast")
    assert result.estimates["sigma"] == pytest.approx(20, rel=0.25)
    assert psnr(result.picture.to_array(), cut(FACE, offset)) > psnr(decoded(twice), cut(FACE, offset)) + gain
