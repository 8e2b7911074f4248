"""A few of the damaged files that ``make fuzz`` reads by the thousand."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "fuzz.py"
COUNT = 4


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FUZZ = loaded()


@pytest.mark.parametrize("name", sorted(FUZZ.sources()))
def test_damaged_files_are_read_or_refused_in_a_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    whole = FUZZ.sources()[name]
    path.write_bytes(whole)
    assert FUZZ.how(path) == "read"
    for seed in range(COUNT):
        (data,) = FUZZ.files(name, 1, seed)
        assert data != whole
        path.write_bytes(data)
        assert FUZZ.how(path) in ("read", "refused")


def test_values_that_cannot_be_written_again_are_left_out(tmp_path: Path) -> None:
    """The 163rd of the first seed: a fraction where a whole number is said to be."""
    path = tmp_path / "float.tif"
    path.write_bytes(list(FUZZ.files("float.tif", 163, 0))[-1])
    assert FUZZ.how(path) == "read"


def test_what_is_neither_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_path: Path) -> None:
        raise KeyError

    monkeypatch.setattr("ipse.pictures.read", broken)
    assert FUZZ.how(tmp_path / "a.png") == "faults"
