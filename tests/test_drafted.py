"""What a kill between a large output and its receipt leaves is known by the next run, and finished."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from ipse.cli import main
from ipse.errors import OutputError, RunError
from ipse.pictures.large.zarr import created
from ipse.runs import outputs
from ipse.runs.job import Job
from ipse.runs.open import open_run
from ipse.runs.receipt import Receipt, beside, pending, sha256_of
from ipse.settings import Settings

KILLED = """
import os, signal, sys
from ipse.runs import outputs
from ipse.cli import main
outputs.settle = lambda _output: os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[1:])
"""
ARRAY = np.random.default_rng(0).integers(0, 256, (3, 40, 48), np.uint8)
JOB = Job("denoise", Path("in.tif"), Path("out.tif"), Settings(preset="fast"), {"sigma": 25.0})
QUICK = ("--sigma", "25", "--preset", "fast", "--quiet")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("in.tif", ARRAY, photometric="minisblack", metadata={"axes": "ZYX"})
    return tmp_path


def killed(*arguments: Any) -> None:
    """Run the command, killed once the output has its name and the receipt has not."""
    said = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], check=False)
    assert said.returncode == -9


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("target", ["out.tif", "out.zarr"])
def test_alone_the_same_command_finishes_it(target: str, stack: Path) -> None:
    command = ("denoise", "in.tif", "-o", target, *QUICK)
    killed(*command)
    out, before = Path(target), sha256_of(Path(target))
    assert pending(out).exists()
    assert not beside(out).exists()
    assert main([*command, "--preset", "good"]) == 2  # another job: what is there is not its output
    assert main(list(command)) == 0
    assert Receipt.read(beside(out)).output_sha256 == sha256_of(out) == before
    assert names(stack) == {"in.tif", target, f"{target}.ipse.json"}
    assert main(list(command)) == 2  # and now it is in the way like any other
    assert sha256_of(out) == before


def test_in_a_batch_the_second_run_finishes_it(stack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in").mkdir()
    Path("in.tif").rename("in/in.tif")
    created(Path("in/store.zarr"), ARRAY.shape, "ZYX", ARRAY.dtype, name="a")[...] = ARRAY
    command = ("denoise", "in", "-o", "out", *QUICK)
    killed(*command)
    written = Path("out/in_ipse.tif").stat().st_ino
    assert "in_ipse.tif" in names(stack / "out")
    for state in ("done", "earlier"):
        assert main([*command, "--json"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [json.loads(line)["state"] for line in lines] == [state] * 2
    assert Path("out/in_ipse.tif").stat().st_ino == written  # it was not made again
    assert not list(Path("out").glob(".*"))


def test_what_was_touched_since_is_not_taken_for_it(stack: Path) -> None:
    killed("denoise", "in.tif", "-o", "out.tif", *QUICK)
    (stack / "out.tif").write_bytes(b"painted on")
    assert main(["denoise", "in.tif", "-o", "out.tif", *QUICK]) == 2
    assert (stack / "out.tif").read_bytes() == b"painted on"
    assert main(["denoise", "in.tif", "-o", "out.tif", "--overwrite", *QUICK]) == 0
    assert names(stack) == {"in.tif", "out.tif", "out.tif.ipse.json"}


def test_a_place_that_is_taken_meanwhile_keeps_what_took_it(stack: Path) -> None:
    run = open_run(JOB)
    for _ in run:
        pass
    (stack / "out.tif").write_bytes(b"somebody's")
    with pytest.raises(OutputError, match="exists already"):
        run.finish()
    assert (stack / "out.tif").read_bytes() == b"somebody's"
    assert names(stack) == {"in.tif", "out.tif"}


def test_a_receipt_that_cannot_be_written_is_said(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: Any, **__: Any) -> None:
        raise OutputError(f"{path}: cannot be written")

    run = open_run(JOB)
    for _ in run:
        pass
    monkeypatch.setattr(outputs, "write_bytes", refuse)
    with pytest.raises(OutputError, match="pending: cannot be written"):
        run.finish()
    assert names(stack) == {"in.tif"}


def test_a_store_that_changes_while_it_is_restored_is_no_result(tmp_path: Path) -> None:
    store, out = tmp_path / "in.zarr", tmp_path / "out.zarr"
    array = created(store, ARRAY.shape, "ZYX", ARRAY.dtype, name="a")
    array[...] = ARRAY
    run = open_run(replace(JOB, source=store, target=out))
    for _ in run:
        pass
    array[2] = ARRAY[0]  # only what is in the folder's folders has another size or date
    with pytest.raises(RunError, match="has changed during the run"):
        run.finish()
    assert not out.exists()


@pytest.mark.parametrize("shape", [ARRAY.shape, ARRAY.shape[1:]])
def test_a_receipt_of_zarr_folders_makes_the_same_folder_again(
    shape: tuple[int, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, out, again = (tmp_path / f"{name}.zarr" for name in ("in", "out", "again"))
    array = created(store, shape, "ZYX"[-len(shape) :], ARRAY.dtype, name="a")
    array[...] = ARRAY if len(shape) == 3 else ARRAY[0]
    assert main(["denoise", str(store), "-o", str(out), *QUICK]) == 0
    assert main(["rerun", str(beside(out)), "-o", str(again)]) == 0
    assert "byte-identical" in capsys.readouterr().err
    assert sha256_of(again) == sha256_of(out)
    assert main(["rerun", str(beside(out)), "--overwrite"]) == 2  # a folder is never replaced
    assert "never replaced" in capsys.readouterr().err
    array[..., 0] = 7
    assert main(["rerun", str(beside(out)), "-o", str(tmp_path / "third.zarr")]) == 2
    assert f"{store} has changed" in capsys.readouterr().err
    assert not (tmp_path / "third.zarr").exists()
