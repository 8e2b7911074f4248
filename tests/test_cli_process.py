"""The command as a process: signals, pipes, exit codes."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import stubs
from PIL import Image

from ipse.cli.interrupts import Interrupts
from ipse.runs.receipt import Receipt, beside

COMMAND = Path(sys.executable).with_name("ipse")


@pytest.fixture
def folder(tmp_path):
    stubs.noisy(tmp_path / "in.png")
    return tmp_path


def wait_for(process, word):
    """Read standard error until a word comes; what was read."""
    seen = ""
    watch = threading.Timer(60, process.kill)
    watch.start()
    for line in process.stderr:
        seen += line.decode()
        if word in seen:
            break
    watch.cancel()
    assert word in seen, seen
    return seen


def test_an_interrupted_fit_writes_the_best_so_far(folder, request):
    signals = {"int.png": signal.SIGINT, "term.png": signal.SIGTERM, "hup.png": signal.SIGHUP}
    task = ("smooth", "in.png", "--wait", "0.05", "--steps", "100000")  # whose steps sleep
    started = {name: stubs.start(*task, "-o", name, cwd=folder) for name in signals}
    for process in started.values():  # whatever fails here, no fit goes on for hours beside the other tests
        request.addfinalizer(process.kill)
    for name, process in started.items():
        wait_for(process, "step 1 of")
        time.sleep(0.2)
        process.send_signal(signals[name])
        code, _, err = stubs.finish(process)
        assert code == 128 + signals[name], err
        assert "Traceback" not in err
        said = Receipt.read(beside(folder / name))
        assert said.cancelled
        assert said.steps >= 1
        with Image.open(folder / name) as made:
            made.load()
    assert {path.name for path in folder.iterdir()} == {
        "in.png",
        *signals,
        *(f"{name}.ipse.json" for name in signals),
    }


def test_an_interruption_before_any_estimate_writes_nothing(folder):
    process = stubs.start("smooth", "in.png", "-o", "out.png", "--quiet-pilot", "--wait", "30", cwd=folder)
    time.sleep(1.0)  # wherever it is now: reading, importing, or in the first step
    process.send_signal(signal.SIGINT)
    try:
        code, out, err = stubs.finish(process, timeout=15)
    except (
        subprocess.TimeoutExpired
    ):  # while Python itself starts, its importer may swallow one: people press again
        process.send_signal(signal.SIGINT)
        code, out, err = stubs.finish(process)
    assert code == 130, err
    assert out == b""
    assert err.splitlines()[-1].endswith("nothing was written")
    assert [path.name for path in folder.iterdir()] == ["in.png"]


def test_an_interruption_waits_for_the_import_of_torch(monkeypatch):
    spec = SimpleNamespace(_initializing=True)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__spec__=spec))
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)  # is put off
        assert interrupts.asked
        spec._initializing = False
        with pytest.raises(KeyboardInterrupt):
            time.sleep(5)


def test_an_interruption_that_was_swallowed_comes_again(monkeypatch):
    monkeypatch.setattr("ipse.cli.interrupts.LATE", 0.1)
    with Interrupts():
        with suppress(KeyboardInterrupt):  # as the garbage collector does
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            time.sleep(5)


def test_a_second_interruption_cuts_a_long_step_short(folder):
    long = ("--steps", "9", "--wait", "10", "--quick", "1")
    process = stubs.start("smooth", "in.png", "-o", "out.png", *long, cwd=folder)
    wait_for(process, "step 1 of")
    time.sleep(0.2)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    code, _, err = stubs.finish(process)
    assert code == 130, err
    assert time.monotonic() - started < 8
    assert Receipt.read(beside(folder / "out.png")).step <= 1


def test_from_standard_input_to_standard_output(folder):
    with (folder / "in.png").open("rb") as given:
        process = stubs.start("smooth", "-", "--steps", "2", cwd=folder, stdin=given)
        code, out, err = stubs.finish(process)
    assert code == 0, err
    with Image.open(io.BytesIO(out)) as made:
        assert (made.format, made.size) == ("PNG", (20, 24))
    assert [path.name for path in folder.iterdir()] == ["in.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_reader_that_goes_away_and_a_full_device_are_one_line(folder):
    reading, writing = os.pipe()
    os.close(reading)
    args = ("smooth", "in.png", "-o", "-", "--steps", "1", "--quiet")
    with Path("/dev/full").open("wb") as full:
        processes = [stubs.start(*args, cwd=folder, stdout=place) for place in (writing, full)]
    os.close(writing)
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1
        assert err.decode().count("\n") == 1
        assert "standard output" in err.decode()


def test_the_installed_command_returns_its_exit_code(tmp_path):
    done = subprocess.run(
        [COMMAND, "upscale", "gone.png", "--factor", "2"], capture_output=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode().count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is not kept elsewhere")
def test_memory_that_would_not_suffice_is_told_before_the_fit(folder):
    noise = Image.effect_noise((1200, 1000), 50)
    Image.merge("RGB", [noise] * 3).save(folder / "big.png")
    limited = """if True:
        import resource, sys, torch, stubs
        from pathlib import Path
        from ipse.cli import main
        stubs.install()
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20),) * 2)
        sys.exit(main(["smooth", "big.png", "--steps", "2"]))"""
    args = [sys.executable, "-c", limited]
    done = subprocess.run(args, capture_output=True, cwd=folder, env=stubs.room(), check=False, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "1200×1000 pixels would take about" in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["big.png", "in.png"]
