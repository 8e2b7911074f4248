"""What test files of batches share."""

from pathlib import Path

import pytest
import stubs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three numbered pictures in ``in``, and what is none; the stand-in is the only task."""
    stubs.install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for index in range(3):
        stubs.noisy(Path(f"in/{index}.png"), seed=index)
    Path("in/notes.txt").write_text("no picture")
    return tmp_path
