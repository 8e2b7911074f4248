"""A stand-in for the tasks, in this process (``install``) or in one of its own (``start``)."""

import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent


def install(monkeypatch=None):
    """Make ``smooth`` the only task."""
    from ipse import tasks

    def put(where, name, value):
        if monkeypatch is None:
            setattr(where, name, value)
        else:
            monkeypatch.setattr(where, name, value)

    def find(name):
        return getattr(import_module(f"stubs.{name}"), name)

    put(tasks, "names", lambda: ["smooth"])
    put(tasks, "find", find)
    put(tasks, "HERE", HERE)


def room():
    """The environment of a process in which there is the stand-in."""
    places = [str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1"}


def start(*args, cwd, command=None, **options):
    """The command in a process of its own, with the stand-in; or another command."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    begin = [sys.executable, "-m", "stubs"] if command is None else [command]
    return subprocess.Popen([*begin, *map(str, args)], cwd=cwd, env=room() | {"COLUMNS": "200"}, **pipes)


def finish(process, timeout=60):
    """Its exit code, standard output and standard error."""
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err.decode()


def noisy(path, *, size=(24, 20), seed=0):
    """A small noisy colour picture in a file."""
    import numpy as np  # not at the top: a process of its own is to reach the command soon
    from PIL import Image

    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 255, size[1])[None, :, None] * np.ones((size[0], 1, 3))
    Image.fromarray((ramp + rng.normal(0, 20, ramp.shape)).clip(0, 255).astype(np.uint8)).save(path)
    return path


def outputs(place):
    """The bytes of a folder's pictures, by name."""
    return {path.name: path.read_bytes() for path in Path(place).glob("*.png")}


def wait_until(condition, process, seconds=120):
    """Wait for a condition while a process works at it; what that said is what went wrong."""
    give_up = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.02)
    if not condition():
        process.kill()
        raise AssertionError(finish(process))
