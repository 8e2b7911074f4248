"""Folders and names that nobody would choose: each is restored, or refused in one line, and no other suffers."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import stubs
import tifffile

from ipse import errors
from ipse.batch import pairs
from ipse.batch.listing import Scan, listed
from ipse.batch.records import Record, read
from ipse.batch.watch import Watch
from ipse.cli import main
from ipse.errors import PictureError, RunError
from ipse.runs.job import Job
from ipse.runs.open import open_run
from ipse.runs.receipt import Receipt, beside

COMMAND = ("smooth", "in", "-o", "out", "--steps", "3")
MANIFEST = Path("out/ipse-manifest.jsonl")


def found(*named, recursive=False):
    return [
        str(one.inside) for one in listed([Path(one) for one in named], Scan(Path("out"), recursive)).found
    ]


ODD = [
    b"-x.png",
    b"--overwrite.png",
    b"new\nline.png",
    b"caf\xe9.png",  # Latin-1
    b"escape\x1b[2J.png",
    b"[a]*?.png",
    "日本 ∎.png".encode(),
    b"n" * 236 + b".png",  # its receipt's name is the longest that there can be
]


@pytest.mark.usefixtures("folder")
def test_any_name_is_restored_told_and_known_again(capfd):
    for path in Path("in").iterdir():
        path.unlink()
    try:
        for index, name in enumerate(ODD):
            stubs.noisy(Path("in/a.png"), seed=index).rename(Path("in") / os.fsdecode(name))
    except OSError:
        pytest.skip("this file system takes no such names")
    assert main(list(COMMAND)) == 0
    out, err = capfd.readouterr()
    assert len(err.splitlines()) == len(ODD) + 1
    assert "\x1b" not in err
    names = {os.fsencode(Path(one.input).name) for one in read(MANIFEST)}
    assert names == set(ODD)
    for one in read(MANIFEST):
        assert Receipt.read(beside(Path(one.output))).input == one.input
    assert main([*COMMAND, "--quiet", "--json"]) == 0
    out = capfd.readouterr().out
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["earlier"] * len(ODD)
    assert main([*COMMAND, "--dry-run"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == len(ODD) + 1
    assert not list(Path("out").glob(".*"))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("length", [241, 251])
def test_a_name_to_which_nothing_can_be_added_is_that_pictures_error(length, capsys):
    name = Path("in") / ("n" * (length - 4) + ".png")
    stubs.noisy(name)
    for flags in ([], ["--skip-existing"], ["--dry-run"]):
        assert main([*COMMAND, "-q", *flags]) == 1
        said = capsys.readouterr()
        (line,) = [line for line in (said.out + said.err).splitlines() if "too long" in line]
        assert "n" * 200 in line
    assert [one.state for one in read(MANIFEST)] == ["done"] * 3 + ["failed"]
    assert main(["smooth", "n" * 300, "-o", "out"]) == 2
    assert "too long" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_links_that_go_round_are_walked_once():
    Path("in/loop").symlink_to("..", target_is_directory=True)
    Path("in/self.png").symlink_to("self.png")
    Path("in/other.png").symlink_to("0.png")  # another name is another picture
    assert found("in", recursive=True) == ["0.png", "1.png", "2.png", "other.png", "self.png"]
    assert found("in/**/*.png") == ["0.png", "1.png", "2.png", "other.png", "self.png"]
    assert main([*COMMAND, "-q"]) == 1
    states = {Path(one.input).name: one.state for one in read(MANIFEST)}
    assert [name for name, state in states.items() if state == "failed"] == ["self.png"]


@pytest.mark.usefixtures("folder")
def test_a_folder_that_cannot_be_looked_through_is_named(monkeypatch, capsys):
    Path("in/secret").mkdir()
    real = os.scandir

    def scandir(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert found("in") == ["0.png", "1.png", "2.png"]
    with pytest.raises(PictureError, match=r"in/secret: cannot be read \(permission denied\)"):
        found("in", recursive=True)
    assert main([*COMMAND, "--recursive"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not Path("out").exists()


@pytest.mark.usefixtures("folder")
def test_masks_are_looked_up_once_a_folder_and_again_once_it_has_changed(monkeypatch):
    masks, looks, real = Path("masks"), [], pairs.sorted if hasattr(pairs, "sorted") else sorted
    masks.mkdir()
    for index in range(3):
        stubs.noisy(masks / f"{index}_mask.png")
    monkeypatch.setattr(pairs, "sorted", lambda *given: looks.append(given) or real(*given), raising=False)
    for index in range(3):
        source = Path(f"in/{index}.png")
        assert (
            pairs.matched({"mask": masks}, source, Path(source.name))["mask"] == masks / f"{index}_mask.png"
        )
    assert len(looks) == 1
    time.sleep(0.02)
    stubs.noisy(masks / "late.png")
    assert pairs.matched({"mask": masks}, Path("in/late.png"), Path("late.png"))["mask"] == masks / "late.png"


@pytest.mark.slow
def test_two_runs_into_one_folder_do_not_disturb_each_other(folder):
    slow = (*COMMAND[:4], "--steps", "6", "--wait", "0.05", "--checkpoint-every", "0")
    runs = [stubs.start(*slow, cwd=folder) for _ in range(2)]
    for code, _, err in map(stubs.finish, runs):
        assert code == 0, err
    assert main(["smooth", "in", "-o", "whole", "--steps", "6", "--quiet"]) == 0
    for path in Path("whole").glob("*.png"):
        assert (Path("out") / path.name).read_bytes() == path.read_bytes()
    lines = MANIFEST.read_text().splitlines()
    assert all(Record.from_json(line) is not None for line in lines)
    assert {Path(one.output).name: one.state == "failed" for one in read(MANIFEST)} == {
        f"{index}_ipse.png": False for index in range(3)
    }
    assert not list(Path("out").glob(".*"))


@pytest.mark.parametrize("change", ["content", "date", "gone"])
def test_a_stack_that_changes_while_it_is_restored_is_no_result(change, tmp_path):
    source, target = tmp_path / "in.tif", tmp_path / "out.tif"
    array = np.random.default_rng(0).integers(0, 256, (3, 40, 48), np.uint8)
    tifffile.imwrite(source, array, photometric="minisblack", metadata={"axes": "ZYX"})
    run = open_run(
        Job("denoise", source, target, options={"sigma": 25.0}, checkpoint=tmp_path / "saved", every=1e9)
    )
    for _ in run:
        pass
    if change == "content":
        tifffile.imwrite(source, array[::-1], photometric="minisblack", metadata={"axes": "ZYX"})
    elif change == "date":
        os.utime(source, (1, 1))
    else:
        source.unlink()
    if change == "date":
        run.finish()
        assert target.exists()
        return
    with pytest.raises(RunError, match="has changed during the run"):
        run.finish()
    assert not target.exists()


@pytest.mark.usefixtures("folder")
def test_a_watch_of_a_slow_folder_rests_longer(monkeypatch):
    from ipse.batch.errands import Order

    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    watch = Watch(Order((Path("in"),), Path("out"), Job("smooth", None, None)), rest=1.0)
    looks = []

    def slow():
        looks.append(clock[0])
        clock[0] += 2.0  # seconds that a look takes
        yield from ()

    monkeypatch.setattr(watch, "look", slow)
    events = iter(watch)
    while clock[0] < 50:
        next(events)
        clock[0] += 0.5
    assert np.diff(looks).min() >= 18


def test_what_a_terminal_would_obey_is_escaped():
    assert errors.one_line("a\nb\tc  d") == "a b c d"
    assert errors.one_line("x\x1b[2J\udce9 é ∎") == "x\\x1b[2J\\udce9 é ∎"
