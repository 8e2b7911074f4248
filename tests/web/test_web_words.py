"""The tables of words: whole in every language, and each text has room in its place."""

import json
import re
from pathlib import Path

import pytest
from browser import drop
from hosted import noisy, png

import ipse.web
from ipse import tasks

WORDS = Path(ipse.web.__file__).parent / "static" / "words"
PLURALS = {
    "en": {"one", "other"},
    "de": {"one", "other"},
    "fr": {"one", "many", "other"},
    "zh": {"other"},
    "ja": {"other"},
}
TABLES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in WORDS.glob("*.json")}


def flat(table, before=""):
    """Every sentence by its place; the forms of a plural are one."""
    for name, value in table.items():
        if isinstance(value, str):
            yield f"{before}{name}", [value]
        elif "other" in value and value.keys() <= {"one", "many", "other"}:
            yield f"{before}{name}", list(value.values())
        else:
            yield from flat(value, f"{before}{name}.")


def plurals(table):
    for value in table.values():
        if isinstance(value, dict):
            forms = "other" in value and value.keys() <= {"one", "many", "other"}
            yield from [value.keys()] if forms else plurals(value)


@pytest.mark.parametrize("language", TABLES)
def test_every_table_has_every_sentence_with_its_values(language):
    english, table = dict(flat(TABLES["en"])), dict(flat(TABLES[language]))
    assert table.keys() == english.keys()
    for place, texts in table.items():
        assert all(text.strip() for text in texts), place
        values = {frozenset(re.findall(r"\{(\w+)\}", text)) for text in texts}
        wanted = frozenset(value for text in english[place] for value in re.findall(r"\{(\w+)\}", text))
        assert wanted in values, place
        assert all(found <= wanted for found in values), place
    assert all(forms == PLURALS[language] for forms in plurals(TABLES[language]))


def test_the_names_are_of_tasks_and_options_that_there_are():
    words = TABLES["en"]
    shown = [name for name in tasks.names() if tasks.sees(name) != "nothing"]
    assert words["task"].keys() <= set(shown)  # a new task has its own name and help until it is translated
    options = {one.name for name in shown for one in tasks.options(name)}
    shared = {one.name for one in tasks.shared_options()}
    assert shared <= words["form"]["option"].keys() <= options | shared


def test_every_sentence_is_used_by_the_page():
    script = "\n".join(path.read_text(encoding="utf-8") for path in (WORDS.parent / "js").glob("*.js"))
    named = {
        "task",
        "option",
        "choice",
        "noise",
        "states",
        "example",
        "tools",
        "seek",
    }  # looked up by what the server says
    for place in dict(flat(TABLES["en"])):
        *parents, last = place.split(".")
        if not named & set(parents):
            assert re.search(rf'\.{last}\b|\b{last}:|"{last}"', script), place


OUTSIDE = """() => [...document.querySelectorAll("button, .button, label, h2, h3, .said p, .side, summary")]
  .filter((one) => one.offsetParent && !one.closest(".visually-hidden, .skip") && !one.matches("#photo"))
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
  .map((one) => one.textContent)"""


@pytest.mark.parametrize("language", [name for name in TABLES if name != "en"])
def test_each_language_fits_its_place_on_a_phone(tab, language):
    tab.set_viewport_size({"width": 375, "height": 700})
    tab.select_option("#language", language)
    tab.wait_for_selector(f"html[lang={language}] body[data-ready]")
    words = TABLES[language]
    assert words["intake"]["title"] in tab.inner_text("#intake")
    fits = "document.scrollingElement.scrollWidth <= innerWidth"
    assert tab.evaluate(fits)
    assert tab.evaluate(OUTSIDE) == []
    tab.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": png(noisy())})
    tab.wait_for_selector("#start:enabled")
    assert tab.inner_text("#start") == words["task"]["enhance"]["act"]
    tab.click("[data-task=upscale]")
    tab.click("#more > summary")
    assert words["form"]["option"]["factor"] in tab.inner_text("#panel")
    assert tab.evaluate(fits)
    assert tab.evaluate(OUTSIDE) == []


def test_from_right_to_left_the_column_changes_sides_and_the_picture_does_not(tab):
    drop(tab, png(noisy()))
    tab.evaluate("document.documentElement.dir = 'rtl'")
    stage, panel = (tab.locator(one).bounding_box() for one in ("#stage", "#panel"))
    assert panel["x"] < stage["x"]
    assert tab.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert tab.evaluate("getComputedStyle(document.querySelector('#stage')).direction") == "ltr"
