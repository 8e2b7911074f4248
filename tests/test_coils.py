"""A k-space of several coils becomes a picture, told neither the coils' sensitivities nor the noise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import ipse
from bench.coils import birdcage, pairs
from ipse.cli import main
from ipse.engine.operators import adjoint
from ipse.engine.operators.coils import Coils, joined
from ipse.errors import OptionError, PictureError
from ipse.pictures.measurement import measurement, read_measurement
from ipse.pilots.espirit import sensitivities
from ipse.settings import Settings
from ipse.tasks import reconstruct as task
from ipse.tasks._magnetic import centre_of, groups, sampled

HEIGHT, WIDTH, COILS = 64, 56, 6


def phantom() -> NDArray[Any]:
    down, across = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    inside = np.hypot(down, across / 0.8) < 0.85
    x = inside * (0.4 + 0.4 * (np.hypot(down - 0.2, across) < 0.3) + 0.2 * (np.abs(down + 0.4) < 0.1))
    return x * np.exp(1j * (across + 0.5 * down))


def kspace(x: NDArray[Any], coils: int = COILS) -> NDArray[np.complex64]:
    maps = birdcage(coils, HEIGHT, WIDTH) if coils > 1 else np.ones((1, HEIGHT, WIDTH), complex)
    return joined(Coils(maps)(pairs(x[None])))[0].numpy()


def mask(share: float = 0.3) -> NDArray[np.bool_]:
    known = np.random.default_rng(0).random((HEIGHT, WIDTH)) < share
    known[HEIGHT // 2 - 8 : HEIGHT // 2 + 8, WIDTH // 2 - 8 : WIDTH // 2 + 8] = True
    return known


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(-10 * np.log10(np.mean((np.abs(a) - np.abs(b)) ** 2) / np.abs(b).max() ** 2))


def test_the_transpose_is_exact() -> None:
    operator, draw = Coils(birdcage(3, 9, 12)), torch.Generator().manual_seed(0)
    x, y = torch.rand(2, 2, 9, 12, generator=draw), torch.rand(2, 6, 9, 12, generator=draw)
    torch.testing.assert_close((operator(x) * y).sum(), (x * adjoint(operator, y, x.shape)).sum())


def test_zero_frequency_is_in_the_middle() -> None:
    y = kspace(np.ones((HEIGHT, WIDTH)), 1)[0]
    assert np.unravel_index(np.abs(y).argmax(), y.shape) == (HEIGHT // 2, WIDTH // 2)
    assert np.linalg.norm(y) == pytest.approx((HEIGHT * WIDTH) ** 0.5)


@pytest.mark.parametrize("maps", [np.ones((2, 3)), np.ones((2, 3, 4)), np.ones((0, 3, 4), complex)])
def test_what_are_no_sensitivities_is_refused(maps: NDArray[Any]) -> None:
    with pytest.raises(OptionError, match="expected complex"):
        Coils(maps)


def test_sensitivities_are_found_from_the_centre() -> None:
    x = phantom()
    y = kspace(x)[:, HEIGHT // 2 - 10 : HEIGHT // 2 + 10, WIDTH // 2 - 10 : WIDTH // 2 + 10]
    found, true = sensitivities(y, (HEIGHT, WIDTH), crop=0.8), birdcage(COILS, HEIGHT, WIDTH)
    alike = np.abs((found.conj() * true).sum(0))
    assert alike[np.abs(x) > 0].min() > 0.98
    assert (np.abs(found[:, :4, :4]) == 0).all()  # there is nothing in the corner


def test_a_picture_comes_out_of_a_third_of_the_samples() -> None:
    x, known = phantom(), mask()
    draw = np.random.default_rng(1)
    y = kspace(x) + 0.01 * (
        draw.normal(size=(COILS, HEIGHT, WIDTH)) + 1j * draw.normal(size=(COILS, HEIGHT, WIDTH))
    )
    found = ipse.reconstruct(np.where(known, y, 0), preset="fast")
    whole = np.fft.ifftshift(np.where(known, y, 0), (1, 2))
    zero = np.sqrt((np.abs(np.fft.fftshift(np.fft.ifft2(whole, norm="ortho"), (1, 2))) ** 2).sum(0))
    assert found.image.shape == x.shape
    assert found.image.dtype == np.complex64
    assert psnr(found.image, x) > psnr(zero, x) + 8
    inside = np.abs(x) > 0.3
    turned = (
        found.image[inside] * birdcage(COILS, HEIGHT, WIDTH)[0][inside]
    )  # the phase is that of the first coil
    assert np.abs(np.mean(turned / np.abs(turned) / np.exp(1j * np.angle(kspace_phase(x)[inside])))) > 0.95
    assert "6 coils" in str(found.estimates["found"])
    assert "no medical device" in str(found.estimates["found"])


def kspace_phase(x: NDArray[Any]) -> NDArray[Any]:
    """The picture as the first coil sees it."""
    return x * birdcage(COILS, HEIGHT, WIDTH)[0]


def test_told_sensitivities_are_used_and_the_unit_stays() -> None:
    y, maps = np.where(mask(), kspace(phantom()), 0), birdcage(COILS, HEIGHT, WIDTH).astype(np.complex64)
    problems = [
        task.reconstruct(measurement(factor * y, geometry={"coils": maps}), Settings("fast"))
        for factor in (1.0, 2.0**-13)
    ]
    one, other = (list(each.pilot())[-1] for each in problems if each.pilot)
    torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
    uneven = np.linspace(0.5, 2, COILS, dtype=np.float32)[:, None, None]
    given = measurement(uneven * y, geometry={"coils": uneven * maps})
    problem = task.reconstruct(given, Settings("fast"))
    assert problem.pilot
    assert problem.outputs
    found = joined(problem.outputs(list(problem.pilot())[-1]))[0, 0]
    assert psnr(found.numpy(), phantom()) > 35


@pytest.mark.parametrize("coils", [1, COILS])
def test_whole_lines_may_be_missing(coils: int) -> None:
    x, known = phantom(), np.zeros((HEIGHT, WIDTH), bool)
    known[:, ::2] = known[:, WIDTH // 2 - 8 : WIDTH // 2 + 8] = True
    found = ipse.reconstruct(np.where(known, kspace(x, coils), 0), preset="fast")
    assert psnr(found.image, x) > (22 if coils == 1 else 30)


def test_what_is_held_out_is_whole_lines_or_samples_and_never_the_centre() -> None:
    known = np.zeros((32, 24), bool)
    known[::3] = known[10:22] = True
    found = groups(known)[0, 0].numpy()
    assert (found == found[:, :1]).all()
    assert (found[10:22] == -1).all()
    assert (found[~known] == -1).all()
    scattered = groups(mask())[0, 0].numpy()
    assert len(np.unique(scattered)) > 300
    assert centre_of(mask()) == 16


@pytest.mark.parametrize("kind", ["one sample", "constant", "one row", "whole"])
def test_degenerate_measurements_come_back_whole(kind: str) -> None:
    y = np.zeros((12, 16), np.complex64)
    if kind == "one sample":
        y[6, 8] = 3 + 1j
    elif kind == "constant":
        y[:] = 1
    elif kind == "one row":
        y = np.ones((1, 16), np.complex64)
    else:
        y = np.random.default_rng(0).normal(size=(12, 16)).astype(np.complex64)
    for steps in (0, 2):
        found = ipse.reconstruct(y, preset="fast", steps=steps).image
        assert found.shape == y.shape
        assert np.isfinite(found).all()


def test_what_does_not_match_is_refused() -> None:
    y = kspace(phantom())
    with pytest.raises(PictureError, match="centre of 6 coils is"):
        ipse.reconstruct(y * (np.random.default_rng(0).random(y.shape[1:]) < 0.3))
    with pytest.raises(PictureError, match="mask has shape"):
        sampled(measurement(y, geometry={"mask": np.ones((3, 3))}))
    with pytest.raises(PictureError, match="coils have shape"):
        task.reconstruct(measurement(y, geometry={"coils": np.ones((2, 3, 3))}), Settings("fast"))


def test_the_command_writes_complex_numbers_and_their_magnitude(tmp_path: Path) -> None:
    known = mask()
    np.savez(tmp_path / "scan.npz", kspace=kspace(phantom()), mask=known)
    assert read_measurement(tmp_path / "scan.npz").complex
    assert main(["reconstruct", str(tmp_path / "scan.npz"), "--preset", "fast", "-q"]) == 0
    found = np.load(tmp_path / "scan_ipse.npy")
    assert found.dtype == np.complex64
    view = ipse.pictures.read(tmp_path / "scan_ipse.npy.view.png").pixels[0]
    np.testing.assert_allclose(view, np.abs(found) / np.abs(found).max(), atol=1e-3)
    assert psnr(found, phantom()) > 28
