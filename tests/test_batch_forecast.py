"""A dry run of many pictures: what would become of each is what becomes of it, and nothing is written."""

import json
from pathlib import Path

import numpy as np
import pytest
import stubs
import tifffile
from PIL import Image

from ipse.batch import forecast as module
from ipse.batch.errands import Order
from ipse.batch.forecast import Outlook, between, forecast, totals
from ipse.cli import main
from ipse.runs.job import Job
from ipse.settings import Settings

QUICK = ("--steps", "3")


def errands(**given):
    asked = Order((Path("in"),), Path("out"), Job("smooth", None, None, Settings(steps=3), **given))
    return asked.errands(asked.listing())


def everything():
    return {str(path): path.stat().st_mtime_ns for path in Path().rglob("*")}


@pytest.mark.usefixtures("folder")
def test_what_is_foretold_happens(capsys):
    assert main(["smooth", "in", "-o", "out", *QUICK, "-q"]) == 0
    stubs.noisy(Path("in/1.png"), seed=9)  # changed: its output is ours, and is replaced
    Path("out/2_ipse.png").write_bytes(b"painted on")
    stubs.noisy(Path("in/new.png"))
    Path("in/broken.png").write_bytes(b"broken")
    Path("in/cut.png").write_bytes(Path("in/0.png").read_bytes()[:20])
    before = everything()
    command = ["smooth", "in", "-o", "out", *QUICK, "-q", "--json"]
    assert main([*command, "--dry-run"]) == 1
    assert everything() == before
    *lines, _ = map(json.loads, capsys.readouterr().out.splitlines())
    foretold = {Path(line["input"]).name: line for line in lines}
    assert main(command) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    became = {Path(line["input"]).name: line["state"].replace("done", "restore") for line in lines}
    assert {name: line["state"] for name, line in foretold.items()} == became
    assert "exists already" in foretold["2.png"]["error"]
    assert "in/broken.png" in foretold["broken.png"]["error"]


@pytest.mark.usefixtures("folder")
def test_the_command_prints_a_line_a_picture_and_the_totals(capsys):
    command = ["smooth", "in", "-o", "out", *QUICK, "--dry-run", "--workers", "2"]
    assert main(command) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        f"in/{name}.png → out/{name}_ipse.png: 20×24" for name in range(3)
    ]
    assert all("at most about" in line and "MiB" in line for line in lines)
    assert last.startswith("3 to restore: at most about 0:0")
    assert "with 2 workers" in last
    assert not Path("out").exists()
    Path("in/broken.png").write_bytes(b"broken")
    assert main([*command, "--json"]) == 1
    *looks, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [one["state"] for one in looks] == ["restore"] * 3 + ["failed"]
    assert last["totals"]["states"] == {"restore": 3, "failed": 1}
    assert last["totals"]["memory"] == 2 * looks[0]["memory"]
    assert last["totals"]["seconds"] == pytest.approx(1.5 * looks[0]["seconds"], abs=0.01)
    assert main(["smooth", "in/*.png", "-o", "out", "--skip-existing", "--dry-run", "--mask", "in"]) == 1
    assert "would fail: in/0.png: no matching mask" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_only_the_smallest_and_the_largest_of_a_kind_are_read(monkeypatch):
    for side in (100, 260, 300):
        rng = np.random.default_rng(side)
        Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).save(f"in/a{side}.png")
    stack = np.random.default_rng(0).integers(0, 999, (4, 30, 20), np.uint16)
    tifffile.imwrite("in/stack.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    opened, real = [], module.open_run
    monkeypatch.setattr(module, "open_run", lambda job: opened.append(job.source.name) or real(job))
    monkeypatch.setattr("ipse.pictures.picture.Picture.from_array", None)  # nobody else makes one
    looks, said = forecast(errands())
    assert opened == ["0.png", "a300.png", "stack.tif"]
    by_name = {Path(look.input).name: look for look in looks}
    assert (by_name["stack.tif"].planes, by_name["stack.tif"].size) == (4, (30, 20))
    sizes = [by_name[f"{name}.png"] for name in ("0", "a100", "a260", "a300")]
    assert sorted(sizes, key=lambda look: look.memory) == sizes
    assert said.states == {"restore": 7}
    assert said.memory == sizes[-1].memory


def test_a_line_goes_through_both_plans():
    class Made:
        def __init__(self, seconds, memory):
            self.seconds, self.memory = seconds, memory

    look = Outlook("a", "b", "restore", size=(10, 10), planes=3)
    found = between(look, (100, Made(1.0, 1000)), (500, Made(5.0, 3000)))
    assert (found.seconds, found.memory) == (3.0, 2000)
    assert between(look, (300, Made(4.0, 7)), (300, Made(4.0, 7))).seconds == 4.0


def test_the_longest_fit_bounds_the_whole():
    looks = [Outlook("a", "b", "restore", seconds=s, memory=m) for s, m in ((9.0, 5), (1.0, 7), (2.0, 1))]
    assert totals(looks, 4, None).seconds == 9.0
    assert totals(looks, 1, None).seconds == 12.0
    assert totals(looks, 2, None).memory == 12
