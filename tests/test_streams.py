"""Standard streams that are closed, full, without a reader, or of few letters."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import stubs
from PIL import Image

from ipse.cli import main
from ipse.cli.streams import Written

QUICK = ("--steps", "1")
shell = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


class Deaf(io.StringIO):
    """A stream whose other end has gone."""

    def write(self, _text):
        raise BrokenPipeError(32, "Broken pipe")


class Full(io.StringIO):
    def write(self, _text):
        raise OSError(28, "No space left on device")


def sh(line, where):
    """Run a shell's line, in which ``ipse`` is the command with the stand-in."""
    ipse = f'ipse() {{ "{sys.executable}" -m stubs "$@"; }}; {line}'
    return subprocess.run(["sh", "-c", ipse], cwd=where, env=stubs.room(), capture_output=True, check=False)


@shell
def test_what_is_said_does_not_go_where_the_picture_goes(tmp_path):
    stubs.noisy(tmp_path / "in.png")
    done = sh("ipse smooth in.png -o - --steps 1 2>&-", tmp_path)
    assert done.returncode == 0
    with Image.open(io.BytesIO(done.stdout)) as made:
        assert made.size == (20, 24)


@shell
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("ipse smooth - -o out.png <&-", 2, "standard input: cannot be read"),
        ("ipse smooth in.png -o - >&-", 2, "standard output is closed"),
        ("ipse smooth in.png --json >&-", 2, "standard output is closed"),
        ("ipse --help >&-", 1, "standard output cannot be written"),
        ("ipse --help >/dev/full", 1, "no space left"),
    ],
)
def test_a_stream_that_cannot_be_used_is_said_in_one_line(line, code, said, tmp_path):
    stubs.noisy(tmp_path / "in.png")
    done = sh(line, tmp_path)
    err = done.stderr.decode()
    assert (done.returncode, err.count("\n")) == (code, 1), err
    assert err.startswith("ipse: error: ")
    assert said in err
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("place", [["in/0.png", "-o", "out.png"], ["in", "-o", "out"]])
@pytest.mark.parametrize("stream", [Deaf, Full])
def test_the_work_goes_on_where_nobody_listens(place, stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream())
    assert main(["smooth", *place, *QUICK]) == 0
    assert Path(place[-1]).exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("stream", [Deaf, Full])
@pytest.mark.parametrize("args", [["--help"], ["in/0.png", "--json"], ["in", "-o", "out", "--json"]])
def test_what_was_asked_for_and_cannot_be_told_is_an_error(args, stream, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", stream())
    assert main(["smooth", *args, *(() if "--help" in args else (*QUICK, "-q"))]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert "standard output" in line


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_letters_that_cannot_be_encoded_are_escaped(encoding, monkeypatch):
    name = "é∎🐈.png"
    try:
        Path("in/0.png").rename(f"in/{name}")
    except OSError:
        pytest.skip("this file system takes no such names")
    for args in (["--dry-run"], ["--json", "-q"], ["--dry-run", "--json"]):
        inner = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(inner, encoding=encoding))
        assert main(["smooth", "in", "-o", "out", *QUICK, *args]) == 0
        lines = inner.getvalue().decode(encoding).splitlines()
        if "--json" in args:
            assert [Path(one["input"]).name for one in map(json.loads, lines) if "input" in one][-1] == name


def test_streams_are_left_as_they_were(capsys):
    before = sys.stdin, sys.stdout, sys.stderr
    assert main(["--version"]) == 0
    assert (sys.stdin, sys.stdout, sys.stderr) == before
    assert not isinstance(sys.stdout, Written)
    assert capsys.readouterr().out.startswith("ipse ")
