"""The tasks of the paper's figures keep what every task promises: resumed, planned, cancelled, picked."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from runs import open_whole, pulled
from skimage.data import astronaut
from tiny_model import write

from ipse.cli import main
from ipse.runs.job import Job
from ipse.settings import Settings

FACE = astronaut()[70:118, 190:238]
SETTINGS = Settings(steps=5, preset="fast")
OPTIONS: dict[str, dict[str, Any]] = {
    "restore": {"psf": Path("psf.npy"), "mask": Path("mask.png")},
    "flash": {"flash": Path("flash.png")},
    "compare-priors": {"factor": 2},
    "invert": {"layer": "relu1", "weights": Path("tiny.safetensors"), "noise": "heavy"},
    "maximise": {"class_": "beech", "weights": Path("tiny.safetensors")},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    Image.fromarray(FACE).save("in.png")
    Image.fromarray(FACE[..., ::-1].copy()).save("flash.png")
    np.save("psf.npy", np.outer([1, 2, 1], [1, 3, 1]))
    hole = np.zeros(FACE.shape[:2], np.uint8)
    hole[10:14, 12:40] = 255
    Image.fromarray(hole).save("mask.png")


def job(task: str, target: str, **more: Any) -> Job:
    source = None if task == "maximise" else Path("in.png")
    return Job(task, source, Path(target), SETTINGS, OPTIONS[task], **more)


def written(one: Job) -> bytes:
    pulled(open_whole(one))
    assert one.target is not None
    return one.target.read_bytes()


@pytest.mark.parametrize("task", OPTIONS)
def test_resumed_is_uninterrupted(task: str) -> None:
    broken = job(task, "out.png", checkpoint=Path("fit"), every=0.0)
    for event in open_whole(broken):
        if getattr(event, "step", 0) == 3:
            break
    resumed = open_whole(dataclasses.replace(broken, resume=True))
    assert [getattr(event, "step", None) for event in resumed] == [4, 5]
    resumed.finish()
    assert Path("out.png").read_bytes() == written(job(task, "whole.png"))


@pytest.mark.parametrize("task", OPTIONS)
def test_rerun_and_pick_agree(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = written(job(task, "a.png", snapshots=True))
    assert main(["rerun", "a.png.ipse.json", "-o", "b.png"]) == 0
    assert "byte-identical" in capsys.readouterr().err
    assert Path("b.png").read_bytes() == made
    assert main(["pick", "a.png.ipse.json", "-o", "c.png"]) == 0
    assert np.array_equal(np.asarray(Image.open("c.png")), np.asarray(Image.open("a.png")))


@pytest.mark.parametrize("task", OPTIONS)
def test_dry_run_plans_and_writes_nothing(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(Path().iterdir())
    words = {"class_": "--class"}
    flags = [
        word
        for name, value in OPTIONS[task].items()
        for word in ([] if name == "flash" else [words.get(name, f"--{name}")]) + [str(value)]
    ]
    flags = [*flags, "in.png"] if task != "maximise" else flags
    assert main([task, *flags, "--steps", "5", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["task"], plan["steps"], plan["tiles"]) == (task, 5, 1)
    assert sorted(Path().iterdir()) == before
