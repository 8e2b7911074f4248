"""Places that fail in mid-run: one line says so, nothing is half-written, and the same command works later."""

import errno
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import stubs

from ipse.cli import main

MANIFEST = "ipse-manifest.jsonl"
BEGIN = ["smooth", "-q", "--steps", "2"]
GIANT = ("ipse.runs.open.GIANT", "ipse.runs.open.LARGE", "ipse.pictures.large.open.SMALL")


@dataclass(frozen=True)
class Way:
    """A command, and the names that it may leave behind where it fails."""

    args: list[str]
    kept: str | None = None

    @property
    def many(self) -> bool:
        return self.args[0] == "in"


ONE = ["in/0.png", "-o", "out/a.png"]
AGAIN = [*ONE, "--overwrite"]
WAYS = {
    "one": Way(ONE),
    "again": Way([*AGAIN, "--strength", "0.5"]),
    "trajectory": Way([*AGAIN, "--snapshots"]),
    "seeds": Way([*AGAIN, "--seeds", "2"]),
    "checkpoint": Way([*AGAIN, "--checkpoint", "out/c", "--checkpoint-every", "0", "--resume"], "c"),
    "windows": Way([*AGAIN, "--tile", "64"]),
    "folder": Way(["in", "-o", "out"], MANIFEST),
}
each_way = pytest.mark.parametrize("way", WAYS, indirect=True)


@pytest.fixture
def way(request, folder, monkeypatch) -> Way:
    """One of the ways; where it replaces an output, that is there."""
    made = WAYS[request.param]
    (folder / "out").mkdir()
    if "--overwrite" in made.args:
        assert main([*BEGIN, *ONE, "--steps", "1"]) == 0
    for limit in GIANT if "--tile" in made.args else ():
        monkeypatch.setattr(limit, 1)
    return made


def left(way: Way) -> dict[str, bytes]:
    """What is there, less what may be left behind."""
    files = [path for path in Path("out").rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in files if way.kept is None or path.name != way.kept}


def anew(way: Way) -> None:
    """Begin with an empty folder, but for what is to be replaced."""
    if "--overwrite" not in way.args:
        shutil.rmtree("out")
        Path("out").mkdir()


def check(way: Way, before: dict[str, bytes], done: int, capsys) -> None:
    """The command has failed in a line (a folder in one for each picture), and left all as it was."""
    assert done == 1
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("ipse: error: ") for line in lines)
    if way.many:
        assert set(left(way)) >= set(before)
        whole = {name for name in left(way) if name.endswith(".png")}
        assert {f"{name}.ipse.json" for name in whole} | whole == set(left(way))
    else:
        assert len(lines) == 1
        assert left(way) == before


@contextmanager
def breaking(monkeypatch, nth: int, code: int) -> Iterator[list[int]]:
    """From the nth file on that is synchronised the system refuses; how many there were."""
    seen, real = [0], os.fsync

    def fsync(handle):
        place = Path(f"/proc/self/fd/{handle}")
        if place.is_dir() or place.readlink().name == MANIFEST:
            return real(handle)  # what is there is there, if perhaps not for ever
        seen[0] += 1
        if seen[0] > nth:
            raise OSError(code, os.strerror(code))
        return real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield seen


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@each_way
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_may_refuse_at_any_moment(way, code, capsys, monkeypatch):
    for nth in range(20):
        anew(way)
        before = left(way)
        with breaking(monkeypatch, nth, code) as seen:
            done = main([*BEGIN, *way.args])
        if seen[0] <= nth:
            break
        check(way, before, done, capsys)
    assert done == 0
    assert nth > 1


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file may grow beyond a size."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
@each_way
@pytest.mark.parametrize("size", [0, 100, 1500])
def test_files_may_not_grow(way, size, capsys):
    before = left(way)
    with limited(size):
        done = main([*BEGIN, *way.args])
    check(way, before, done, capsys)
    assert main([*BEGIN, *way.args]) == 0


def at_first_step(monkeypatch, do) -> None:
    from ipse.engine.fit import Fit

    real, done = Fit.advance, []

    def advance(self, *args):
        if not done:
            done.append(do())
        return real(self, *args)

    monkeypatch.setattr(Fit, "advance", advance)


@pytest.mark.parametrize("way", ["one", "again", "trajectory", "seeds", "windows"], indirect=True)
def test_the_output_folder_may_vanish(way, capsys, monkeypatch):
    at_first_step(monkeypatch, lambda: shutil.rmtree("out"))
    assert main([*BEGIN, *way.args]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "out" in line
    assert not Path("out").exists()


@pytest.mark.usefixtures("folder")
def test_the_folder_of_a_batch_may_vanish(monkeypatch, capsys):
    at_first_step(monkeypatch, lambda: shutil.rmtree("out"))
    assert main([*BEGIN, "in", "-o", "out"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"out/{MANIFEST}" in line


@pytest.mark.usefixtures("folder")
def test_the_input_folder_may_vanish(monkeypatch, capsys):
    at_first_step(monkeypatch, lambda: shutil.rmtree("in"))
    assert main([*BEGIN, "in", "-o", "out"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("no such file" in line for line in lines)
    assert len(stubs.outputs("out")) == 1


@pytest.mark.parametrize("way", ["one", "trajectory", "windows"], indirect=True)
def test_a_name_that_is_taken_meanwhile_stays_whose_it_is(way, capsys, monkeypatch):
    args = [flag for flag in way.args if flag != "--overwrite"]
    args[2] = "out/b.png"
    at_first_step(monkeypatch, lambda: Path("out/b.png").write_bytes(b"another's"))
    assert main([*BEGIN, *args]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "exists already" in line
    assert Path("out/b.png").read_bytes() == b"another's"
    assert not [path for path in Path("out").iterdir() if path.name.startswith((".", "b.png."))]


@pytest.mark.usefixtures("folder")
def test_a_folder_that_takes_nothing_is_told_before_any_work(capsys, monkeypatch):
    Path("out").mkdir()
    monkeypatch.setattr("os.access", lambda _, mode, **__: mode != os.W_OK)
    monkeypatch.setattr("ipse.engine.fit.Fit.advance", None)
    assert main([*BEGIN, "in", "-o", "out"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "out: is not writable" in line


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("args", [ONE, ["in", "-o", "out"]])
def test_what_the_system_refuses_is_said_by_name(args, capsys, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "out/.ipse")

    Path("out").mkdir()
    monkeypatch.setattr("ipse.runs.run.Run.open", refuse)
    assert main([*BEGIN, *args]) == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert all("out/.ipse: permission denied" in line for line in err.splitlines())


ODD = [b"-x.png", b"new\nline.png", b"caf\xe9.png", b"escape\x1b[2J.png", b"[a]*?.png", b"n" * 231 + b".png"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ODD)
def test_one_picture_of_any_name_is_restored_and_said_in_a_line(name, capfd):
    source = Path(os.fsdecode(name))
    try:
        Path("in/0.png").rename(source)
    except OSError:
        pytest.skip("this file system takes no such names")
    assert main(["smooth", "--steps", "1", "--json", "--", str(source)]) == 0
    out, err = capfd.readouterr()
    assert "\x1b" not in out + err
    assert "restored by self-similarity" in err.splitlines()[-1]
    receipt = Path(f"{source.stem}_ipse.png.ipse.json")
    assert receipt.exists()
    assert main(["rerun", "-o", "again.png", "--", str(receipt)]) == 0
    assert "byte-identical" in capfd.readouterr().err
    assert main(["smooth", "--dry-run", "--overwrite", "--", str(source)]) == 0
    assert main(["smooth", "--", str(source)]) == 2  # its output is there
    out, err = capfd.readouterr()
    assert err.count("\n") == 1
    assert "\x1b" not in out + err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("length", [240, 255])
def test_a_checkpoint_of_any_name_that_there_can_be(length):
    args = [
        "smooth",
        "in/0.png",
        "-q",
        "--steps",
        "3",
        "--checkpoint",
        "c" * length,
        "--checkpoint-every",
        "0",
    ]
    assert main(args) == 0


@pytest.mark.usefixtures("folder")
def test_a_working_folder_that_has_gone_is_said(tmp_path, monkeypatch, capsys):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for args in ([str(tmp_path / "in/0.png"), "-o", "x.png"], [str(tmp_path / "in"), "-o", "out"], ["y.png"]):
        assert main(["smooth", *args]) == 2
        assert capsys.readouterr().err.count("\n") == 1
