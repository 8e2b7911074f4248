"""Pictures of one size fitted at once: the same outputs, records and failures as one after the other."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import stubs
from PIL import Image

from ipse import batch
from ipse.batch.abreast import Abreast
from ipse.batch.carried import carried
from ipse.batch.errands import Order
from ipse.batch.records import Manifest, Moment, Record, read
from ipse.cli import main
from ipse.engine.stopping import Last
from ipse.engine.together import team
from ipse.errors import OptionError
from ipse.runs.job import Job
from ipse.settings import Settings
from ipse.tasks import upscale

STEPS = 4
NAMES = ("a", "b", "c", "d", "e")
LEVEL = 1  # of 255: single precision, and small steps
SLOW = {name: replace(numbers, rate=1e-4) for name, numbers in upscale.NUMBERS.items()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four pictures of one size, one of another."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(upscale, "NUMBERS", SLOW)
    Path("in").mkdir()
    for seed, name in enumerate(NAMES):
        stubs.noisy(Path("in") / f"{name}.png", size=(40, 32) if name == "c" else (32, 32), seed=seed)
    return tmp_path


def order(output="out", **given):
    settings = Settings(steps=STEPS, preset="fast", network="fast")
    job = Job("upscale", None, None, settings, {"factor": 2}, **given)
    return Order((Path("in"),), Path(output), job)


def stream(count, output="out", **given):
    asked = order(output, **given)
    asked.make_output()
    return carried(asked.errands(asked.listing()), Abreast(count), Manifest(asked.manifest))


def events(count, output="out", **given):
    with closing(stream(count, output, **given)) as pulled:
        return list(pulled)


def states(found):
    return {Path(one.input).stem: one.state for one in found if isinstance(one, Record)}


def pixels(output):
    return {path.name: np.asarray(Image.open(path)).astype(int) for path in Path(output).glob("*.png")}


def check_close(one, other):
    assert one.keys() == other.keys()
    for name, first in one.items():
        assert np.abs(first - other[name]).max() <= LEVEL, name


def order_of_steps(found):
    return [(Path(one.input).stem, one.step) for one in found if isinstance(one, Moment) and one.step]


@pytest.mark.usefixtures("folder")
def test_three_together_are_one_after_the_other():
    in_turn, at_once = events(1, "one"), events(3, "three")
    assert states(in_turn) == states(at_once) == dict.fromkeys(NAMES, "done")
    assert order_of_steps(in_turn) == [(name, 1 + k) for name in NAMES for k in range(STEPS)]
    # "c" is of another size, and is fitted by itself; "a" and "b" go together, then "d" and "e"
    rounds = [(name, 1 + k) for k in range(STEPS) for name in "ab"]
    assert [one for one in order_of_steps(at_once) if one[0] in "ab"] == rounds
    check_close(pixels("one"), pixels("three"))
    receipts = [json.loads(path.read_text()) for path in sorted(Path("three").glob("*.json"))]
    assert [one["steps"] for one in receipts] == [STEPS] * 5
    assert states(events(3, "three")) == dict.fromkeys(NAMES, "earlier")
    assert not Path("three/.ipse").exists()


@pytest.mark.usefixtures("folder")
def test_pictures_that_fail_leave_the_others_alone(monkeypatch):
    expected = pixels_of_all()
    Path("in/b.png").write_bytes(b"no picture")
    seen = []

    class Breaks(Last):
        def __call__(self, state):
            seen.append(state.step)
            if len(seen) == 5:
                raise ZeroDivisionError("of its own")
            return super().__call__(state)

    monkeypatch.setattr("ipse.tasks._common.rule", lambda *_, **__: Breaks())
    found = states(events(4))
    assert sorted(found.values()) == ["done", "done", "done", "failed", "failed"]
    assert found["b"] == "failed"
    made = pixels("out")
    assert len(made) == 3
    check_close(made, {name: expected[name] for name in made})
    assert {Path(one.input).stem for one in read(Path("out/ipse-manifest.jsonl"))} == set(NAMES)


def pixels_of_all():
    events(1, "expected")
    return pixels("expected")


@pytest.mark.usefixtures("folder")
def test_what_is_left_half_way_goes_on_from_there():
    expected = pixels_of_all()
    with closing(stream(5)) as pulled:
        for event in pulled:
            if isinstance(event, Moment) and Path(event.input).stem == "b" and event.step == 2:
                break
    assert {path.name[0] for path in Path("out/.ipse").iterdir()} == {"a", "b", "d", "e"}
    found = events(5)
    assert set(states(found).values()) <= {"done", "earlier"}
    assert min(step for name, step in order_of_steps(found) if name in "abde") == 3
    check_close(pixels("out"), expected)
    assert not Path("out/.ipse").exists()


@pytest.mark.usefixtures("folder")
def test_a_step_that_was_cut_short_is_nobodys_checkpoint(monkeypatch):
    noted = []

    def note(_self, _losses):
        noted.append(1)
        if len(noted) == 2:
            raise KeyboardInterrupt  # as a second Ctrl-C does, or the first in a notebook

    monkeypatch.setattr("ipse.engine.together.stack.Vectorised.note", note)
    with pytest.raises(KeyboardInterrupt):
        events(2)
    assert not Path("out/.ipse").exists()


@pytest.mark.usefixtures("folder")
def test_a_larger_picture_leaves_less_room(monkeypatch):
    Path("in/b.png").unlink()
    monkeypatch.setattr(team, "at_once", lambda problem, _: 3 if problem.prior.size == (64, 64) else 2)
    found = order_of_steps(events(3))
    assert [name for name, _ in found[: 2 * STEPS]].count("d") == 0  # "a" and "c" went without it
    assert sorted(found[2 * STEPS :]) == [(name, 1 + k) for name in "de" for k in range(STEPS)]


@pytest.mark.usefixtures("folder")
def test_snapshots_and_strength_are_each_pictures_own():
    for count, output in ((1, "one"), (4, "four")):
        assert set(states(events(count, output, snapshots=True, strength=0.5)).values()) == {"done"}
    check_close(pixels("one"), pixels("four"))
    assert len(list(Path("four").glob("*.ipse.safetensors"))) == len(NAMES)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "given", [{"steps": 0}, {"steps": 1, "seeds": 2, "network": "fast"}], ids=["pilots alone", "seeds"]
)
def test_what_has_no_fit_or_several_comes_one_after_the_other(given):
    job = Job("upscale", None, None, Settings(preset="fast", **given), {"factor": 2})
    asked = Order((Path("in"),), Path("pilots"), job)
    asked.make_output()
    errands = asked.errands(asked.listing())
    found = list(carried([errands[0], None, *errands[1:]], Abreast(3)))
    assert states(found) == dict.fromkeys(NAMES, "done")
    assert None in found


def test_memory_bounds_what_is_asked_for(folder, monkeypatch):
    monkeypatch.setattr(team, "memory_available", lambda _: 1)
    found = events(3)
    assert order_of_steps(found) == [(name, 1 + k) for name in NAMES for k in range(STEPS)]
    assert folder


@pytest.mark.usefixtures("folder")
def test_the_command_and_the_library_take_it(capsys):
    told = ["--factor", "2", "--steps", "2", "--preset", "fast", "--network", "fast"]
    assert main(["upscale", "in", "-o", "out", "--together", "2", *told]) == 0
    assert "5 restored" in capsys.readouterr().err
    settings = Settings(steps=2, preset="fast", network="fast")
    made = batch.restore_many(
        ["in"],
        task="upscale",
        output="out",
        settings=settings,
        options={"factor": 2, "kernel": "bicubic"},
        together=2,
    )
    assert {one.state for one in made} == {"earlier"}


@pytest.mark.parametrize("given", [{"together": 0}, {"together": 2, "workers": 2}], ids=str)
def test_what_cannot_be_is_said(given, tmp_path):
    with pytest.raises(OptionError, match="together"):
        batch.restore_many(
            [stubs.noisy(tmp_path / "a.png")], task="upscale", output=tmp_path / "out", **given
        )
    assert not (tmp_path / "out").exists()


def test_slurm_is_many_processes(capsys):
    assert main(["upscale", "a.png", "--factor", "2", "--together", "2", "--slurm", "workers=2"]) == 2
    assert "remove --slurm" in capsys.readouterr().err
