"""Points of a trajectory: which are kept, which a strength means, and that picking one is writing it."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import stubs
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save_file

from ipse.cli import main
from ipse.errors import InputError, OptionError
from ipse.pictures import read
from ipse.runs.receipt import Receipt
from ipse.runs.snapshots import COUNT, Trajectory, schedule

PROFILE = b"\0" * 64 + b"no real profile, but its bytes must survive"


@pytest.fixture
def folder(here):
    stubs.noisy(here / "in.png")
    return here


def trajectory(steps, *, chosen=0, shape=(3, 4, 5)):
    points = {step: np.full(shape, step, np.uint16) for step in steps}
    return Trajectory(points, chosen, None, {"input": None, "input_sha256": ""})


@given(st.integers(1, 20000))
def test_steps_are_geometric_and_end_at_the_last(steps):
    turns = sorted(schedule(steps, COUNT))
    assert turns[-1] == steps
    assert turns[0] >= 1
    assert len(turns) <= COUNT
    if steps >= 1000:
        assert len(turns) == COUNT
        ratios = np.diff(np.log(turns))
        assert ratios.max() / ratios.min() < 1.2


def test_strength_runs_from_the_last_to_the_first():
    points = trajectory([0, 5, 10, 20, 40], chosen=10)
    found = [points.step_at(strength) for strength in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert found == [40, 20, 10, 5, 0]
    assert points.step_at(None) == 10
    for strength in (-0.01, 1.01, float("nan")):
        with pytest.raises(OptionError, match="strength"):
            points.step_at(strength)


def test_a_trajectory_comes_back_from_its_file(tmp_path):
    before = dataclasses.replace(trajectory([0, 3]), keep=np.eye(4, 5, dtype=np.bool_), chosen=3)
    (tmp_path / "t").write_bytes(before.to_bytes())
    after = Trajectory.read(tmp_path / "t")
    assert after.chosen == 3
    assert after.origin == before.origin
    assert np.array_equal(after.keep, before.keep)
    assert all(np.array_equal(after.points[step], before.points[step]) for step in (0, 3))


@pytest.mark.parametrize("content", [b"", b"junk" * 10])
def test_a_file_that_holds_none_is_refused(tmp_path, content):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(InputError, match="t "):
        Trajectory.read(tmp_path / "t")
    save_file({"step 0": np.zeros(3)}, tmp_path / "other")
    with pytest.raises(InputError, match="does not contain ipse snapshots"):
        Trajectory.read(tmp_path / "other")


KINDS = {
    "rgb": lambda rng: Image.fromarray(rng.integers(0, 256, (9, 11, 3), np.uint8)),
    "gray": lambda rng: Image.fromarray(rng.integers(0, 256, (9, 11), np.uint8)),
    "deep": lambda rng: Image.fromarray(rng.integers(0, 65536, (9, 11)).astype(np.uint16)),
    "alpha": lambda rng: Image.fromarray(rng.integers(0, 256, (9, 11, 4), np.uint8)),
    "palette": lambda rng: Image.fromarray(rng.integers(0, 256, (9, 11, 3), np.uint8)).quantize(16),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("folder")
def test_picking_is_what_the_run_would_have_written(kind):
    KINDS[kind](np.random.default_rng(0)).save("in.png", icc_profile=PROFILE)
    shared = ["--steps", "9", "--quiet-pilot", "--quiet"]
    assert main(["smooth", "in.png", "-o", "chosen.png", "--snapshots", *shared]) == 0
    assert main(["pick", "chosen.png.ipse.json", "-o", "picked.png"]) == 0
    assert Path("picked.png").read_bytes() == Path("chosen.png").read_bytes()
    for strength in ("0", "0.5", "1"):
        assert main(["smooth", "in.png", "-o", f"run{strength}.png", "--strength", strength, *shared]) == 0
        assert (
            main(["pick", "chosen.png.ipse.json", "-o", f"pick{strength}.png", "--strength", strength]) == 0
        )
        assert Path(f"run{strength}.png").read_bytes() == Path(f"pick{strength}.png").read_bytes()
    assert read("picked.png").metadata.icc == PROFILE
    assert Path("run0.png").read_bytes() != Path("run1.png").read_bytes()


def test_known_samples_stay_to_the_bit_at_every_point(folder):
    mask = np.zeros((24, 20), np.uint8)
    mask[5:9, 5:9] = 255
    Image.fromarray(mask).save("mask.png")
    assert main(["smooth", "in.png", "--mask", "mask.png", "--snapshots", "--steps", "5", "--quiet"]) == 0
    receipt = Receipt.read(folder / "in_ipse.png.ipse.json")
    assert receipt.snapshots == str(folder / "in_ipse.png.ipse.safetensors")
    for strength in ("0", "0.5", "1"):
        out = f"{strength}.png"
        assert main(["pick", receipt.snapshots, "-o", out, "--strength", strength, "--quiet"]) == 0
        made, given = read(out).samples, read("in.png").samples
        assert np.array_equal(made[mask == 0], given[mask == 0])
        assert not np.array_equal(made[mask > 0], given[mask > 0])


def test_picking_after_a_move(folder, capsys):
    assert main(["smooth", "in.png", "--snapshots", "--steps", "3", "--quiet"]) == 0
    Path("moved").mkdir()
    for path in list(folder.glob("*.*")):
        shutil.move(path, Path("moved") / path.name)
    args = ["pick", "moved/in_ipse.png.ipse.json", "-o", "p.png"]
    assert main(args) == 2
    assert "in.png" in capsys.readouterr().err
    assert main([*args, "--input", "moved/in.png"]) == 0


@pytest.mark.usefixtures("folder")
def test_what_cannot_be_picked_from(capsys):
    assert main(["smooth", "in.png", "--steps", "1", "--quiet"]) == 0
    assert main(["pick", "in_ipse.png.ipse.json", "-o", "p.png"]) == 2
    assert "--snapshots" in capsys.readouterr().err
    assert main(["smooth", "in.png", "--steps", "1", "--quiet", "--snapshots", "--overwrite"]) == 0
    assert main(["pick", "in_ipse.png.ipse.json", "-o", "in_ipse.png"]) == 2
    assert "exists already" in capsys.readouterr().err
    stubs.noisy(Path("in.png"), seed=3)
    assert main(["pick", "in_ipse.png.ipse.json", "-o", "p.png"]) == 2
    assert "changed" in capsys.readouterr().err
    assert not Path("p.png").exists()
