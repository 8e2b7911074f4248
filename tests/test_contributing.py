"""What helps those who change the package: the map of the house, the hooks before a commit, the check of a wheel."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True, name="scripts")
def fixture_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")


def test_the_map_of_the_house_shows_imports_going_one_way() -> None:
    import house_map

    floors = house_map.layers()
    names = [name for floor in floors for name in floor]
    there = {path.stem for path in (ROOT / "src" / "ipse").iterdir() if (path / "__init__.py").exists()}
    assert there <= set(names)
    assert set(names) == set(house_map.ABOUT)
    numbers = house_map.counted(names)
    level = {name: depth for depth, floor in enumerate(floors) for name in floor}
    assert numbers["tasks", "engine"] > 10
    assert all(level[above] < level[below] for above, below in numbers)
    shown = house_map.TARGET.read_text(encoding="utf-8")  # the picture that is committed
    assert all(f">{name}</text>" in shown for name in names)


def test_the_map_draws_every_number() -> None:
    import house_map

    drawn = house_map.drawn([["a"], ["b", "c"]], {("a", "b"): 7, ("a", "c"): 31})
    assert ">7</text>" in drawn
    assert ">31</text>" in drawn
    assert drawn.count('class="number"') == 2
    assert drawn.count('class="line"') == 1


def test_hooks_are_local_and_their_tools_are_there() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"repo: (\S+)", text) == ["local"]
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}
    entries = [line.split() for line in re.findall(r"entry: (.+)", text)]
    assert len(entries) >= 5
    for words in entries:
        assert words[0].startswith(".venv/bin/")
        assert (ROOT / ".venv" / "bin").exists() is False or (ROOT / words[0]).exists()
        assert all((ROOT / word).exists() for word in words[1:] if word.startswith("scripts/"))


def test_spaces_and_newlines_are_mended_and_the_rest_is_named(tmp_path: Path) -> None:
    import tidy

    untidy, torn, picture = tmp_path / "a.txt", tmp_path / "b.txt", tmp_path / "c.png"
    untidy.write_bytes(b"one  \n\ttwo\t\n\n\n")
    torn.write_bytes(b"<<<<<<< main\nmine\n")
    picture.write_bytes(b"\x89PNG  \n\n")
    assert len(tidy.faults(untidy)) == 1
    assert untidy.read_bytes() == b"one\n\ttwo\n"
    assert tidy.faults(untidy) == []
    assert "conflict marker" in tidy.faults(torn)[0]
    assert tidy.faults(picture) == []


def test_a_wheel_that_lacks_a_file_is_named(tmp_path: Path) -> None:
    import try_wheel

    wheel, source = tmp_path / "ipse.whl", try_wheel.SOURCE
    with zipfile.ZipFile(wheel, "w") as made:
        for path in source.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.name != "py.typed":
                made.write(path, Path("ipse") / path.relative_to(source))
    assert try_wheel.missing(wheel) == {"py.typed"}


def test_a_run_without_chromium_says_in_one_line_what_was_left_out(tmp_path: Path) -> None:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "IPSE_BROWSER"))
    }
    args = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/web/test_web_access.py"]
    room = kept | {"PATH": str(tmp_path)}
    done = subprocess.run(args, cwd=ROOT, env=room, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    line = "there is no Chromium; apt-get install chromium runs the page's tests"
    assert [one for one in done.stdout.splitlines() if "Chromium" in one] == [
        f"SKIPPED [7] tests/web: {line}"
    ]
