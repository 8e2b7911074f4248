"""Variants of a step are the same step, and what measures them runs where there is no GPU."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from bench import batch, changes, gpu, loop
from bench.steps import Step, Timing, Variant, compared, problem
from ipse.engine.problem import Problem

PLAIN = Variant("plain")


def drawn(made: Problem) -> torch.Tensor:
    """The prior's picture without jitter."""
    assert made.prior is not None
    made.prior.jitter = 0.0
    with torch.no_grad():
        return made.prior()


@pytest.mark.parametrize(
    "change", [changes.channels_first, changes.channels_last, changes.by_hand, changes.by_group]
)
@pytest.mark.parametrize("task", ["denoise", "upscale"])
def test_changes_that_keep_the_function_keep_it(change: Callable[[nn.Module], None], task: str) -> None:
    made = problem(task, side=64)
    before = drawn(made)
    assert made.prior is not None
    change(made.prior.network)
    assert torch.allclose(drawn(made), before, atol=1e-4)


@pytest.mark.parametrize("change", [changes.standardised, changes.without_norm])
def test_changes_that_take_the_norm_take_it(change: Callable[[nn.Module], None]) -> None:
    made = problem("upscale", side=64)
    before = drawn(made)
    assert made.prior is not None
    change(made.prior.network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in made.prior.network.modules())
    assert not torch.allclose(drawn(made), before, atol=1e-4)


def test_ratios_are_to_the_first_variant() -> None:
    steps = [Step(problem("upscale", side=64), one) for one in (PLAIN, replace(PLAIN, name="again"))]
    first, second = compared(steps, rounds=3, count=1)
    assert (first.name, first.ratio, first.spread) == ("plain", 1.0, 0.0)
    assert 0.1 < second.ratio < 10


def test_pieces_of_a_step_are_its_parts() -> None:
    found = loop.pieces(problem("denoise", side=64), steps=3)
    whole = found.pop("sum")
    engine = found.pop("the engine's own step")
    assert list(found) == ["forward", "objective", "backward", "optimiser", "average", "score"]
    assert sum(found.values()) == pytest.approx(whole)
    assert 0.2 < engine / whole < 5
    assert "| backward" in loop.shares({**found, "sum": whole})
    assert "0.50" in loop.ratios([Timing("x", 1.0, 0.5, 0.0)])


def test_the_gpus_command_runs_without_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "gpu.csv"
    assert (
        gpu.main(["--device", "cpu", "--steps", "2", "--side", "64", "--tasks", "upscale", "--out", str(out)])
        == 0
    )
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["what"] for row in rows} > {
        "a step",
        "a picture",
        "float32",
        "the engine, 1 at once, for each",
        "the engine, 2 at once, for each",
        "the engine, 2 that end one by one, for each",
    }
    assert not [row["note"] for row in rows if row["note"].startswith("failed")]
    assert out.with_suffix(".md").read_text().strip() in capsys.readouterr().out


def test_several_at_once_are_compared_with_as_many_in_turn(capsys: pytest.CaptureFixture[str]) -> None:
    assert batch.main(["--steps", "2", "--rounds", "1", "--count", "2"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("upscale, 2 of 64² at once / in turn: ")
    assert 0.1 < float(said.split(": ")[1].split()[0]) < 10


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main([]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "'cuda' is not available" in said[0]


def test_a_variant_that_fails_says_why_and_the_rest_goes_on() -> None:
    def broken() -> float:
        raise RuntimeError("no such kernel\nand more")

    found = gpu.timed(gpu.Figure("denoise", "good", "x", "cpu", None), broken)
    assert (found.seconds, found.note) == (None, "failed: RuntimeError: no such kernel")
