"""Three priors on one sheet: each as it would be alone; files beside it; and the network is the best."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from ipse import tasks
from ipse.cli import main
from ipse.engine.fit import Fit
from ipse.engine.objectives import LeastSquares, TotalVariation
from ipse.engine.operators import Downsample
from ipse.engine.prior import Prior
from ipse.engine.problem import Problem, Recipe
from ipse.errors import OptionError
from ipse.pictures import Picture
from ipse.runs import panels, plan
from ipse.settings import Settings
from ipse.streams.restoration import Restoration
from ipse.tasks._pixels import Pixels
from ipse.tasks.compare_priors import NUMBERS, sheet

LARGE = astronaut()[70:150, 180:276]
SMALL = np.rint(LARGE.reshape(20, 4, 24, 4, 3).mean((1, 3))).astype(np.uint8)
BOX = {"factor": 4, "kernel": "box"}
FAST = Settings(preset="fast", steps=30)


def made(settings: Settings = FAST, **options: Any) -> Problem:
    return tasks.find("compare-priors")(Picture.from_array(SMALL), settings, **{**BOX, **options})


def test_the_network_is_nearer_the_truth_than_tv_and_tv_than_free_pixels() -> None:
    stream = Restoration(Picture.from_array(SMALL), "compare-priors", Settings(preset="fast", steps=200), BOX)
    for _ in stream:
        pass
    result = stream.result().image
    assert result.shape == (80, 3 * 96, 3)
    pixels, smooth, network = (
        np.mean((part / 255.0 - LARGE / 255) ** 2) for part in np.split(result, 3, axis=1)
    )
    assert network < 0.8 * smooth
    assert smooth < 0.95 * pixels


def test_each_panel_is_what_it_would_be_alone() -> None:
    problem = made()
    assert problem.prior is not None
    start = problem.prior.network.pixels.pixels.detach().clone()  # type: ignore[union-attr]
    *_, together = Fit(problem)
    y = torch.from_numpy(Picture.from_array(SMALL).pixels)[None]
    fidelity = LeastSquares(y, Downsample(4, kernel="box"))
    for index, objective in enumerate((fidelity, fidelity + NUMBERS["fast"].smoothness * TotalVariation())):
        prior = Prior(Pixels(start.chunk(2, 1)[index]), torch.zeros(1, 1, 80, 96), size=(80, 96))
        *_, alone = Fit(Problem(prior, objective, Recipe(steps=30)))
        torch.testing.assert_close(
            alone.raw, together.raw[:, 3 * index : 3 * index + 3], rtol=1e-4, atol=1e-5
        )


def test_a_sheet_is_the_pictures_side_by_side() -> None:
    x = torch.rand(1, 6, 4, 5)
    parts = sheet(torch.cat([x, x[:, :3]], 1))
    assert torch.equal(parts[..., :5], x[:, :3])
    assert torch.equal(parts[..., 5:10], x[:, 3:])


@pytest.mark.parametrize("network", ["skip", "deep_decoder"])
def test_any_network_can_be_compared(network: str) -> None:
    *_, last = Fit(made(Settings(network=network, steps=1)))
    assert last.raw.shape == (1, 9, 80, 96)


def test_paper_is_the_published_recipe() -> None:
    problem = made(Settings(preset="paper"))
    assert problem.prior is not None
    assert (problem.recipe.steps, problem.recipe.learning_rate) == (2000, 0.01)
    assert problem.prior.jitter == pytest.approx(1 / 30)


def test_the_command_writes_the_sheet_and_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(SMALL).save("in.png")
    flags = ["compare-priors", "in.png", "--kernel", "box", "--steps", "2", "--preset", "fast", "-q"]
    assert main(flags) == 0
    whole = np.asarray(Image.open("in_ipse.png"))
    assert whole.shape == (80, 288, 3)
    for name, part in zip(("pixels", "tv", "network"), np.split(whole, 3, axis=1), strict=True):
        assert np.array_equal(np.asarray(Image.open(f"in_ipse.{name}.png")), part)
    kept = Path("in_ipse.tv.png").read_bytes()
    Path("in_ipse.png").unlink()
    assert main(flags) == 2  # a part is in the way: nothing is overwritten, nothing is written
    assert Path("in_ipse.tv.png").read_bytes() == kept
    assert not Path("in_ipse.png").exists()


def test_it_is_never_cut_into_tiles() -> None:
    with pytest.raises(OptionError, match="needs the whole picture"):
        tasks.uncut("compare-priors", Settings(tile=64))
    assert tasks.uncut("denoise", Settings(tile=64)).tile == 64
    assert plan.plan(Picture.from_array(SMALL), "compare-priors", FAST, BOX).tiles == 1
    assert panels.places(Path("a/b.png"), "denoise") == []


@pytest.mark.parametrize("factor", [1, 9, 2.5])
def test_a_factor_that_cannot_be_used(factor: Any) -> None:
    with pytest.raises(OptionError, match="factor"):
        made(factor=factor)
