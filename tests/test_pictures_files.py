"""What cannot be written leaves nothing behind; what is there stays."""

import errno
import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from refusals import PICTURE, RGB, refused

from ipse.errors import InputError, OutputError, PictureError, RunError
from ipse.pictures import check_target, read, read_bytes, write, write_bytes


def test_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdout", Pipe)
    write(RGB, "-")
    assert Pipe.buffer.getvalue().startswith(b"\x89PNG")
    Pipe.buffer.seek(0)
    monkeypatch.setattr(sys, "stdin", Pipe)
    assert np.array_equal(read("-").samples, RGB.samples)
    with refused(PictureError, "standard input", "empty"):
        read("-")
    assert read_bytes(io.BytesIO(b"x"))[0] == b"x"
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write(PICTURE, path)
    before = path.read_bytes()
    for act in (check_target, write):
        with refused(OutputError, path, "exists already"):
            act(RGB, path)
    with pytest.raises(OutputError):
        write_bytes(path, b"other")
    assert path.read_bytes() == before
    write(RGB, path, overwrite=True)
    assert read(path).mode == "RGB"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_taken_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    sync = os.fsync

    def taken(handle: int) -> None:
        path.write_bytes(b"theirs")
        sync(handle)

    monkeypatch.setattr(os, "fsync", taken)
    with refused(OutputError, path, "exists already"):
        write_bytes(path, b"mine")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("where", ["no/a.png", ".", "file/a.png", "x" * 300 + ".png"])
def test_places_where_no_file_can_be(where: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    before = sorted(tmp_path.iterdir())
    with refused(OutputError, tmp_path / where):
        write_bytes(tmp_path / where, b"x")
    with pytest.raises(OutputError):
        write(RGB, tmp_path / where)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_an_unwritable_folder(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with refused(OutputError, tmp_path / "a.png", "not writable"):
        check_target(RGB, tmp_path / "a.png")
    monkeypatch.undo()

    def deny(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", deny)
    with refused(OutputError, tmp_path / "a.png"):
        write(RGB, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk(overwrite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    if overwrite:
        path.write_bytes(b"before")

    def full(_: int) -> None:
        assert any(name.suffix == ".tmp" for name in tmp_path.iterdir())
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with refused(RunError, path, "disk is full"):
        write(RGB, path, overwrite=overwrite)
    assert not isinstance(RunError(), InputError)
    assert [name.read_bytes() for name in tmp_path.iterdir()] == ([b"before"] if overwrite else [])


def test_ctrl_c_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "a.bin", b"x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_device_is_written_to_directly() -> None:
    write_bytes("/dev/null", b"x")
    with refused(RunError, "/dev/full", "disk is full"):
        write_bytes("/dev/full", b"x" * 10)


@pytest.mark.skipif(os.name != "posix", reason="links and rights as POSIX has them")
def test_links_and_rights_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.bin", tmp_path / "link.bin"
    write_bytes(real, b"one")
    mask = os.umask(0)
    os.umask(mask)
    assert real.stat().st_mode & 0o777 == 0o666 & ~mask
    real.chmod(0o640)
    link.symlink_to(real)
    write_bytes(link, b"two", overwrite=True)
    assert link.is_symlink()
    assert (real.read_bytes(), real.stat().st_mode & 0o777) == (b"two", 0o640)
