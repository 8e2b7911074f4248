"""A known blur is undone, whatever the picture; what cannot be a kernel is refused in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import convolve
from skimage import data

import ipse
from ipse.cli import main
from ipse.errors import InputError, OptionError, PictureError
from ipse.pictures import Picture, disc, line, read_psf
from ipse.pilots._canvas import Canvas
from ipse.pilots.blur_kernel import likeness
from ipse.runs.removed import warning
from ipse.settings import Settings
from ipse.streams.open import open_stream, restore
from ipse.tasks.deblur import differs

FAST = Settings("fast")


def blurred(
    clean: NDArray[Any], k: NDArray[Any], sigma: float = 1.0
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """What is seen of a scene (H, W, C) that goes on beyond the frame, and the scene in the frame; 0 to 255."""
    y = np.stack([convolve(clean[..., i].astype(float), k) for i in range(clean.shape[-1])], -1)
    r = max(k.shape)
    y = y + np.random.default_rng(0).normal(0, sigma, y.shape)
    inside = np.s_[r:-r, r:-r]
    return np.rint(y.clip(0, 255)).astype(np.uint8)[inside], clean[inside]


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def photo(side: int) -> NDArray[np.uint8]:
    return data.astronaut()[60 : 60 + side, 190 : 190 + side]


def deblurred(y: NDArray[Any], settings: Settings = FAST, **options: Any) -> NDArray[Any]:
    gray = y.ndim == 3 and y.shape[-1] == 1
    return restore(Picture.from_array(y[..., 0] if gray else y), "deblur", settings, options).image


def test_a_disc_is_round_and_a_line_has_its_length_and_direction() -> None:
    np.testing.assert_allclose(line(5, 0), np.full((1, 5), 0.2))
    np.testing.assert_allclose(line(5, 90), np.full((5, 1), 0.2))
    up = line(9, 30)
    assert up[0, -1] + up[0, -2] > up[0, 0] == 0  # it rises to the right
    for k in (disc(3.2), line(7.5, 200)):
        assert k.sum() == pytest.approx(1)
        assert all(side % 2 for side in k.shape)
        np.testing.assert_allclose(k, k[::-1, ::-1], atol=1e-12)
    np.testing.assert_allclose(disc(3.2), disc(3.2).T, atol=1e-12)
    assert disc(6).shape == (13, 13)


def test_the_canvas_blurs_like_a_convolution_and_solves_the_normal_equations() -> None:
    draw = np.random.default_rng(0)
    k, x = draw.random((4, 3)), draw.normal(size=(20, 21))
    y = torch.zeros(1, 1, 17, 19, dtype=torch.float64)
    canvas = Canvas(y, torch.from_numpy(k))
    laid = torch.zeros(1, 1, *canvas.size, dtype=torch.float64)
    laid[..., :20, :21] = torch.from_numpy(x)
    expected = convolve(x, k, mode="constant")
    left, _, top, _ = canvas.margins
    seen = canvas.blurred(laid)[0, 0, top : top + 17, left : left + 19]
    np.testing.assert_allclose(seen, expected[top : top + 17, left : left + 19], atol=1e-12)
    canvas.laid = canvas.inside * torch.randn(canvas.laid.shape, dtype=torch.float64)
    flat = torch.zeros_like(laid)
    found = canvas.solved(flat, lambda d: 0.1 * d, pull=laid, stiff=0.1, known=canvas.inside, steps=120)
    misfit = canvas.filtered(canvas.inside * (canvas.blurred(found) - canvas.laid), canvas.spectrum.conj())
    torch.testing.assert_close(misfit + 0.1 * (found - laid), flat, atol=1e-6, rtol=0)


@pytest.mark.parametrize("how", ["psf", "defocus", "motion", "gray", "eight"])
def test_a_known_blur_is_undone_up_to_the_border(how: str) -> None:
    clean = photo(112)
    options: dict[str, Any] = {"psf": disc(2.5)}
    if how == "defocus":
        options = {"defocus": 2.5}
    if how == "motion":
        options = {"motion": "9,30"}
    if how == "gray":
        clean = clean[..., 1:2]
    if how == "eight":
        clean = np.concatenate([clean, clean[::-1], clean[:, ::-1, :2]], -1)
    k = line(9, 30) if how == "motion" else disc(2.5)
    y, clean = blurred(clean, k)
    x = deblurred(y, **options).reshape(clean.shape)
    assert psnr(x, clean) > psnr(y, clean) + 3
    rim = np.ones(clean.shape[:2], bool)
    rim[4:-4, 4:-4] = False
    assert psnr(x[rim], clean[rim]) > psnr(y[rim], clean[rim]) + 1


def fitted_in(k: NDArray[Any], side: int) -> NDArray[Any]:
    """The kernel in the middle of zeros."""
    return np.pad(k, [((side - n) // 2,) * 2 for n in k.shape])


def shake() -> NDArray[np.float64]:
    """A kernel that no turn maps onto itself."""
    k = np.zeros((9, 9))
    k[[6, 5, 4, 3, 2, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 7]] = [1, 1, 2, 1, 1, 1, 2, 2]
    return k / k.sum()


def test_an_unknown_blur_is_found_undone_and_written_beside_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    y, clean = (one[..., 0] for one in blurred(data.camera()[100:260, 180:340, None], shake()))
    Image.fromarray(y).save("in.png")
    assert main(["deblur", "in.png", "--preset", "fast"]) == 0
    assert "found a blur of" in capsys.readouterr().err
    x, k = np.asarray(Image.open("in_ipse.png")), read_psf("in_ipse.png.kernel.png")
    moves = [np.roll(x, (a, b), (0, 1))[9:-9, 9:-9] for a in range(-4, 5) for b in range(-4, 5)]
    inside = clean[9:-9, 9:-9]
    assert max(psnr(one, inside) for one in moves) > psnr(y[9:-9, 9:-9], inside) + 3
    found, true = (torch.from_numpy(np.pad(one, (25 - len(one)) // 2)) for one in (k, shake()))
    assert likeness(found, true) > 0.8


@pytest.mark.parametrize("kind", ["photo", "noisy", "text"])
def test_a_sharp_picture_is_left_unchanged(kind: str) -> None:
    y = photo(128) if kind != "text" else np.where(data.page()[20:148, 20:148] > 120, 255, 0).astype(np.uint8)
    if kind == "noisy":
        y = np.rint(y + np.random.default_rng(0).normal(0, 5, y.shape)).clip(0, 255).astype(np.uint8)
    result = restore(Picture.from_array(y), "deblur", FAST)
    assert result.unchanged
    assert "point" in result.reason
    np.testing.assert_array_equal(result.image, y)


def test_the_search_can_be_cut_and_then_leaves_the_picture_as_it_came() -> None:
    y, _ = blurred(photo(100), shake())
    stream = open_stream(Picture.from_array(y), "deblur", FAST)
    next(iter(stream))
    np.testing.assert_array_equal(stream.result().image, y)


def test_kernels_are_compared_whatever_their_shift() -> None:
    k = torch.from_numpy(np.pad(shake(), 3))
    assert likeness(k, k.roll((2, -1), (0, 1))) == pytest.approx(1)
    assert likeness(k, k.T) < 0.9
    assert differs([k, k, k, torch.from_numpy(fitted_in(line(13, 110), 15))])
    assert not differs([k, k, k.roll(1, 0), k])


@pytest.mark.parametrize("kind", ["constant", "ramp", "row", "small"])
def test_a_picture_without_an_edge_has_no_kernel(kind: str) -> None:
    y = np.full((60, 60), 90, np.uint8)
    if kind == "ramp":
        y = np.tile(np.arange(40, 200, 2).astype(np.uint8), (60, 1))
    if kind == "row":
        y = np.arange(0, 200, 4).astype(np.uint8)[None]
    if kind == "small":
        y = photo(40)
    with pytest.raises(PictureError, match="--defocus"):
        deblurred(y)


@pytest.mark.parametrize("kind", ["constant", "ramp", "text", "row", "column", "tiny"])
def test_degenerate_pictures_come_back_whole(kind: str) -> None:
    y = np.full((40, 40), 90, np.uint8)
    if kind == "ramp":
        y = np.tile(np.arange(40, 200, 2).astype(np.uint8), (60, 1))
    if kind == "text":
        y = np.where(data.page()[:48, :48] > 120, 255, 0).astype(np.uint8)
    if kind == "row":
        y = np.arange(0, 200, 4).astype(np.uint8)[None]
    if kind == "column":
        y = np.arange(0, 200, 4).astype(np.uint8)[:, None]
    if kind == "tiny":
        y = np.array([[10, 200]], np.uint8)
    k = np.ones((1, 2)) if kind in ("row", "tiny") else np.ones((3, 1)) if kind == "column" else disc(1.5)
    x = deblurred(y, psf=k)
    assert x.shape == y.shape
    if kind in ("constant", "ramp"):
        assert np.abs(x.astype(int) - y)[4:-4, 4:-4].max() <= 2


def test_a_light_that_was_clipped_does_not_ring() -> None:
    clean = np.full((90, 90, 1), 40.0)
    clean[44:47, 44:47] = 4000
    y, _ = blurred(clean, disc(4))
    x = deblurred(y, psf=disc(4))
    ring = np.hypot(*np.mgrid[-36:36, -36:36])
    assert np.abs(x[ring > 14].astype(int) - 40).max() < 25


def test_tiles_agree_with_the_whole() -> None:
    y, clean = blurred(photo(170), disc(2))
    stream = open_stream(Picture.from_array(y), "deblur", Settings("fast", tile=96), {"defocus": 2.0})
    for _ in stream:
        pass
    tiled, whole = stream.result().image, deblurred(y, defocus=2.0)
    assert abs(psnr(tiled, clean) - psnr(whole, clean)) < 0.3


def test_a_kernel_that_is_a_point_leaves_the_picture_unchanged() -> None:
    y = photo(40)
    result = restore(Picture.from_array(y), "deblur", FAST, {"defocus": 0.4})
    assert result.unchanged
    assert "point" in result.reason
    np.testing.assert_array_equal(result.image, y)


def test_a_network_corrects_the_estimate_where_it_is_asked_for() -> None:
    y, clean = blurred(photo(64), disc(2))
    result = restore(Picture.from_array(y), "deblur", Settings("fast", steps=3), {"defocus": 2.0})
    assert result.steps == 3
    assert psnr(result.image, clean) > psnr(y, clean) + 2


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"defocus": 2.0, "motion": "5,0"}, OptionError, "defocus and motion"),
        ({"psf": np.ones((65, 3))}, PictureError, "3×65 pixels, the picture 64×64"),
        ({"defocus": 40.0}, PictureError, "smaller kernel"),
        ({"defocus": -1.0}, OptionError, "above 0"),
        ({"defocus": float("nan")}, OptionError, "above 0"),
        ({"motion": "9"}, OptionError, "LENGTH,ANGLE"),
        ({"motion": "9,x"}, OptionError, "15,30"),
        ({"motion": (9, 3, 4)}, OptionError, "LENGTH,ANGLE"),
        ({"motion": "0,3"}, OptionError, "above 0"),
        ({"motion": "5,inf"}, OptionError, "an angle"),
        ({"defocus": 2.0, "sigma": 300.0}, OptionError, "0 to 255"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], error: type[InputError], says: str) -> None:
    with pytest.raises(error, match=says):
        deblurred(photo(64), **options)


def test_two_kernels_are_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(32)).save("in.png")
    assert main(["deblur", "in.png", "--defocus", "2", "--motion", "5,0"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert main(["deblur", "in.png", "--motion", "5,20", "--preset", "fast", "--quiet"]) == 0
    assert Path("in_ipse.png").is_file()


def test_the_library_takes_a_pair() -> None:
    y = photo(48)
    assert ipse.deblur(y, motion=(5, 20), preset="fast").image.shape == y.shape


@pytest.mark.parametrize("estimated", ["kernel", "psf"])
def test_detail_that_deblurring_adds_is_not_said_to_be_lost(estimated: str) -> None:
    assert warning({"structure": 0.9}, {"sigma": 1.0}) is not None
    assert warning({"structure": 0.9}, {"sigma": 1.0, estimated: "9×9"}) is None
