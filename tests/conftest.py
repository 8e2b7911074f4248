"""Where tests run: folders, and what is in them."""

import os
import sys
from pathlib import Path

import pytest
import stubs

# Where the environment forbids bytecode, as many containers do, each process that a test starts compiles its imports
# again, and pytest every file of tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working folder, empty; the stand-in is the only task."""
    stubs.install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(here):
    """Three numbered pictures in ``in``, and what is none."""
    Path("in").mkdir()
    for index in range(3):
        stubs.noisy(Path(f"in/{index}.png"), seed=index)
    Path("in/notes.txt").write_text("no picture")
    return here


@pytest.fixture
def giants(tmp_path, monkeypatch):
    """A folder; pictures of a few thousand pixels count as giant."""
    for limit in ("ipse.runs.open.GIANT", "ipse.runs.open.LARGE", "ipse.pictures.large.open.SMALL"):
        monkeypatch.setattr(limit, 1)
    return tmp_path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The file of a small random model."""
    from tiny_model import write

    return write(tmp_path_factory.mktemp("models"))


def pytest_terminal_summary(terminalreporter):
    """Say in the end what was not compared, and how it would be."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any("no parity files" in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(
            "left out: the reference's own numbers (IPSE_PARITY); the pinned ones were compared"
        )
    for report in skipped:  # of the same place and reason, all are one line
        if "no Chromium" in str(report.longrepr):
            report.longrepr = ("tests/web", None, report.longrepr[2])
