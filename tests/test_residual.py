"""The residual y − x* of a restoration: its properties tell noise from lost detail, and it can be looked at."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

from ipse.cli import main
from ipse.pictures import read
from ipse.pictures.residual import Residual
from ipse.runs.removed import LOST, warning

PHOTO = np.moveaxis(data.astronaut()[:128, 150:278], -1, 0).astype(np.float32) / 255


def test_white_noise_is_flat_and_does_not_resemble_the_picture():
    """y − x = n."""
    noise = np.random.default_rng(0).normal(0, 0.02, PHOTO.shape).astype(np.float32)
    found = Residual.of(PHOTO + noise, PHOTO)
    assert found.deviation == pytest.approx(0.02, rel=0.05)
    assert found.flatness is not None
    assert found.flatness > 0.95
    assert found.structure is not None
    assert abs(found.structure) < 0.2


def test_lost_detail_resembles_the_picture_and_is_not_flat():
    """The residual of a blurred picture is its edges."""
    from scipy.ndimage import gaussian_filter

    found = Residual.of(PHOTO, gaussian_filter(PHOTO, (0, 1.5, 1.5)))
    assert found.flatness is not None
    assert found.flatness < 0.7
    assert found.structure is not None
    assert found.structure > LOST


@pytest.mark.parametrize("shape", [(1, 1, 40), (3, 7, 7), (8, 32, 32), (1, 8, 8)])
def test_any_shape_has_a_residual(shape: tuple[int, int, int]):
    """Small pictures, any number of channels."""
    y = np.random.default_rng(0).random(shape, np.float32)
    assert Residual.of(y, y) == Residual(0.0, None, None)
    found = Residual.of(y, np.full_like(y, 0.5))
    assert found.deviation > 0
    assert found.structure is None  # a constant result has no structure, and few blocks tell nothing


def test_a_black_picture_has_no_structure():
    """All of its noise is clipped."""
    y = np.zeros((1, 64, 64), np.float32)
    found = Residual.of(y, y + 0.1)
    assert found.structure is None
    assert found.flatness is None


@pytest.mark.parametrize(
    ("structure", "estimates", "warned"),
    [
        (0.7, {"sigma": 5.0}, True),
        (0.2, {"sigma": 5.0}, False),
        (None, {"sigma": 5.0}, False),
        (0.7, {"quality": 20}, False),  # JPEG artefacts stand at edges
        (0.7, {"sigma": 5.0, "quality": 20}, False),
    ],
)
def test_only_noise_removal_with_a_structured_residual_is_doubted(
    structure: float | None, estimates: dict[str, float], warned: bool
):
    """Where something else is removed, a residual may look like the picture."""
    assert (warning({"structure": structure}, estimates) is not None) == warned


def test_the_command_writes_what_it_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Input = output + residual; over-smoothing is reported, and the receipt has the figures."""
    before, after = tmp_path / "in.png", tmp_path / "out.png"
    Image.fromarray(np.moveaxis((255 * PHOTO).round().astype(np.uint8), 0, -1)).save(before)
    line = ["denoise", str(before), "-o", str(after), "--residual", "--sigma", "12", "--preset", "fast"]
    assert main(line) == 0
    assert "resembles the picture" in capsys.readouterr().err
    removed = tifffile.imread(f"{after}.residual.tif")
    want = read(before).samples.astype(np.float32) - read(after).samples
    assert np.allclose(255 * removed, want, atol=1e-3)
    with Image.open(f"{after}.residual.png") as view:
        assert view.size == (128, 128)
    said = json.loads((tmp_path / "out.png.ipse.json").read_text())["residual"]
    assert said["map"] == f"{after}.residual.tif"
    assert said["deviation"] == pytest.approx(np.sqrt(np.square(want).mean()) / 255, rel=1e-3)
    assert said["structure"] > LOST


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            ["upscale", "in.png", "-o", "out.png", "--factor", "2", "--residual"],
            "--residual needs a result of the picture's size",
        ),
        (
            ["denoise", "in.png", "-o", "-", "--residual"],
            "--snapshots and --residual are written beside the output",
        ),
    ],
)
def test_a_residual_that_cannot_be_written_is_refused(
    line: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """An enlargement has no residual, and standard output no place beside it."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((16, 16), np.uint8)).save("in.png")
    assert main(line) == 2
    assert message in capsys.readouterr().err
    assert not Path("out.png").exists()
