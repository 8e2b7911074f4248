"""The command: its help, its flags, what it writes, what it says to bad input."""

import ast
import errno
import inspect
import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import stubs
from PIL import Image

from ipse import tasks
from ipse.cli import main
from ipse.cli.batch import Many
from ipse.cli.task import Files, callback
from ipse.runs.job import default_target
from ipse.runs.receipt import Receipt, beside
from ipse.settings import Settings

COMMAND = Path(sys.executable).with_name("ipse")
HEAVY = {"torch", "skimage", "scipy", "numpy", "PIL"}


@pytest.fixture
def folder(here):
    stubs.noisy(here / "in.png")
    return here


def imported(*calls):
    """What the command has imported after each of several calls in one process."""
    code = f"""if True:
        import sys, ipse.cli
        for call in {list(calls)!r}:
            ipse.cli.main(call)
            print(*sys.modules, file=sys.stderr)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("sys ")]
    return [set(line.split()) for line in lines]


def test_what_is_imported_before_help_and_refusals_are_said(tmp_path):
    helps = [[name, "--help"] for name in ("info", *tasks.names())]
    bad = ["upscale", str(tmp_path / "gone.png"), "--factor", "2"]
    first, *others = imported(["--help"], *helps, bad)
    assert not {name.partition(".")[0] for name in first} & HEAVY
    loaded = {name for name in first if name.startswith("ipse.tasks.")}
    assert loaded == {"ipse.tasks._outline", "ipse.tasks._signature"}
    assert len(others) == len(helps) + 1
    assert [call for call, modules in zip([*helps, bad], others, strict=True) if "torch" in modules] == []
    assert "numpy" in others[-1]


@pytest.mark.parametrize("task", tasks.names())
def test_flags_are_the_signature_and_the_settings(task):
    own = [p for p in inspect.signature(tasks.find(task)).parameters.values() if p.kind is p.KEYWORD_ONLY]
    flags = inspect.signature(callback(task)).parameters
    files = {f.name for f in fields(Files)} | {f.name for f in fields(Many)}
    if tasks.sees(task) == "nothing":
        files -= {"picture"} | {f.name for f in fields(Many)}
    assert set(flags) == {p.name for p in own} | {f.name for f in fields(Settings)} | files
    for parameter in own:
        assert flags[parameter.name].default == parameter.default
    for known in (*tasks.options(task), *tasks.shared_options()):
        assert known.help, f"{known.name} has no help"


def test_every_task_is_listed_with_its_first_line(capsys):
    assert main(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for task in tasks.names():
        name = tasks.python_name(task)
        tree = ast.parse((Path(tasks.__file__).parent / f"{name}.py").read_text())
        function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
        assert ast.get_docstring(function).partition("\n")[0] in shown


def test_the_installed_command_answers():
    done = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ipse 0.")


def test_output_lies_beside_the_input_with_its_receipt(folder, capsys):
    assert main(["smooth", "in.png", "--steps", "3"]) == 0
    said = Receipt.read(beside(folder / "in_ipse.png"))
    assert (said.task, said.settings["steps"], said.options["kind"]) == ("smooth", 3, "one")
    assert said.input == str(folder / "in.png")
    assert said.output == str(folder / "in_ipse.png")
    with Image.open("in_ipse.png") as made, Image.open("in.png") as given:
        assert (made.size, made.mode) == (given.size, given.mode)
    out, err = capsys.readouterr()
    assert out == ""
    assert "step 1 of 3" in err
    assert "held-out score" in err
    assert sorted(path.name for path in folder.iterdir()) == [
        "in.png",
        "in_ipse.png",
        "in_ipse.png.ipse.json",
    ]


@pytest.mark.usefixtures("folder")
def test_json_is_the_receipt_and_quiet_is_quiet(capsys):
    assert main(["smooth", "in.png", "-o", "out.png", "--steps", "2", "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert Receipt.from_json(out) == Receipt.read(beside(Path("out.png")))
    assert err == ""


@pytest.mark.usefixtures("folder")
def test_same_seed_same_bytes_and_another_seed_other_bytes():
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        shared = ["--steps", "4", "--quiet-pilot", "--quiet"]
        assert main(["smooth", "in.png", "-o", f"{name}.png", "--seed", str(seed), *shared]) == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes() != Path("c.png").read_bytes()


@pytest.mark.usefixtures("folder")
def test_nothing_to_restore_is_said_and_comes_back_to_the_byte(capsys):
    Image.new("RGB", (9, 7), "gray").save("gray.png")
    assert main(["smooth", "gray.png", "-o", "out.png", "--strength", "1"]) == 0
    assert Path("out.png").read_bytes() == Path("gray.png").read_bytes()
    assert Receipt.read(beside(Path("out.png"))).unchanged
    assert "nothing to restore" in capsys.readouterr().err


def refused(capsys, *args):
    """The one line that a refusal prints."""
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    code = main(list(args))
    out, err = capsys.readouterr()
    assert code == 2, err
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("ipse: error: ")
    assert {path: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before
    return err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["gone.png"], ["gone.png", "no such file"]),
        (["in.png", "-o", "nowhere/out.png"], ["nowhere", "does not exist"]),
        (["in.png", "-o", "in.png"], ["in.png", "exists already", "--overwrite"]),
        (["in.png", "-o", "out.xyz"], ["'.xyz'", ".png"]),
        (["in.png", "--preset", "bset"], ["--preset", "'bset'", "'best'"]),
        (["in.png", "--weight", "many"], ["--weight", "'many'"]),
        (["in.png", "--weight", "-1"], ["weight -1", "0 or more"]),
        (["in.png", "--wieght", "1"], ["--wieght", "--weight"]),
        (["in.png", "--steps", "1.5"], ["--steps", "'1.5'"]),
        (["in.png", "--seconds", "0"], ["seconds", "greater than 0", "got 0"]),
        (["in.png", "--strength", "1.5"], ["strength 1.5", "0", "1"]),
        (["in.png", "--mask", "gone.png"], ["gone.png", "no such file"]),
        (["in.png", "--resume"], ["--resume", "--checkpoint"]),
        (["in.png", "-o", "-", "--json"], ["standard output", "-o"]),
        (["in.png", "-o", "-", "--snapshots"], ["--snapshots", "-o"]),
        ([], ["picture"]),
    ],
)
def test_bad_input_gets_one_line(capsys, args, words):
    line = refused(capsys, "smooth", *args)
    assert [word for word in words if word not in line] == []


@pytest.mark.usefixtures("folder")
def test_unknown_commands_get_the_nearest(capsys):
    assert "smooth" in refused(capsys, "smoth", "in.png")


@pytest.mark.usefixtures("folder")
def test_text_named_png_is_refused(capsys):
    Path("text.png").write_text("no picture at all")
    assert "text.png" in refused(capsys, "smooth", "text.png")


@pytest.mark.usefixtures("folder")
def test_a_place_that_cannot_be_written_is_told_before_the_fit(capsys, monkeypatch):
    monkeypatch.setattr("os.access", lambda _, mode, **__: mode != os.W_OK)
    assert "not writable" in refused(capsys, "smooth", "in.png")


def test_a_full_disk_leaves_nothing(folder, capsys, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main(["smooth", "in.png", "--steps", "1", "--quiet"]) == 1
    assert "disk is full" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["in.png"]


@pytest.mark.usefixtures("folder")
def test_memory_that_runs_out_is_said(capsys, monkeypatch):
    def greedy(*_):
        raise RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        )

    monkeypatch.setattr("ipse.engine.fit.Fit.advance", greedy)
    assert main(["smooth", "in.png", "--quiet"]) == 1
    err = capsys.readouterr().err
    assert "not enough memory" in err
    assert err.count("\n") == 1
    assert not Path("in_ipse.png").exists()


@pytest.mark.usefixtures("folder")
def test_what_nobody_foresaw_keeps_its_traceback(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("ipse.engine.fit.Fit.advance", broken)
    with pytest.raises(ZeroDivisionError):
        main(["smooth", "in.png", "--quiet"])


@pytest.mark.usefixtures("folder")
def test_rerun_reproduces_the_file(capsys):
    mask = np.zeros((24, 20), np.uint8)
    mask[5:9, 5:9] = 255
    Image.fromarray(mask).save("mask.png")
    assert (
        main(["smooth", "in.png", "-o", "a.png", "--mask", "mask.png", "--steps", "6", "--strength", "0.3"])
        == 0
    )
    capsys.readouterr()
    assert main(["rerun", "a.png.ipse.json", "-o", "b.png"]) == 0
    assert "byte-identical" in capsys.readouterr().err
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert main(["rerun", "b.png.ipse.json", "-o", "c.png", "--quiet"]) == 0
    assert Path("a.png").read_bytes() == Path("c.png").read_bytes()
    line = refused(capsys, "rerun", "a.png.ipse.json")
    assert "a.png" in line
    assert "exists already" in line


@pytest.mark.usefixtures("folder")
def test_rerun_goes_no_further_than_a_time_budget_went(capsys):
    assert (
        main(["smooth", "in.png", "-o", "a.png", "--steps", "1000", "--wait", "0.01", "--seconds", "0.2"])
        == 0
    )
    said = Receipt.read(Path("a.png.ipse.json"))
    assert 0 < said.steps < 100
    assert "time budget" in said.reason
    capsys.readouterr()
    assert main(["rerun", "a.png.ipse.json", "-o", "b.png"]) == 0
    assert "byte-identical" in capsys.readouterr().err
    assert Receipt.read(Path("b.png.ipse.json")).steps == said.steps


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("changed", ["in.png", "mask.png"])
def test_rerun_refuses_what_has_changed(capsys, changed):
    Image.fromarray(np.eye(24, 20, dtype=np.uint8) * 255).save("mask.png")
    assert main(["smooth", "in.png", "-o", "a.png", "--mask", "mask.png", "--steps", "1", "--quiet"]) == 0
    stubs.noisy(Path(changed), seed=5)
    line = refused(capsys, "rerun", "a.png.ipse.json", "-o", "b.png")
    assert changed in line
    assert "changed" in line


@pytest.mark.usefixtures("folder")
def test_rerun_finds_an_input_that_has_moved(capsys):
    assert main(["smooth", "in.png", "-o", "a.png", "--steps", "1", "--quiet"]) == 0
    Path("in.png").rename("moved.png")
    assert "in.png" in refused(capsys, "rerun", "a.png.ipse.json", "-o", "b.png")
    assert main(["rerun", "a.png.ipse.json", "-o", "b.png", "--input", "moved.png"]) == 0
    assert "byte-identical" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_rerun_of_a_receipt_that_was_tampered_with(capsys):
    assert main(["smooth", "in.png", "-o", "a.png", "--steps", "1", "--quiet"]) == 0
    body = json.loads(Path("a.png.ipse.json").read_text())
    for section, key, value in (
        ("settings", "magic", 3),
        ("settings", "seed", "three"),
        ("settings", "preset", "bset"),
        ("options", "spell", 1),
        ("options", "mask", {"path": "x"}),
        ("options", "weight", -1.0),
    ):
        Path("b.json").write_text(json.dumps(body | {section: body[section] | {key: value}}))
        refused(capsys, "rerun", "b.json", "-o", "b.png")


def test_what_can_be_read_but_not_written_becomes_png():
    assert default_target("denoise", Path("a/b.psd")) == Path("a/b_ipse.png")
    assert default_target("denoise", Path("a/b.JPG")) == Path("a/b_ipse.JPG")
    assert default_target("dejpeg", Path("a/b.JPG")) == Path("a/b_ipse.png")
    assert default_target("dejpeg", Path("a/b.tif")) == Path("a/b_ipse.tif")


@pytest.mark.usefixtures("folder")
def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["smooth", "in.png", "--steps", "3", "--wait", "0.2"]) == 0
    err = capsys.readouterr().err
    assert "━" in err
    assert "left" in err
    assert "held-out score" in err


def test_info_without_a_picture_tells_the_machine(capsys):
    assert main(["info", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["threads"] >= 1
    assert said["devices"].startswith("cpu (")
    assert {"ipse", "torch", "python", "memory free"} <= said.keys()


def test_info_tells_a_picture_and_what_it_needs(tmp_path, capsys):
    from skimage.data import chelsea

    exif = Image.Exif()
    exif[0x0112] = 6
    noisy = np.clip(chelsea()[:96, :128] + np.random.default_rng(0).normal(0, 25, (96, 128, 3)), 0, 255)
    Image.fromarray(noisy.astype(np.uint8)).save(tmp_path / "noisy.png", exif=exif)
    Image.fromarray(chelsea()[:96, :128]).save(tmp_path / "worn.jpg", quality=10)
    Image.fromarray(chelsea()[:96, :128]).save(tmp_path / "clean.png")
    said = {}
    for name in ("noisy.png", "worn.jpg", "clean.png"):
        assert main(["info", str(tmp_path / name), "--json"]) == 0
        said[name] = json.loads(capsys.readouterr().out)
    assert {name: facts["proposed task"] for name, facts in said.items()} == {
        "noisy.png": "denoise",
        "worn.jpg": "dejpeg",
        "clean.png": "none",
    }
    assert (said["noisy.png"]["orientation"], said["noisy.png"]["size"]) == (6, "128×96")
    assert said["noisy.png"]["sigma"] == pytest.approx(25, rel=0.15)
    assert said["worn.jpg"]["JPEG quality"] == 10
    assert said["clean.png"]["looks clean"] == "yes"
    assert main(["info", str(tmp_path / "noisy.png")]) == 0
    assert "proposed task  denoise" in capsys.readouterr().out
    assert main(["info", str(tmp_path / "gone.png")]) == 2
