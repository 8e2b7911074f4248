"""A mixture is one operator; what is behind it comes back, its border too; noise does not run away."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import convolve
from skimage import data

from ipse.engine.operators import Downsample
from ipse.engine.operators.inner import Inner
from ipse.engine.stopping import Discrepancy, State
from ipse.errors import InputError, MaskError, OptionError
from ipse.pictures import Picture, psf_of, read_psf
from ipse.settings import Settings
from ipse.streams.open import open_stream
from ipse.streams.parts import Parts
from ipse.streams.restoration import Restoration
from ipse.streams.stream import Estimate
from ipse.tasks._splitting import Measured, rough, solved
from ipse.tasks.restore import mixture

Case = tuple[Picture, NDArray[Any], dict[str, Any]]
FAST = Settings(preset="fast", steps=4)


def bump(width: float, *, tall: int = 7, wide: int = 9) -> NDArray[np.float64]:
    """A kernel that no turn maps onto itself."""
    rows, columns = np.mgrid[:tall, :wide]
    k = np.exp(-((rows - tall / 2 + 0.2) ** 2 + (columns - wide / 2) ** 2 / 3) / (2 * width**2))
    return k * (1 + columns) / (k * (1 + columns)).sum()


def photo(side: int) -> NDArray[np.float64]:
    return data.astronaut()[60 : 60 + side, 190 : 190 + side] / 255


def blurred(clean: NDArray[Any], k: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """What is seen of a blurred scene that goes on beyond the frame, and the scene in the frame."""
    y = np.stack([convolve(clean[..., i], k) for i in range(3)], -1)
    r = max(k.shape)
    return y[r:-r, r:-r], clean[r:-r, r:-r]


def stored(y: NDArray[Any]) -> Picture:
    return Picture.from_array(np.rint(255 * np.clip(y, 0, 1)).astype(np.uint8))


def psnr(x: NDArray[Any], y: NDArray[Any]) -> float:
    return float(-10 * np.log10(np.mean((x - y) ** 2)))


def final(picture: Picture, options: dict[str, Any], settings: Settings = FAST) -> NDArray[Any]:
    stream = Restoration(picture, "restore", settings, options)
    for _ in stream:
        pass
    return stream.result().image / 255


def case(name: str) -> Case:
    rng, k = np.random.default_rng(0), bump(1.5)
    y, clean = blurred(photo(110), k)
    if name == "blur":
        return stored(y), clean, {"psf": k}
    if name == "noise":
        return stored(y + rng.normal(0, 5 / 255, y.shape)), clean, {"psf": k}
    if name == "holes":
        hole = rng.random(y.shape[:2]) < 0.3
        return stored(np.where(hole[..., None], 0, y)), clean, {"psf": k, "mask": hole}
    y, clean = y[:90, :90], clean[:90, :90]
    small = Downsample(2)(torch.from_numpy(y).movedim(-1, 0)[None])[0].movedim(0, -1).numpy()
    return stored(small), clean, {"psf": k, "factor": 2}


@pytest.mark.parametrize(
    ("name", "least"), [("blur", 28.5), ("noise", 26.5), ("holes", 28.5), ("factor", 27.5)]
)
def test_what_is_behind_a_mixture_comes_back(name: str, least: float) -> None:
    picture, clean, options = case(name)
    out = final(picture, options)
    assert out.shape == clean.shape
    assert psnr(out, clean) > least
    rim = np.ones(clean.shape[:2], bool)  # the border is no worse: what lies beyond it is part of the fit
    rim[4:-4, 4:-4] = False
    assert psnr(out[rim], clean[rim]) > least - 3.5


def test_the_operator_is_blur_then_fewer_pixels_and_has_an_adjoint() -> None:
    k = bump(1.0, tall=5, wide=3)
    y = torch.zeros(1, 2, 6, 7)
    operator, inner, size = mixture(y, k, 3, "box")
    x = torch.rand(1, 2, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    plain = np.stack([convolve(x[0, i].numpy(), k, mode="constant") for i in range(2)])[None]
    expected = inner(torch.from_numpy(plain)).reshape(1, 2, 6, 3, 7, 3).mean((3, 5))
    torch.testing.assert_close(operator(x), expected, rtol=1e-5, atol=1e-6)
    u = torch.rand(y.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close((operator(x) * u).sum(), (x * operator.adjoint(u, x.shape)).sum())


def test_the_inner_part_of_a_blur_needs_nothing_beyond_the_picture() -> None:
    for size in ((1, 1), (2, 3), (4, 5)):
        inner = Inner.seen_through(size)
        x = torch.arange(80.0).reshape(1, 1, 8, 10)
        assert inner(x).shape[-2:] == (8 - size[0] + 1, 10 - size[1] + 1)
    with pytest.raises(OptionError, match="2×2"):
        Inner.seen_through((3, 3))(torch.zeros(1, 1, 2, 2))


def test_conjugate_gradients_solve_the_normal_equations() -> None:
    draw = torch.Generator().manual_seed(0)
    matrix = torch.randn(12, 20, generator=draw, dtype=torch.float64)
    y, seen = (
        torch.randn(1, 1, 3, 4, generator=draw, dtype=torch.float64),
        torch.ones(1, 1, 3, 4, dtype=torch.bool),
    )
    seen[..., 0] = False
    measured = Measured(y, lambda x: (matrix @ x.flatten()).reshape(1, 1, 3, 4), seen, (4, 5))
    x = solved(measured, measured.start(), lambda d: 0.3 * rough(d), iterations=60)
    eye = torch.eye(20, dtype=torch.float64).reshape(20, 1, 4, 5)
    smooth = rough(eye).reshape(20, 20)
    rows = matrix[seen.flatten()]
    exact = torch.linalg.solve(rows.T @ rows + 0.3 * smooth, rows.T @ y[seen])
    torch.testing.assert_close(x.flatten(), exact, rtol=1e-6, atol=1e-8)


def test_held_out_measurements_are_not_seen_and_choose_no_worse_than_the_estimate() -> None:
    picture, _, options = case("noise")
    stream = Restoration(picture, "restore", FAST, options)
    estimates = [event for event in stream if isinstance(event, Estimate)]
    result = stream.result()
    assert len(estimates) == 5
    assert result.score is not None
    assert result.pilot_score is not None
    assert result.score <= result.pilot_score
    assert 3.5 < result.estimates["sigma"] < 6.5


def test_tiles_settle_noise_and_mask_once_and_agree_with_the_whole() -> None:
    rng, k = np.random.default_rng(0), bump(1.2, tall=5, wide=5)
    y, clean = blurred(data.astronaut()[40:190, 150:300] / 255, k)
    hole = rng.random(y.shape[:2]) < 0.2
    options = {"psf": k, "mask": hole, "polarity": "white-is-hole"}
    stream = open_stream(
        stored(np.where(hole[..., None], 0, y)), "restore", Settings("fast", tile=96, steps=2), options
    )
    assert isinstance(stream, Parts)
    for _ in stream:
        pass
    assert psnr(stream.result().image / 255, clean) > 28


def test_a_psf_is_read_from_a_picture_an_array_and_an_archive(tmp_path: Path) -> None:
    k = bump(1.5)
    levels = np.rint(255 * k / k.max()).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "k.png")
    np.save(tmp_path / "k.npy", 7 * k)
    np.savez(tmp_path / "k.npz", psf=k, other=np.zeros(3))
    for name in ("k.png", "k.npy", "k.npz"):
        found = read_psf(tmp_path / name)
        assert found.sum() == pytest.approx(1)
        np.testing.assert_allclose(found, k, atol=2e-4)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((3, 3)), "not all 0"),
        (-np.ones((3, 3)), "none below 0"),
        (np.full((3, 3), np.nan), "nan"),
        (np.ones(5), r"shape \(5,\)"),
        (np.array([["a"]]), "numbers"),
    ],
)
def test_what_is_no_psf_is_refused(values: NDArray[Any], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        psf_of(values)


def test_files_that_hold_no_psf_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=np.ones(3), b=np.ones(3))
    (tmp_path / "bad.npy").write_bytes(b"no array")
    (tmp_path / "bad.npz").write_bytes(b"PK no archive")
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    for name, says in (("two", "a, b"), ("bad", "bad"), ("pickle", "pickle"), ("none", "no such file")):
        for file in tmp_path.glob(f"{name}.*") if name != "none" else [tmp_path / "none.npy"]:
            with pytest.raises(InputError, match=says):
                read_psf(file)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({}, OptionError, "nothing to undo"),
        ({"factor": 9}, OptionError, "factor 9"),
        ({"factor": 2, "sigma": -1.0}, OptionError, "sigma -1"),
        ({"psf": np.ones((65, 3))}, OptionError, "3×65 pixels, the picture 64×64"),
        ({"mask": np.eye(7, dtype=bool)}, MaskError, "7×7"),
        ({"factor": 2, "kernel": "cubic"}, OptionError, "'cubic'"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        final(stored(photo(64)), options)


@pytest.mark.parametrize("missing", [0.0, 0.7])
def test_the_discrepancy_is_that_of_what_was_measured(missing: float) -> None:
    """Not of all pixels, of which the missing ones agree with anything; and without what smoothness costs."""
    draw = np.random.default_rng(0)
    across = np.arange(40) / 40
    clean = 0.5 + 0.3 * np.sin(9 * across[:, None] + 5 * across)
    y = (clean + draw.normal(0, 20 / 255, clean.shape)).astype(np.float32)
    psf = np.ones((3, 3)) / 9
    known = draw.random(clean.shape) >= missing
    options: dict[str, Any] = {"psf": psf, "sigma": 20.0}
    if missing:
        options |= {"mask": known, "polarity": "white-is-known"}
    settings = Settings(preset="fast", rule="discrepancy", steps=400, latent="noise")
    restoration = Restoration(Picture.from_array(np.clip(y, 0, 1)), "restore", settings, options)
    misfits: list[float] = []
    for event in restoration:
        if isinstance(event, State):
            rule = restoration.search.rule if restoration.search else None
            assert isinstance(rule, Discrepancy)
            assert rule.misfit is not None
            misfits.append(rule.misfit(event.raw) / (20 / 255) ** 2)
    assert restoration.result().reason == "the misfit has reached the noise level"
    assert misfits[-1] <= 1 < min(misfits[:-1])
    assert misfits[-1] > 0.8
