"""Any linear operator is inverted, and what is none is refused in one line; a page never takes one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.data import astronaut
from skimage.transform import resize
from torch import Tensor

import ipse
from ipse import tasks
from ipse.cli import main
from ipse.engine.operators import Radon, adjoint
from ipse.engine.operators.foreign import Foreign
from ipse.errors import InputError, OptionError, PictureError
from ipse.pictures.measurement import measurement
from ipse.web.form import form, told_options

SIDE = 32
CODE = """
import torch

def _filters(height, width):
    down, across = torch.meshgrid(torch.arange(height) % 2, torch.arange(width) % 2, indexing="ij")
    return torch.stack([(down == 0) & (across == 0), down != across, (down == 1) & (across == 1)]).float()

class Mosaic:
    def A(self, x):
        return (x * _filters(*x.shape[-2:])).sum(1, keepdim=True)

    def A_adjoint(self, y):
        return y * _filters(*y.shape[-2:])

class Wrong(Mosaic):
    def A_adjoint(self, y):
        return 2 * y * _filters(*y.shape[-2:])

def mosaic(x):
    return Mosaic().A(x)

def same(x):
    return x

def make():
    return Mosaic()

def offset(x):
    return x + 1

def noisy(x):
    return x + torch.randn_like(x)

def squared(x):
    return x.square()

def cut(x):
    return x[..., 1:]

def through_numpy(x):
    return torch.from_numpy(x.detach().numpy())

def listed(x):
    return [x]

def failing(x):
    raise RuntimeError("two\\nlines")

def broken():
    raise KeyError("no")

number = 3
"""


def colours() -> NDArray[np.float64]:
    return np.moveaxis(resize(astronaut()[:256, 128:384] / 255, (SIDE, SIDE), anti_aliasing=True), -1, 0)


def seen(x: NDArray[Any]) -> NDArray[Any]:
    """Through a mosaic of filters."""
    y = x[1].copy()
    y[::2, ::2], y[1::2, 1::2] = x[0, ::2, ::2], x[2, 1::2, 1::2]
    return y


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2)))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module of the user's own."""
    monkeypatch.chdir(tmp_path)
    name = f"own_{tmp_path.name}"
    Path(f"{name}.py").write_text(CODE)
    return Path(name)


def test_a_mosaic_becomes_colours(here: Path) -> None:
    x = colours()
    found = ipse.reconstruct(seen(x), operator=f"{here}:Mosaic", preset="fast")
    assert found.image.shape == (SIDE, SIDE, 3)
    gray = np.broadcast_to(seen(x), x.shape)
    assert psnr(np.moveaxis(found.image, -1, 0), x) > psnr(gray, x) + 1.5
    other = ipse.reconstruct(seen(x), operator=f"{here}:mosaic", shape=(3, SIDE, SIDE), preset="fast")
    np.testing.assert_allclose(other.image, found.image, atol=1e-3)
    made = ipse.reconstruct(seen(x), operator=f"{here}:make", preset="fast")
    np.testing.assert_array_equal(made.image, found.image)


def test_a_callable_is_taken_as_it_is() -> None:
    turns = np.arange(0, 180, 10.0)
    operator, x = Radon((SIDE, SIDE), turns), colours()[0]
    y = operator(torch.from_numpy(x).float()[None, None])[0, 0].numpy()
    found = ipse.reconstruct(y, operator=operator, shape=(SIDE, SIDE), preset="fast").image
    assert psnr(found, x) > 20
    moved = ipse.reconstruct(y - operator(torch.full((1, 1, SIDE, SIDE), 3.0))[0, 0].numpy(), operator=operator,
                             shape=(SIDE, SIDE), preset="fast").image  # fmt: skip
    np.testing.assert_allclose(moved, found - 3, atol=0.05)  # a picture may be negative


def test_complex_measurements_give_complex_pictures() -> None:
    def blurred(x: Tensor) -> Tensor:
        assert x.is_complex()
        return (x + 1j * x.roll(1, -1)) / 2

    x = colours()[0] * np.exp(1j * np.linspace(0, 3, SIDE))
    y = blurred(torch.from_numpy(x)).numpy()
    found = ipse.reconstruct(y, operator=blurred, preset="fast").image
    assert found.dtype == np.complex64
    assert psnr(np.abs(found), np.abs(x)) > 25


def test_the_transpose_of_what_brings_its_own_is_used_and_exact(here: Path) -> None:
    space: dict[str, Any] = {}
    exec(Path(f"{here}.py").read_text(), space)
    operator = Foreign(space["Mosaic"](), (3, 8, 6), (8, 6))
    operator.check(torch.zeros(1))
    x, y = torch.rand(2, 3, 8, 6), torch.rand(2, 1, 8, 6)
    torch.testing.assert_close((operator(x) * y).sum(), (x * adjoint(operator, y, x.shape)).sum())
    y.requires_grad_()
    again = torch.autograd.grad(adjoint(operator, y, x.shape).square().sum(), y)[
        0
    ]  # the gradient of a gradient
    torch.testing.assert_close(again, 2 * operator(adjoint(operator, y, x.shape)))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere_at_all:f", "there is no module"),
        ("nowhere.at_all:f", "cannot be imported"),
        ("{}:nothing", "no attribute"),
        ("{}", "MODULE:NAME"),
        ("{}:a b", "MODULE:NAME"),
        ("sys:exit", "there is no module"),
        ("{}:number", "expected a callable"),
        ("{}:offset", "not linear"),
        ("{}:noisy", "not linear"),
        ("{}:squared", "not linear"),
        ("{}:cut", "--shape"),
        ("{}:through_numpy", "cannot be differentiated"),
        ("{}:listed", "expected a tensor"),
        ("{}:failing", "two"),
        ("{}:broken", "cannot be made"),
        ("{}:Wrong", "mend it"),
    ],
)
def test_what_is_no_operator_is_refused_in_one_line(
    name: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("y.npy", seen(colours()))
    assert main(["reconstruct", "y.npy", "--operator", name.format(here), "--preset", "fast"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_module_that_fails_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("fails_at_once.py").write_text("def f(:\n")
    np.save("y.npy", np.ones((4, 4)))
    assert main(["reconstruct", "y.npy", "--operator", "fails_at_once:f"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"shape": "8"}, "HEIGHT,WIDTH"),
        ({"shape": (0, 8)}, "HEIGHT,WIDTH"),
        ({"angles": "0:180"}, "an operator is given"),
        ({"sigma": -1.0}, "no noise level"),
    ],
)
def test_options_that_do_not_match_an_operator_are_refused(told: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        ipse.reconstruct(np.ones((8, 8)), operator=lambda x: x, **told)


def test_a_shape_without_an_operator_is_refused() -> None:
    with pytest.raises(OptionError, match="--operator"):
        ipse.reconstruct(np.ones((8, 8)), shape="8,8")


def test_a_receipt_names_the_code_and_a_rerun_checks_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("y.npy", seen(colours()))
    told = ["--operator", f"{here}:Mosaic", "--preset", "fast"]
    assert main(["reconstruct", "y.npy", "-o", "x.npy", *told]) == 0
    record = json.loads(Path("x.npy.ipse.json").read_text())["options"]["operator"]
    assert record["name"] == f"{here}:Mosaic"
    assert Path(record["path"]).name == f"{here}.py"
    assert ipse.pictures.read("x.npy.view.png").channels == 3
    assert main(["rerun", "x.npy.ipse.json", "-o", "again.npy"]) == 0
    np.testing.assert_array_equal(np.load("again.npy"), np.load("x.npy"))
    Path(f"{here}.py").write_text(CODE + "\n")
    capsys.readouterr()
    assert main(["rerun", "x.npy.ipse.json", "-o", "third.npy"]) == 2
    assert "unchanged" in capsys.readouterr().err


def test_a_page_neither_shows_nor_takes_an_operator() -> None:
    assert {one.name for one in tasks.options("reconstruct") if one.code} == {"operator"}
    for task in form():
        code = {one.name for one in tasks.options(task["name"]) if one.local}
        assert code.isdisjoint(one["name"] for one in task["options"])
        for name in code:
            with pytest.raises(OptionError, match="unknown"):
                told_options(task["name"], {name: "os:system"})


def test_gaps_in_a_trace_are_filled() -> None:
    t = np.arange(600) / 600
    x = 40 * np.sin(2 * np.pi * 7 * t) - 20 * np.cos(2 * np.pi * 23 * t)
    y, gap = x + np.random.default_rng(0).normal(size=x.shape), np.zeros(600, bool)
    for start in (40, 190, 333, 470):
        gap[start : start + 12] = True
    found = ipse.reconstruct(np.where(gap, np.nan, y), operator=lambda x: x, preset="fast")
    line = np.interp(np.arange(600), np.flatnonzero(~gap), y[~gap])
    assert found.image.shape == (1, 600)
    assert found.estimates["sigma"] == pytest.approx(1, abs=0.15)
    error = np.sqrt(np.mean((found.image[0] - x) ** 2, where=gap))
    assert error < 0.9 * np.sqrt(np.mean((line - x) ** 2, where=gap))
    assert np.std((found.image[0] - x)[~gap]) < 0.95


def test_rays_that_are_missing_are_left_out() -> None:
    turns, x = np.arange(0, 180, 6.0), colours()[0]
    x = x * (np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5)) < SIDE / 2 - 1)
    y = Radon((SIDE, SIDE), turns)(torch.from_numpy(x).float()[None, None])[0, 0].numpy()
    broken = y.copy()
    broken[:, 9] = np.nan
    broken[3] = np.nan
    dead = np.nan_to_num(broken)
    found = [
        psnr(ipse.reconstruct(one, angles=turns, centre=SIDE / 2 - 0.5, preset="fast").image, x)
        for one in (broken, dead)
    ]
    assert found[0] > found[1] + 3


def test_samples_of_a_k_space_may_be_missing() -> None:
    x = colours()[0]
    y = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(x), norm="ortho"))[None]
    y[:, 3, 4:9] = 0
    zero = ipse.reconstruct(y, preset="fast").image
    y[:, 3, 4:9] = np.nan
    np.testing.assert_array_equal(ipse.reconstruct(y, preset="fast").image, zero)


def test_a_measurement_of_gaps_alone_is_refused() -> None:
    with pytest.raises(PictureError, match="NaN"):
        measurement(np.full((3, 4), np.nan))
    with pytest.raises(InputError, match="infinite"):
        ipse.reconstruct(np.full((3, 4), np.inf))
