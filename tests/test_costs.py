"""What a picture costs beyond its computation, counted: things that are looked up, synchronised, loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import stubs

from ipse import devices as machine
from ipse import tasks
from ipse.cli import main

BATCH = ["smooth", "in", "-o", "out", "--steps", "1", "-q"]


@pytest.mark.usefixtures("folder")
def test_the_packages_versions_are_looked_up_once(monkeypatch):
    asked = []
    monkeypatch.setattr(machine, "version", lambda name: asked.append(name) or "1")
    machine._versions.cache_clear()
    try:
        assert main(BATCH) == 0
    finally:
        machine._versions.cache_clear()
    assert sorted(asked) == sorted(machine.PACKAGES)


@pytest.mark.usefixtures("folder")
def test_a_picture_of_a_batch_is_synchronised_three_times(monkeypatch):
    synced, real = [], os.fsync

    def fsync(handle):
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    monkeypatch.setattr(os, "fsync", fsync)
    assert main(BATCH) == 0
    synced = [path for path in synced if path.suffix != ".jsonl"]
    assert len(synced) == 3 * 3  # the picture, its receipt, and both their names
    assert [path.name for path in synced].count("out") == 3


@pytest.mark.usefixtures("folder")
def test_folders_are_looked_through_once(monkeypatch):
    looked, real = [], os.scandir

    def scandir(path="."):
        looked.append(Path(os.fspath(path)).name)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert main(BATCH) == 0
    assert looked.count("in") == 1
    assert looked.count("out") == 0


def test_the_tasks_are_looked_up_once(monkeypatch):
    found = tasks.names()
    monkeypatch.setattr(Path, "glob", None)
    assert tasks.names() == found
    assert tasks.find("denoise").__name__ == "denoise"


def test_a_tiny_picture_loads_what_it_needs(tmp_path):
    stubs.noisy(tmp_path / "in.png", size=(16, 16))
    told = """if True:
        import gc, json, sys
        from ipse.cli import main
        for more in ([], ["--steps", "2"]):  # without a network, and with one
            assert main(["denoise", "in.png", "-o", "out.png", "-q", "--preset", "fast", "--overwrite", *more]) == 0
        print(json.dumps([gc.isenabled(), gc.get_freeze_count(), *sys.modules]))"""
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    looks, kept, *loaded = json.loads(done.stdout)
    assert looks
    assert kept > 100_000  # PyTorch's own, which no collection walks through
    heavy = {
        "scipy",
        "skimage",
        "matplotlib",
        "dask",
        "distributed",
        "sympy",
        "torch._dynamo",
        "pyvips",
        "zarr",
    }
    assert not heavy & set(loaded)
    assert "PIL.PdfImagePlugin" not in loaded  # nor any other format that is not the file's
