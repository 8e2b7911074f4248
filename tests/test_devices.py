"""Every task in every preset on a device that refuses what Apple's and NVIDIA's GPUs refuse."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from fake_device import fake, there
from PIL import Image
from skimage import data

from ipse import devices as module
from ipse.engine.stopping import moving_variance
from ipse.pictures import Picture
from ipse.pilots import _correction as correction
from ipse.pilots import bootstrap
from ipse.settings import Preset, Settings
from ipse.streams.restoration import Restoration

dejpeg, _repeated, _splitting, _noisy_jpeg = (
    import_module(f"ipse.tasks.{name}") for name in ("dejpeg", "_repeated", "_splitting", "_noisy_jpeg")
)
deconvolution, non_local_fill = (
    import_module(f"ipse.pilots.{name}") for name in ("deconvolution", "non_local_fill")
)
DEVICES = ["mps", "cuda:0"]
SIDE = 48
Given = tuple[Picture, dict[str, Any]]


def photo(side: int = SIDE) -> np.ndarray[Any, Any]:
    return data.astronaut()[60 : 60 + side, 190 : 190 + side]


def with_noise(sigma: float = 20) -> np.ndarray[Any, Any]:
    y = photo() + np.random.default_rng(0).normal(0, sigma, (SIDE, SIDE, 3))
    return np.clip(np.rint(y), 0, 255).astype(np.uint8)


def scattered() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).random((SIDE, SIDE)) < 0.5


def jpeg(folder: Path) -> Picture:
    Image.fromarray(photo()).save(folder / "a.jpg", quality=30)
    return Picture.from_array(np.asarray(Image.open(folder / "a.jpg")))


def hole() -> np.ndarray[Any, Any]:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[10:25, 12:30] = True
    return mask


def plain(image: np.ndarray[Any, Any], **options: Any) -> Callable[[Path], Given]:
    return lambda _: (Picture.from_array(image), options)


CASES: dict[str, tuple[str, Callable[[Path], Given]]] = {
    "denoise": ("denoise", plain(with_noise())),
    "photon": ("denoise", plain(with_noise(), noise="poisson")),
    "counts": ("denoise", plain(np.random.default_rng(0).poisson(photo() / 128).astype(np.uint8))),
    "speckle": ("denoise", plain(with_noise(), noise="speckle")),
    "camera": ("denoise", plain(with_noise(), noise="correlated")),
    "impulses": ("denoise", plain(np.where(scattered()[..., None], photo(), 255).astype(np.uint8))),
    "inpaint": ("inpaint", plain(photo(), mask=scattered())),
    "hole": ("inpaint", plain(photo(), mask=hole())),
    "dejpeg": ("dejpeg", lambda folder: (jpeg(folder), {})),
    "told": ("dejpeg", plain(photo(), quality=20)),
    "upscale": ("upscale", plain(photo(24), factor=2)),
    "restore": ("restore", plain(photo(), psf=np.ones((3, 3)) / 9)),
    "deblur": ("deblur", plain(photo(), defocus=1.5)),
    "flash": ("flash", plain(photo(), flash=photo())),
}


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """As little of everything as goes through all of the code: each size of patches once."""
    for where, name, rounds in (
        (dejpeg, "NUMBERS", lambda one: replace(one, rounds=len(one.sizes))),
        (_repeated, "ROUNDS", lambda one: replace(one, small=len(one.sizes), fine=min(one.fine, 1))),
        (
            non_local_fill,
            "PASSES",
            lambda passes: tuple(replace(one, rounds=len(one.sizes)) for one in passes),
        ),
        (_splitting, "ROUNDS", lambda _: 3),
        (deconvolution, "ROUNDS", lambda _: 3),
        (_noisy_jpeg, "ROUNDS", lambda _: 2),
    ):
        brief = {effort: rounds(numbers) for effort, numbers in getattr(where, name).items()}
        monkeypatch.setattr(where, name, brief)
    monkeypatch.setattr(correction, "STEPS", 3)
    monkeypatch.setattr(bootstrap, "LEAST", 16)
    monkeypatch.setattr(bootstrap, "SCALES", (1.0,))
    monkeypatch.setattr(bootstrap, "PIXELS", 1)
    monkeypatch.setattr(bootstrap, "SIDE", 24)


def run(task: str, given: Given, settings: Settings, most: int = 3) -> np.ndarray[Any, Any]:
    """All pilots, so many steps, and all that refines."""
    picture, options = given
    restoration = Restoration(picture, task, settings, options)
    for event in restoration.begun():
        assert fake(event.picture)
    if restoration.search is not None:
        for event in restoration.search:
            if event.step == most:
                break
        assert restoration.search.best is not None
        assert restoration.problem is not None
        refine = getattr(restoration.problem, "refine", None)
        for number, x in enumerate([] if refine is None else refine(restoration.search.best)):
            assert fake(x)
            restoration.refined = x
            if number == 2:
                break
    return restoration.result().picture.pixels


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("device", "preset"),
    [
        *(("mps", preset) for preset in get_args(Preset)),
        ("cuda:0", "good"),
    ],  # CUDA refuses nothing that MPS does not
)
def test_every_task_on_it(
    device: str, case: str, preset: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, made = CASES[case]
    given = made(tmp_path)
    with there(device, monkeypatch) as mode:
        assert module.find_device("auto") == device
        pixels = run(task, given, Settings(preset=preset))
        assert mode.seen > 10
    assert np.isfinite(pixels).all()


@pytest.mark.parametrize("rule", ["wmv", "emv", "discrepancy", "held-out"])
@pytest.mark.parametrize("device", DEVICES)
def test_every_rule_on_it(device: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        moving_variance.WindowedVariance.__init__, "__kwdefaults__", {"window": 2, "patience": 9}
    )
    with there(device, monkeypatch):
        settings = Settings(preset="fast", rule=rule, steps=4)
        run("denoise", (Picture.from_array(with_noise()), {"sigma": 20.0}), settings, most=4)


@pytest.mark.parametrize("task", ["invert", "maximise", "compare-priors"])
@pytest.mark.parametrize(("device", "preset"), [("mps", "fast"), ("cuda:0", "fast"), ("mps", "good")])
def test_what_looks_into_models_on_it(
    device: str, preset: Preset, task: str, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"weights": tiny}
    options |= {"invert": {"layer": "relu2"}, "maximise": {"layer": "scores", "channel": 1}}.get(task, {})
    with there(device, monkeypatch) as mode:
        run(
            task,
            (Picture.from_array(photo()), {} if task == "compare-priors" else options),
            Settings(preset=preset),
        )
        assert mode.seen > 10


class TestTheDouble:
    """It must refuse, or all of the above says nothing."""

    @pytest.fixture(params=DEVICES)
    def device(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[torch.device]:
        with there(request.param, monkeypatch) as mode:
            yield mode.device

    def test_two_devices(self, device: torch.device) -> None:
        x = torch.zeros(3, device=device)
        assert x.device == (x + 1).device == torch.zeros(3).to(x).device == device
        for mixed in (
            lambda: x + torch.ones(3),
            lambda: torch.ones(2, 3) @ x,
            lambda: torch.cat([x, x.cpu()]),
        ):
            with pytest.raises(RuntimeError, match="same device"):
                mixed()
        with pytest.raises(TypeError, match="numpy"):
            x.numpy()
        assert (x.cpu() + torch.ones(3)).numpy().sum() == 3

    def test_generators(self, device: torch.device) -> None:
        torch.rand(3, generator=torch.Generator(device), device=device)
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(3, generator=torch.Generator(), device=device)
        with pytest.raises(RuntimeError, match="generator"):
            torch.zeros(3).normal_(generator=torch.Generator(device))

    def test_modules_and_gradients(self, device: torch.device) -> None:
        network = torch.nn.Linear(3, 1).to(torch.zeros(1, device=device))
        assert network.weight.device == device
        with pytest.raises(RuntimeError, match="same device"):
            network(torch.ones(3))
        network(torch.ones(3, device=device)).sum().backward()
        assert network.weight.grad is not None
        assert network.weight.grad.device == device

    def test_what_apple_lacks(self, device: torch.device) -> None:
        x = torch.eye(3, device=device)
        for lacking in (
            x.double,
            lambda: x.to(torch.float64),
            lambda: torch.linalg.eigvalsh(x),
            lambda: torch.linalg.pinv(x),
        ):
            if device.type == "mps":
                with pytest.raises((TypeError, NotImplementedError)):
                    lacking()
            else:
                lacking()
