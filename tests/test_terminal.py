"""A terminal of 40 columns, and one without colours: nothing is cut, broken or coloured that must not be."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import stubs

from ipse import tasks
from ipse.cli.app import names

pty = pytest.importorskip("pty", reason="needs a POSIX terminal")

COLUMNS = 40
COMMANDS = [*tasks.names(), *names()]
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
CODE = """
import sys, stubs
{before}
from ipse.cli import main
for call in {calls!r}:
    print("\\n<call>", flush=True)
    print(f"<code {{main(call)}}>", flush=True)
"""
LONG = "a-picture-whose-name-is-longer-than-the-terminal-is-wide-001.png"


def read(handle: int) -> Iterator[bytes]:
    """What is written to a terminal, until it is closed."""
    try:
        while data := os.read(handle, 1 << 16):
            yield data
    except OSError:  # how Linux tells that the other end is closed
        return


def shown(calls: list[list[str]], cwd: Path, *, stub: bool = False, **environment: str) -> list[str]:
    """What each of several calls writes to a terminal of 40 columns, in one process."""
    import fcntl
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    kept = {
        name: value for name, value in stubs.room().items() if name not in ("COLUMNS", "LINES", "NO_COLOR")
    }
    code = CODE.format(calls=calls, before="stubs.install()" if stub else "")
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=kept | {"TERM": "xterm-256color"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    text = b"".join(read(master)).decode().replace("\r\n", "\n")
    os.close(master)
    assert process.wait(60) == 0, text
    assert "Traceback" not in text
    return text.split("\n<call>\n")[1:]


def flags(text: str) -> set[str]:
    return set(FLAG.findall(text)) - {"--help"}


def test_help_in_40_columns_keeps_every_flag_whole_and_has_no_escape_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipse.cli import main

    monkeypatch.setenv("COLUMNS", "200")
    calls = [[name, "--help"] for name in COMMANDS]
    for call, text in zip(
        [["--help"], *calls], shown([["--help"], *calls], tmp_path, NO_COLOR="1"), strict=True
    ):
        assert "\x1b" not in text
        assert "\\[" not in text
        assert main(call) == 0
        table = capsys.readouterr().out
        if call != ["--help"]:  # the list of commands gives the beginning of each description
            assert flags(text) >= flags(table)


RUNS = [
    ["smooth", LONG, "-o", "out.png", "--steps", "2"],
    ["smooth", LONG, "-o", "again.png", "--steps", "2", "-q", "--json"],
    ["smooth", LONG, "--dry-run"],
    ["smooth", LONG, "-o", "out.png"],  # which is there
    ["smooth", "in", "-o", "out", "--steps", "2"],  # one of which is broken
    ["smooth", LONG, "--no-such-flag"],
]


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {}])
def test_lines_that_a_script_reads_are_not_broken_at_40_columns(
    environment: dict[str, str], tmp_path: Path
) -> None:
    stubs.noisy(tmp_path / LONG)
    (tmp_path / "in").mkdir()
    stubs.noisy(tmp_path / "in" / LONG)
    (tmp_path / "in" / f"broken-{LONG}").write_bytes(b"broken")
    one, said, plan, refused, many, unknown = texts = shown(RUNS, tmp_path, stub=True, **environment)
    for text in texts if environment else [said, plan, refused, unknown]:
        assert "\x1b" not in text
    assert [int(re.findall(r"<code (\d+)>", text)[-1]) for text in texts] == [0, 0, 0, 2, 1, 2]
    assert json.loads(said[: said.index("<code")])["output"] == str(tmp_path / "again.png")
    assert [line.startswith("ipse: error: ") for line in refused.splitlines()] == [True, False]
    assert any("--no-such-flag" in line and "--help" in line for line in unknown.splitlines())
    failed = next(line for line in many.splitlines() if f"broken-{LONG}" in line and "failed" in line)
    assert "convert it to one" in failed  # the end of the message
    assert environment == {} or any("step 1 of 2" in line for line in one.splitlines())
