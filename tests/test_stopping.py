"""Rules on hand-made streams stop at the exact step and keep the right one."""

from collections.abc import Callable, Iterable
from typing import Any, cast

import numpy as np
import pytest
import torch

from ipse.engine.objectives import LeastSquares
from ipse.engine.stopping import (
    Discrepancy,
    ExponentialVariance,
    HeldOut,
    Last,
    Rule,
    Seconds,
    State,
    WindowedVariance,
)


def stream(
    *, losses: Iterable[float] = (), scores: Iterable[float | None] = (), raws: Iterable[torch.Tensor] = ()
) -> list[State]:
    losses, scores, raws = list(losses), list(scores), list(raws)
    length = max(len(losses), len(scores), len(raws))
    blank = torch.zeros(1, 1, 2, 2)
    return [
        State(
            step=i + 1,
            loss=losses[i] if losses else 0.0,
            raw=raws[i] if raws else blank,
            average=blank,
            score=scores[i] if scores else None,
            seconds=float(i + 1),
        )
        for i in range(length)
    ]


def watch(rule: Rule, states: list[State]) -> tuple[int, int | None, str | None]:
    """(the step kept, the step stopped at, why)."""
    kept = 0
    for state in states:
        verdict = rule(state)
        if verdict.best:
            kept = state.step
        if verdict.stop:
            return kept, state.step, verdict.stop
    return kept, None, None


def test_last_keeps_the_newest_and_stops_on_its_step() -> None:
    assert watch(Last(), stream(losses=[3, 2, 1]))[:2] == (3, None)
    assert watch(Last(2), stream(losses=[3, 2, 1]))[:2] == (2, 2)


def test_held_out_keeps_the_least_score_and_waits_its_patience() -> None:
    scores = [5, 4, 3, 3.5, 3.2, 3.1, 3.3, 1.0]
    assert watch(HeldOut(patience=4, every=1), stream(scores=scores))[:2] == (3, 7)
    assert watch(HeldOut(patience=5, every=1), stream(scores=scores))[:2] == (8, None)


def test_held_out_keeps_the_later_of_two_scores_that_are_as_good() -> None:
    scores = [5.0, 1.0, 1.05, 1.2, 1.09, 1.5, 1.5]
    kept = [
        [rule(state).best for state in stream(scores=scores)]
        for rule in (HeldOut(every=1), HeldOut(every=1, tolerance=0.1))
    ]
    assert kept[0] == [True, True, False, False, False, False, False]
    assert kept[1] == [True, True, True, False, True, False, False]


def test_held_out_judges_only_every_so_many_steps() -> None:
    scores = [7, 1, 1, 5, 1, 1, 1, 6]
    assert watch(HeldOut(patience=4, every=4), stream(scores=scores))[:2] == (4, 8)


def test_held_out_without_scores_is_last() -> None:
    assert watch(HeldOut(patience=1, every=1), stream(scores=[None] * 5))[:2] == (5, None)


def test_discrepancy_stops_when_the_misfit_reaches_the_noise() -> None:
    losses = [0.09, 0.05, 0.039, 0.01]
    assert watch(Discrepancy(0.2), stream(losses=losses))[:2] == (3, 3)
    assert watch(Discrepancy(0.2, tau=0.5), stream(losses=losses))[:2] == (4, 4)


@pytest.mark.parametrize("missing", [0.0, 0.5, 0.9])
def test_discrepancy_asks_for_what_was_measured_alone(missing: float) -> None:
    """However much is missing, and whatever else is in the loss, it stops where the misfit is σ²."""
    draw, sigma = torch.Generator().manual_seed(0), 0.2
    y = torch.rand(1, 3, 40, 40, generator=draw)
    known = (torch.rand(1, 1, 40, 40, generator=draw) >= missing).float()
    fidelity = LeastSquares(y, weight=known)
    errors = [0.5, 0.3, 0.21, 0.19, 0.1]
    raws = [torch.where(known > 0, y + error, 9.0) for error in errors]
    losses = [float(fidelity(raw)) + 7.0 for raw in raws]
    rule = Discrepancy(sigma, misfit=fidelity.error)
    assert watch(rule, stream(losses=losses, raws=raws))[:2] == (4, 4)
    assert rule.state_dict() == {"threshold": pytest.approx(0.04)}


def test_seconds_stops_on_time_and_leaves_the_best_to_the_other_rule() -> None:
    kept, stopped, why = watch(HeldOut(patience=99, every=1) | Seconds(4), stream(scores=[3, 1, 2, 2, 2]))
    assert (kept, stopped) == (2, 4)
    assert why is not None
    assert "4 s" in why


def converging(dip: int, length: int) -> list[torch.Tensor]:
    """Outputs whose noise falls until ``dip`` and rises after it."""
    draw = torch.Generator().manual_seed(0)
    noise = [0.02 + abs(i - dip) * 0.01 for i in range(length)]
    return [0.5 + s * torch.randn(1, 3, 20, 20, generator=draw) for s in noise]


def test_windowed_variance_equals_its_definition() -> None:
    raws = converging(20, 40)
    rule = WindowedVariance(window=8, patience=1000)
    seen = [rule.variance(raw.flatten()) for raw in raws]
    assert seen[:7] == [None] * 7
    for i in range(7, 40):
        window = torch.stack(raws[i - 7 : i + 1]).double()
        want = (window - window.mean(0)).square().mean()
        np.testing.assert_allclose(seen[i], want, rtol=1e-9)


@pytest.mark.parametrize("make", [lambda: WindowedVariance(window=2), lambda: ExponentialVariance(alpha=0.9)])
def test_of_a_large_picture_samples_from_all_over_it_are_looked_at(
    make: Callable[[], Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changes in one half alone is seen, whichever half it is, and is about half as much."""
    monkeypatch.setattr("ipse.engine.stopping.moving_variance.SAMPLES", 64)
    draw = torch.Generator().manual_seed(0)
    change = torch.randn(6, 1, 1, 40, 50, generator=draw)
    found: list[float] = []
    for half in (slice(0, 20), slice(20, 40), slice(0, 40)):
        rule, raws = make(), torch.zeros_like(change)
        raws[..., half, :] = change[..., half, :]
        for state in stream(raws=list(raws)):
            rule(state)
        found.append(cast(Any, rule).least)
    assert 0.2 < found[0] / found[2] < 0.8
    assert 0.2 < found[1] / found[2] < 0.8


def test_windowed_variance_finds_the_dip_and_stops_after_its_patience() -> None:
    kept, stopped, _ = watch(WindowedVariance(window=10, patience=15), stream(raws=converging(30, 100)))
    assert 31 <= kept <= 42  # the window that is centred on the dip ends 5 steps after it
    assert stopped == kept + 15


def test_exponential_variance_equals_its_recursion_and_finds_the_dip() -> None:
    raws = converging(40, 120)
    rule = ExponentialVariance(alpha=0.2, patience=20)
    mean, value = raws[0].flatten().double(), 0.0
    for i, raw in enumerate(raws[1:50], start=2):
        x = raw.flatten().double()
        value = 0.8 * (value + 0.2 * float((x - mean).square().mean()))
        mean = mean + 0.2 * (x - mean)
        if i == 2:
            assert rule.variance(raws[0].flatten().clone()) is None
        got = rule.variance(raw.flatten().clone())
        assert (got is None) == (i <= 5)
        if got is not None:
            assert got == pytest.approx(value, rel=1e-4)
    kept, stopped, _ = watch(ExponentialVariance(alpha=0.2, patience=20), stream(raws=raws))
    assert 38 <= kept <= 50
    assert stopped == kept + 20


@pytest.mark.parametrize(
    "make",
    [
        lambda: HeldOut(patience=4, every=1),
        lambda: WindowedVariance(window=5, patience=6),
        lambda: ExponentialVariance(alpha=0.3, patience=6),
        lambda: HeldOut(patience=9, every=1) | Seconds(17),
    ],
)
def test_a_rule_put_back_goes_on_as_if_never_interrupted(make) -> None:
    raws = converging(10, 40)
    states = stream(raws=raws, scores=[float(raw.std()) for raw in raws])
    whole, first, second = make(), make(), make()
    verdicts = [whole(state) for state in states]
    head = [first(state) for state in states[:9]]
    state = first.state_dict()
    second.load_state_dict(state)
    third = make()
    third.load_state_dict(state)
    pairs = [
        (second(state), third(state)) for state in states[9:]
    ]  # neither changes what the other remembers
    assert head + [mine for mine, _ in pairs] == head + [theirs for _, theirs in pairs] == verdicts
