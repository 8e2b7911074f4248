"""Pictures that were cut out of a JPEG, off its grid: no picture is refused for where it was cut."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import ipse
from ipse.tasks._off_grid import whole_blocks

CLEAN = np.ascontiguousarray(data.chelsea()[20:180, 90:250])


def saved(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality, subsampling=0)
    return np.asarray(Image.open(stream))


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def test_only_whole_blocks_are_cells() -> None:
    assert whole_blocks((50, 41), (0, 0)) == (slice(0, 50), slice(0, 41))
    assert whole_blocks((50, 41), (3, 0)) == (slice(3, 43), slice(0, 40))
    assert whole_blocks((50, 41), (7, 1)) == (slice(7, 47), slice(1, 41))


@pytest.mark.parametrize("task", ["dejpeg", "enhance"])
@pytest.mark.parametrize("offset", [(3, 0), (5, 6)])
def test_a_cut_jpeg_gains_as_a_whole_one(task: str, offset: tuple[int, int]) -> None:
    rows, columns = (slice(first, first + 140) for first in offset)
    seen, clean = saved(CLEAN, 20)[rows, columns], CLEAN[rows, columns]
    on_grid = saved(CLEAN, 20)[:144, :144]
    cut, whole = ipse.restore(seen, task, preset="fast"), ipse.restore(on_grid, task, preset="fast")
    gained = psnr(cut.image, clean) - psnr(seen, clean)
    assert gained > psnr(whole.image, CLEAN[:144, :144]) - psnr(on_grid, CLEAN[:144, :144]) - 0.15
    assert gained > 0.4
    assert cut.image.shape == seen.shape


def test_what_is_left_of_cut_blocks_gains_too() -> None:
    seen, clean = saved(CLEAN, 15)[4:148, 4:148], CLEAN[4:148, 4:148]
    found = ipse.dejpeg(seen, preset="fast").image
    around = np.ones(clean.shape[:2], bool)
    around[4:-4, 4:-4] = False
    assert psnr(found[around], clean[around]) > psnr(seen[around], clean[around])


def test_noise_under_one_is_found() -> None:
    face = data.astronaut()[:230, 100:330]
    noisy = np.clip(np.rint(face + np.random.default_rng(0).normal(0, 20, face.shape)), 0, 255)
    seen, clean = saved(noisy.astype(np.uint8), 75)[5:227, 2:224], face[5:227, 2:224]
    result = ipse.enhance(seen, preset="fast")
    assert "saved as a JPEG of quality 75" in str(result.estimates["found"])
    assert psnr(result.image, clean) > psnr(seen, clean) + 7.5
