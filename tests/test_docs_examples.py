"""What the docs would have one run, runs: the library's page as it stands, and the files that extend ipse."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from doc_examples import DOCS, page, reduced
from PIL import Image
from skimage.data import astronaut

from ipse import tasks

FACE = (  # with noise on it: what is clean is left alone
    (astronaut()[60:92, 180:212] + np.random.default_rng(0).normal(0, 20, (32, 32, 3)))
    .clip(0, 255)
    .astype(np.uint8)
)
EXTEND = ("network", "rule", "operator", "task", "cut", "output")

# What each page takes as given, and what must be true when its last line has run.
GIVEN = """
import itertools, numpy as np, torch
from PIL import Image
from skimage.data import astronaut
from ipse.engine.objectives import LeastSquares, TotalVariation
from ipse.engine.operators import Downsample, adjoint
from ipse.engine.fit import Fit
image = astronaut()[60:92, 180:212]
x = torch.from_numpy(image / 255).float().movedim(2, 0)[None]
"""
BEFORE = {
    "network": "",
    "rule": """
from ipse import tasks
from ipse.settings import Settings
problem = tasks.find("upscale")(ipse.Picture.from_array(image[:16, :16]), Settings(steps=200), factor=2)
""",
    "operator": """
import ipse.engine.operators.mosaic as m
y = m.Mosaic((32, 32))(x)
small, sharp, known = Downsample(2, kernel="box")(x), x, (torch.arange(32) < 16).float()[None, None, None]
""",
    "task": """
import ipse.tasks.deinterlace as d
d.STEPS["good"] = 4
""",
    "cut": "image = (image + np.random.default_rng(0).normal(0, 20, image.shape)).clip(0, 255).astype(np.uint8)",
    "output": "",
}
AFTER = {
    "cut": """
assert places == {f"channel {number} of 3, " for number in (1, 2, 3)}
assert restored.shape == image.shape
green = ipse.denoise(image[..., 1], sigma=20.0, preset="fast").image
assert np.array_equal(restored[..., 1], green)
""",
    "output": """
with np.load("out.npz") as archive:
    assert archive["pixels"].shape == (3, 32, 32)
    assert str(archive["receipt"]) == receipt.to_json()
assert receipt.task == "denoise"
""",
    "network": """
assert result.image.shape == (64, 64, 3)
assert result.steps == 4
""",
    "rule": """
assert "has not fallen" in search.reason, search.reason
assert search.step < 200
named = tasks.find("upscale")(ipse.Picture.from_array(image[:16, :16]), Settings(rule="plateau"), factor=2)
assert isinstance(named.rule, Plateau), named.rule
assert "plateau" in str(next(one.kind for one in tasks.shared_options() if one.name == "rule"))
""",
    "operator": """
u = torch.randn(1, 1, 9, 10)
v = torch.randn(1, 3, 9, 10)
mosaic = m.Mosaic((9, 10))
assert torch.allclose((mosaic(v) * u).sum(), (v * adjoint(mosaic, u, v.shape)).sum(), atol=1e-4)
assert mosaic.filters.sum(0).eq(1).all()
assert colours.shape == x.shape
assert not torch.equal(A.kernel, A.start)
""",
    "task": """
assert np.array_equal(result.image[1::2], image[1::2])
assert not np.array_equal(result.image[::2], image[::2])
from ipse.cli import main
Image.fromarray(image).save("frame.png")
assert main(["deinterlace", "frame.png", "--field", "odd", "--steps", "2", "-q"]) == 0
assert np.array_equal(np.asarray(Image.open("frame_ipse.png"))[1::2], image[1::2])
assert main(["deinterlace", "frame.png", "--field", "top", "-q"]) == 2
d.STEPS["good"] = 100
x = ipse.restore(image, "deinterlace").image / 255.0
assert np.mean((x - image / 255)[1:-1:2] ** 2) < 0.5 * np.mean((image[:-2:2] / 255.0 - image[1:-1:2] / 255) ** 2)
""",
}


def test_six_files_extend_the_package_and_nothing_else_changes(tmp_path: Path) -> None:
    shutil.copytree(DOCS.parent / "src" / "ipse", tmp_path / "ipse")  # with what is compiled
    script = ["import ipse"]
    for name in EXTEND:
        found = page(f"extend/{name}.md")
        assert len(found.files) == 1
        assert found.left_out == 0
        for path, text in found.files.items():
            assert not (tmp_path / path).exists()
            (tmp_path / path).write_text(text, encoding="utf-8")
        script += [GIVEN, BEFORE[name], *(reduced(block) for block in found.blocks), AFTER[name]]
    (tmp_path / "all.py").write_text("\n".join(script), encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "all.py"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_examples_of_extension_are_formatted_and_clean(tmp_path: Path) -> None:
    for name in EXTEND:
        for text in page(f"extend/{name}.md").files.values():
            (tmp_path / f"{name}.py").write_text(text.split("\n", 1)[1], encoding="utf-8")
    config = ["--config", str(DOCS.parent / "pyproject.toml"), "--no-cache", str(tmp_path)]
    for order in (["check", "--ignore", "I001"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *order, *config], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


@pytest.fixture(name="given")
def fixture_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    for name in tasks.names():
        module = import_module(f"ipse.tasks.{tasks.python_name(name)}")
        for effort, numbers in getattr(module, "NUMBERS", {}).items():
            monkeypatch.setitem(module.NUMBERS, effort, replace(numbers, steps=3))
    Image.fromarray(FACE).save("snapshot.jpg", quality=20)
    mask = np.zeros(FACE.shape[:2], np.bool_)
    mask[10:14, 12:20] = True
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    small = {"image": FACE, "noisy": FACE, "mask": mask, "kernel": kernel, "dark": FACE // 3, "bright": FACE}
    return {**small, "y": torch.rand(1, 1, 32, 64), "enough": lambda _: True}


def test_the_fit_to_debug_runs(given: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = page("../CONTRIBUTING.md").blocks
    exec(compile(reduced(block), "CONTRIBUTING.md", "exec"), given)
    assert len(capsys.readouterr().out.splitlines()) == given["search"].fit.step == 4
    assert given["search"].best.shape == (1, 3, 64, 64)


@pytest.mark.parametrize("name", ["index.md", "library.md", "../README.md"])
def test_the_page_runs_from_top_to_bottom(name: str, given: dict[str, Any]) -> None:
    found = page(name)
    ran = 0
    for block in found.blocks:
        if "import deepinv" in block and find_spec("deepinv") is None:
            continue
        exec(compile(reduced(block), name, "exec"), given)
        ran += 1
    assert ran >= len(found.blocks) - 1
    image = given["clean"] if name == "../README.md" else given["result"].image
    assert image.shape == FACE.shape
    if name == "library.md":
        assert given["result"].disagreement.shape == FACE.shape[:2]
        assert given["search"].best.shape == (1, 3, 64, 64)
