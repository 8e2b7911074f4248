"""The docs site: it builds without a warning, fetches nothing, and leaves out no task and no public name."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import ipse
from ipse import tasks

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(scope="module", name="site")
def fixture_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(target)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def test_the_site_fetches_nothing(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) >= 15
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r'src="?(?:https?:)?//', text), page.name
        assert not re.findall(r'<link[^>]*rel="?stylesheet"?[^>]*href="?(?:https?:)?//', text), page.name
        assert "<!-- flags" not in text, page.name
        assert "<!-- figures" not in text, page.name


def test_the_site_names_its_version(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert f"ipse {ipse.__version__}</title>" in page.read_text(encoding="utf-8"), page.name


def test_what_lies_at_the_root_is_on_the_site(site: Path) -> None:
    page = (site / "contributing.html").read_text(encoding="utf-8")
    assert 'src="images/house.svg"' in page
    assert 'href="extend/README.html"' in page or 'href="extend/index.html"' in page
    assert (site / "images" / "house.svg").is_file()
    assert "0.1.0" in (site / "changelog.html").read_text(encoding="utf-8")


def test_every_flag_of_every_task_is_on_its_page(site: Path) -> None:
    page = (site / "tasks.html").read_text(encoding="utf-8")
    sections = {part.split('"', 1)[0]: part for part in page.split('<h2 id="')[1:]}
    for name in tasks.names():
        for one in tasks.options(name):
            flag = one.name.upper() if one.argument else "--" + one.name.strip("_").replace("_", "-")
            assert f"<code>{flag}</code>" in sections[name], (name, flag)
    shared = sections["what-all-tasks-take"]
    assert all(f"<code>--{one.name}</code>" in shared for one in tasks.shared_options())


def test_every_public_name_is_on_the_api_page(site: Path) -> None:
    listed = re.findall(r"^::: ipse\.(\w+)$", (DOCS / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(set(listed) - {"api"}) == sorted(ipse.__all__)
    page = (site / "api.html").read_text(encoding="utf-8")
    assert all(f'id="ipse.{name}"' in page or re.search(rf'id="ipse\.\w+\.{name}"', page) for name in listed)
    assert "restore the last good weights" in page  # a field's comment


def test_what_is_not_there_is_left_out_of_the_navigation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import site_pages

    (tmp_path / "gallery").mkdir()
    for name in ("a.md", "gallery/z.md", "gallery/index.md"):
        (tmp_path / name).touch()
    nav = [{"A": "a.md"}, {"B": "b.md"}, {"More": [{"C": "c.md"}, "a.md"]}, {"G": "gallery"}, {"H": ["h.md"]}]
    found = list(site_pages.present(nav, tmp_path))
    assert found == [{"A": "a.md"}, {"More": ["a.md"]}, {"G": ["gallery/index.md", "gallery/z.md"]}]
    assert sorted(site_pages.leaves(found)) == ["a.md", "a.md", "gallery/index.md", "gallery/z.md"]
    (tmp_path / "new.md").touch()
    config = SimpleNamespace(docs_dir=str(tmp_path), nav=nav, site_name="ipse")
    root = [{"Contributing": "contributing.md"}, {"Changelog": "changelog.md"}]
    assert site_pages.on_config(config).nav == [*found, {"More": ["new.md"]}, *root]  # type: ignore[arg-type]


RIDDLES = ("told nothing", "to the bit", "hangs on", "made small", "what repeats", "laid still", "came back")


@pytest.mark.parametrize("riddle", RIDDLES)
def test_the_docs_use_the_terms_of_the_field(riddle: str) -> None:
    quoted = ("keeps-its-word.md",)
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "Makefile"]
    pages += [
        page for page in DOCS.rglob("*.md") if page.name not in quoted and page.parent.name != "gallery"
    ]
    pages += (ROOT / "gallery").glob("*.py")
    assert [page.name for page in pages if riddle in page.read_text(encoding="utf-8")] == []
