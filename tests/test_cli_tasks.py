"""Every task through the command and the library: files in and out, the same again, another point."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runs import open_whole
from skimage.data import astronaut

import ipse
from ipse import tasks
from ipse.cli import main
from ipse.cli.exhibit import LABEL, comparison, lines
from ipse.pictures import read
from ipse.runs.job import Job
from ipse.runs.receipt import Receipt
from ipse.settings import Settings

FACE = astronaut()[70:118, 190:238]


def noisy():
    noise = np.random.default_rng(0).normal(0, 30, FACE.shape)
    return np.clip(np.rint(FACE + noise), 0, 255).astype(np.uint8)


def mask():
    hole = np.zeros(FACE.shape[:2], np.uint8)
    hole[10:30, 12:32] = 255
    return hole


@dataclasses.dataclass(frozen=True)
class Case:
    samples: np.ndarray
    suffix: str
    flags: tuple[str, ...] = ()
    options: tuple[tuple[str, object], ...] = ()


CASES = {
    "denoise": Case(noisy(), ".png", ("--sigma", "30"), (("sigma", 30),)),
    "dejpeg": Case(FACE, ".jpg"),
    "inpaint": Case(FACE, ".png", ("--mask", "mask.png"), (("mask", Path("mask.png")),)),
    "upscale": Case(FACE[::2, ::2].copy(), ".png", ("--factor", "2"), (("factor", 2),)),
}
HERE = sorted(set(CASES) & set(tasks.names()))
SHORT = ("--steps", "5", "--preset", "fast", "--latent", "noise")
SETTINGS = Settings(steps=5, preset="fast", latent="noise")


@pytest.fixture
def given(request, tmp_path, monkeypatch):
    """The input of a task, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    case = CASES[request.param]
    Image.fromarray(mask()).save("mask.png")
    name = f"in{case.suffix}"
    Image.fromarray(case.samples).save(name, **({"quality": 10} if case.suffix == ".jpg" else {}))
    return request.param, name, case


every_task = pytest.mark.parametrize("given", HERE, indirect=True)


@every_task
def test_the_command_restores_and_rerun_and_pick_agree(given, capsys):
    task, name, case = given
    before = Path(name).read_bytes()
    assert main([task, name, "-o", "a.png", "--snapshots", *case.flags, *SHORT]) == 0
    said = Receipt.read(Path("a.png.ipse.json"))
    assert (said.task, said.steps, said.settings["preset"]) == (task, 5, "fast")
    made = read("a.png")
    assert made.size == ((48, 48) if task == "upscale" else read(name).size)
    assert (made.mode, made.dtype) == ("RGB", np.uint8)
    assert main(["rerun", "a.png.ipse.json", "-o", "b.png"]) == 0
    assert "byte-identical" in capsys.readouterr().err
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert main(["pick", "a.png.ipse.json", "-o", "c.png"]) == 0
    assert Path("a.png").read_bytes() == Path("c.png").read_bytes()
    assert main(["pick", "a.png.ipse.json", "-o", "d.png", "--strength", "0"]) == 0
    assert main([task, name, "-o", "e.png", "--strength", "0", *case.flags, *SHORT]) == 0
    assert Path("d.png").read_bytes() == Path("e.png").read_bytes()
    assert Path(name).read_bytes() == before


def test_where_nothing_is_fitted_strength_leads_back_to_the_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    y = noisy()
    Image.fromarray(y).save("in.png")
    assert main(["denoise", "in.png", "-o", "whole.png", "--snapshots", "--preset", "fast", "--quiet"]) == 0
    whole, changes = np.asarray(Image.open("whole.png")), []
    for strength in ("0", "0.25", "0.5", "1"):
        told = ["denoise", "in.png", "-o", f"run{strength}.png", "--strength", strength, "--preset", "fast"]
        assert main(told) == 0
        assert f"restored by self-similarity at strength {strength}" in capsys.readouterr().err
        assert main(["pick", "whole.png.ipse.json", "-o", f"pick{strength}.png", "--strength", strength]) == 0
        assert f"{float(strength):.0%} of the change" in capsys.readouterr().err
        assert Path(f"run{strength}.png").read_bytes() == Path(f"pick{strength}.png").read_bytes()
        changes.append(np.asarray(Image.open(f"run{strength}.png")).astype(float) - y)
    assert not changes[0].any()
    assert np.array_equal(changes[-1] + y, whole)
    for share, change in zip((0.25, 0.5), changes[1:3], strict=True):
        assert np.abs(change - share * changes[-1]).max() <= 1  # a level, of rounding


@every_task
def test_resumed_is_uninterrupted(given):
    task, name, case = given
    job = Job(
        task, Path(name), Path("out.png"), SETTINGS, dict(case.options), checkpoint=Path("fit"), every=0.0
    )
    for event in open_whole(job):
        if getattr(event, "step", 0) == 3:
            break
    resumed = open_whole(dataclasses.replace(job, resume=True))
    assert [event.step for event in resumed] == [4, 5]
    resumed.finish()
    whole = open_whole(dataclasses.replace(job, checkpoint=None, target=Path("whole.png")))
    for _ in whole:
        pass
    whole.finish()
    assert Path("out.png").read_bytes() == Path("whole.png").read_bytes()


@every_task
def test_dry_run_plans(given, capsys):
    task, name, case = given
    assert main([task, name, "--dry-run", "--json", *case.flags, *SHORT]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["steps"] == 5
    assert said["memory"] > 0
    assert said["seconds"] > 0


@every_task
def test_the_library_gives_what_the_command_gives(given):
    task, name, case = given
    assert main([task, name, "-o", "a.png", "--quiet", *case.flags, *SHORT]) == 0
    options = dict(case.options) | {"steps": 5, "preset": "fast", "latent": "noise"}
    result = getattr(ipse, task)(name, **options)
    result.save("b.png")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    if task != "dejpeg":
        array = getattr(ipse, task)(case.samples, **options).image
        assert np.array_equal(array, read("a.png").samples)


@pytest.mark.parametrize("given", ["inpaint"], indirect=True)
def test_known_pixels_come_back_to_the_bit(given):
    task, name, case = given
    assert main([task, name, "-o", "a.png", "--quiet", *case.flags, *SHORT]) == 0
    known = mask() == 0
    assert np.array_equal(read("a.png").samples[known], FACE[known])
    assert not np.array_equal(read("a.png").samples[~known], FACE[~known])


@pytest.mark.parametrize(
    ("damage", "task"),
    [
        ("noise", "denoise"),
        ("jpeg", "dejpeg"),
        ("holes", "inpaint"),
        ("small", "upscale"),
        ("network", "upscale"),
    ],
)
def test_the_demo_prints_what_it_measured(damage, task, tmp_path, monkeypatch, capsys):
    if task not in tasks.names():
        pytest.skip(f"{task} is not there yet")
    cat = astronaut()[64:128, 192:256]
    monkeypatch.setattr("ipse.cli.exhibit.FACE", np.s_[:63, :63])
    monkeypatch.setattr("skimage.data.chelsea", lambda: cat)
    folder = tmp_path / "demo"
    assert (
        main(["demo", "-o", str(folder), "--damage", damage, "--steps", "20", "--preset", "fast", "--quiet"])
        == 0
    )
    out = capsys.readouterr().out
    original = read(folder / "original.png").samples
    error = np.mean((read(folder / "restored.png").samples.astype(float) - original) ** 2)
    assert f"after {10 * np.log10(255**2 / error):.2f} dB" in out
    before, after = (float(part.split()[0]) for part in (out.split("before ")[1], out.split("after ")[1]))
    assert after > before
    with Image.open(folder / "before-after.png") as sheet:
        assert sheet.width == 3 * original.shape[1]


def test_the_demo_shows_what_a_network_alone_can_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("skimage.data.chelsea", lambda: astronaut()[64:128, 192:256])
    monkeypatch.setattr("ipse.cli.exhibit.FACE", np.s_[:48, :48])
    assert main(["demo", "-o", str(tmp_path), "--steps", "3", "--preset", "fast", "--quiet"]) == 0
    noise, _, small, _ = capsys.readouterr().out.splitlines()
    assert "ipse denoise" in noise
    assert "an untrained network alone" in small
    assert Receipt.read(tmp_path / "network" / "restored.png.ipse.json").settings["network"] == "fast"


def test_labels_stay_above_their_pictures():
    assert lines("one two three", 7, len) == ["one two", "three"]
    assert lines("one two three", 99, len) == ["one two three"]
    assert lines("incomprehensible words", 5, len) == ["incomprehensible", "words"]
    white = np.full((10, 216, 3), 255, np.uint8)
    sheet = comparison([("restored (an untrained network alone): 29.34 dB", white), ("", white)])
    assert sheet.shape == (10 + 2 * LABEL, 432, 3)
    assert (sheet[:, 216:] == 255).all()


def test_tiles_through_the_command(tmp_path, monkeypatch, capsys):
    """Cut, killed between two tiles, resumed and repeated: one and the same file."""
    monkeypatch.chdir(tmp_path)
    scene = np.clip(astronaut()[:96, :160] + np.random.default_rng(0).normal(0, 25, (96, 160, 3)), 0, 255)
    Image.fromarray(scene.astype(np.uint8)).save("in.png")
    flags = ("--sigma", "25", "--steps", "5", "--preset", "fast", "--tile", "64")
    assert main(["denoise", "in.png", "-o", "a.png", *flags]) == 0
    assert "tile 2 of" in capsys.readouterr().err
    said = Receipt.read(Path("a.png.ipse.json"))
    assert said.tiles is not None
    assert said.tiles > 2
    assert said.steps == 5 * said.tiles
    assert main(["rerun", "a.png.ipse.json", "-o", "b.png"]) == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    settings, options = Settings(steps=5, preset="fast", tile=64), {"sigma": 25.0, "noise": "auto"}
    job = Job("denoise", Path("in.png"), Path("c.png"), settings, options, checkpoint=Path("fit"), every=0.0)
    run = open_whole(job)
    for _ in run:
        if run.stream.done["tiles"] == 2:
            break
    del run
    resumed = open_whole(dataclasses.replace(job, resume=True))
    assert sum(1 for event in resumed if hasattr(event, "step")) == 5 * (said.tiles - 2)
    resumed.finish()
    assert Path("a.png").read_bytes() == Path("c.png").read_bytes()
    stopped = open_whole(dataclasses.replace(job, checkpoint=None, target=Path("d.png")))
    for _ in stopped:
        if stopped.stream.done["tiles"] == 1:
            break
    assert stopped.finish(cancelled=True).tiles == 1
    assert main(["rerun", "d.png.ipse.json", "-o", "e.png"]) == 0
    assert Path("d.png").read_bytes() == Path("e.png").read_bytes()
    assert main(["denoise", "in.png", "-o", "f.png", "--strength", "0.5", *flags]) == 2
    assert "--tile" in capsys.readouterr().err
