"""Plans: what they count is what a fit takes, and they refuse what would not fit."""

import json
from pathlib import Path

import numpy as np
import pytest
import stubs
import torch

from ipse import devices
from ipse.cli import main
from ipse.engine.objectives import LeastSquares
from ipse.engine.prior import Prior
from ipse.engine.problem import Problem
from ipse.errors import NotEnoughMemory
from ipse.pictures import Picture
from ipse.runs import plan, trial
from ipse.settings import Settings


@pytest.fixture(autouse=True)
def _stub(monkeypatch):
    stubs.install(monkeypatch)


def picture(height, width, *, value=None):
    rng = np.random.default_rng(0)
    samples = rng.integers(0, 256, (height, width, 3), np.uint8)
    return Picture(samples if value is None else np.full_like(samples, value), model="rgb", name="big.png")


def test_kept_bytes_are_the_activations():
    """conv → ReLU → conv keep their inputs: z, the ReLU's output, and nothing twice."""
    hidden, side = 8, 16
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, hidden, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(hidden, 3, 3, padding=1)
    )
    y = torch.rand(1, 3, side, side)
    problem = Problem(Prior(network, y.clone(), size=(side, side)), LeastSquares(y))
    floats = side * side * (3 + hidden)
    assert floats * 4 <= trial.kept_bytes(problem) <= (floats + 3 * side * side * 3) * 4


def test_memory_grows_with_the_pixels_and_the_enlargement():
    problem = trial.problem_of(picture(64, 64), "smooth", Settings(), {})
    assert problem is not None
    weights = 4 * sum(weight.nbytes for weight in problem.prior.parameters())
    sizes = [
        plan.memory(problem, 64 * 64, picture(side, side), Settings(), {}) - weights
        for side in (64, 128, 256)
    ]
    assert sizes[1] == pytest.approx(4 * sizes[0], rel=1e-3)
    assert sizes[2] == pytest.approx(16 * sizes[0], rel=1e-3)
    assert plan.memory(problem, 4096, picture(64, 64), Settings(), {"factor": 2}) > sizes[0] + weights


def test_two_timings_make_a_line():
    assert plan.extended([4.0, 5.0], [100, 400], 1000) == pytest.approx(12.5)  # never below proportion
    assert plan.extended([1.0, 5.0], [100, 400], 1000) == pytest.approx(1 + (4 / 300) * 900)
    assert plan.extended([5.0, 5.0], [100, 100], 100) == pytest.approx(5.0)
    assert plan.extended([5.0, 1.0], [100, 400], 40) > 0


def test_a_plan_says_what_the_recipe_says():
    made = plan.plan(picture(80, 100), "smooth", Settings(steps=7), {})
    assert (made.task, made.steps, made.size) == ("smooth", 7, (80, 100))
    assert (made.device, made.tiles) == ("cpu", 1)
    assert made.fits
    assert 0 < made.seconds < 60
    assert plan.plan(picture(80, 100), "smooth", Settings(steps=10**9, seconds=5.0), {}).seconds == 5.0


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (64, 64), (65, 63)])
def test_any_size_can_be_planned(size):
    assert plan.plan(picture(*size), "smooth", Settings(steps=2), {}).memory > 0


def test_a_clean_crop_is_planned_all_the_same():
    assert plan.plan(picture(80, 80, value=99), "smooth", Settings(), {}).steps == 20


def test_masks_follow_the_crop(tmp_path):
    mask = np.zeros((300, 200), np.uint8)
    mask[:5, :5] = 255
    for given in (mask, tmp_path / "not-even-there.png"):
        assert plan.plan(picture(300, 200), "smooth", Settings(steps=2), {"mask": given}).memory > 0


def test_too_little_memory_is_told_before_the_fit(monkeypatch):
    monkeypatch.setattr(devices, "memory_available", lambda _: 10 << 20)
    with pytest.raises(NotEnoughMemory, match=r"big\.png.*1200×1000.*10 MiB is free on cpu"):
        plan.check_memory(picture(1000, 1200), "smooth", Settings(), {})
    plan.check_memory(picture(100, 100), "smooth", Settings(), {})
    assert plan.enlargement({"factor": 4}) == 4


def test_tiles_bound_the_memory_and_count():
    whole = plan.plan(picture(500, 700), "smooth", Settings(steps=2, tile=0), {})
    cut = plan.plan(picture(500, 700), "smooth", Settings(steps=2, tile=128), {})
    assert (whole.tiles, cut.tiles) == (1, 5 * 7)
    assert cut.memory < whole.memory / 2
    assert "tiles: 35" in cut.to_text()


def test_dry_run_prints_the_plan_and_touches_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stubs.noisy(tmp_path / "in.png")
    assert main(["smooth", "in.png", "--dry-run", "--json", "--preset", "fast"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["preset"] == "fast"
    assert {"seconds", "memory", "device", "steps", "tiles", "available", "fits"} <= said.keys()
    assert main(["smooth", "in.png", "--dry-run"]) == 0
    out = capsys.readouterr().out
    for word in ("preset good", "seconds", "memory", "cpu", "tiles"):
        assert word in out
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


def test_limits_of_containers_are_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "CGROUP", tmp_path)
    free = devices.memory_available()
    (tmp_path / "memory.max").write_text("max\n")
    assert devices.memory_available() == pytest.approx(free, rel=0.2)
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 200000\nactive_file 7\n")
    assert devices.memory_available() == 2_200_000


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="Linux only")
def test_free_memory_is_what_the_kernel_says(tmp_path, monkeypatch):
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    5 kB\n")
    monkeypatch.setattr(devices, "MEMINFO", tmp_path / "meminfo")
    assert devices.memory_available() == 5 * 1024
