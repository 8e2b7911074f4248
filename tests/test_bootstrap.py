"""What ``best`` learns from its own estimate, damaged again."""

from collections.abc import Callable, Generator, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

import ipse
from ipse.engine.objectives import LeastSquares
from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.problem import Pilot, Problem
from ipse.pictures import Picture, standard_table
from ipse.pilots import _correction as correction
from ipse.pilots import bootstrap as pilots
from ipse.pilots.bootstrap import Replicate, believed, bootstrap, part, spread, window
from ipse.runs import plan, trial
from ipse.settings import Settings
from ipse.tasks import _repeated

Work = Generator[object, None, Tensor]


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the steps, on half the crops, is enough where what there is to learn is simple."""
    monkeypatch.setattr(correction, "STEPS", 80)
    monkeypatch.setattr(correction, "BATCH", 4)


def waves(side: int) -> Tensor:
    """A picture (1, 1, side, side) with structure everywhere."""
    at = torch.arange(side) / side
    return (0.5 + 0.2 * torch.sin(20 * at[:, None] + 35 * at**2) + 0.2 * torch.cos(50 * at * at[:, None]))[
        None, None
    ]


def mse(a: Tensor, b: Tensor) -> float:
    """Mean squared error."""
    return float((a - b).square().mean())


def blurred(x: Tensor) -> Tensor:
    """A restoration that blurs what it is given: its views are the picture, and its own result."""
    return torch.cat([x, avg_pool2d(x, 3, 1, 1, count_include_pad=False)])


def again_by(restored: Callable[[Tensor], Tensor]) -> Callable[[Tensor, torch.Generator], Work]:
    """Damage and restoration that yield once on the way."""

    def again(x: Tensor, _: torch.Generator) -> Work:
        yield None
        return restored(x)

    return again


@pytest.mark.usefixtures("brief")
def test_a_systematic_error_is_learnt_and_taken_back() -> None:
    truth = waves(96)
    views = blurred(truth)
    *_, found = bootstrap(views, again=again_by(blurred), seed=0)
    assert mse(found, truth) < 0.2 * mse(views[-1:], truth)


@pytest.mark.usefixtures("brief")
def test_an_error_that_is_chance_alone_is_not_made_worse() -> None:
    truth = waves(96)

    def shaken(x: Tensor, generator: torch.Generator) -> Work:
        yield from ()
        return x + 0.1 * torch.randn(2, *x.shape[1:], generator=generator)

    views = truth + 0.1 * torch.randn(2, *truth.shape[1:], generator=torch.Generator().manual_seed(7))
    *_, found = bootstrap(views, again=shaken, seed=0)
    assert mse(found, truth) < 1.01 * mse(views[-1:], truth)


@pytest.mark.usefixtures("brief")
def test_the_same_seed_gives_the_same_picture_and_another_does_not() -> None:
    views = blurred(waves(64))
    first, again, other = (
        list(bootstrap(views, again=again_by(blurred), seed=seed))[-1] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.usefixtures("brief")
def test_until_it_has_learnt_the_estimate_comes_back_so_that_who_stops_keeps_it() -> None:
    views = blurred(waves(64))
    *events, _ = bootstrap(views, again=again_by(blurred), seed=0)
    assert all(torch.equal(event, views[-1:]) for event in events)
    whiles = 2 * (
        len(pilots.scales((64, 64))) + 1
    )  # of each replicate once on the way, and once when it is done
    assert len(events) == whiles + correction.STEPS / pilots.REPORT


def test_a_picture_too_small_to_learn_from_is_left_alone() -> None:
    assert not list(bootstrap(blurred(waves(40)), again=again_by(blurred), seed=0))


@pytest.mark.usefixtures("brief")
def test_a_judge_who_knows_better_is_believed() -> None:
    """The damage of the replicates is another than the picture's: what was learnt of them would harm."""
    truth = waves(96)

    def again(x: Tensor) -> Tensor:
        return torch.cat([x + 0.1, x]) if x.shape[-1] == 90 else torch.cat([x + 0.1, x + 0.1])

    views = torch.cat([truth + 0.1, truth])
    *_, found = bootstrap(views, again=again_by(again), judge=waves(90), seed=0)
    assert mse(found, truth) < 1e-6


@pytest.mark.parametrize(("scale", "share"), [(1.0, 1.0), (-1.0, 0.0), (4.0, 0.25)])
def test_the_share_is_the_one_that_would_have_been_best(scale: float, share: float) -> None:
    truth = waves(32)
    known = Replicate(truth, torch.zeros_like(truth))
    assert believed(known, scale * truth) == pytest.approx(share)


def test_parts_are_off_the_grid_and_multiples_of_it() -> None:
    x, generator = waves(100), torch.Generator().manual_seed(0)
    for _ in range(20):
        rows, columns = window(x, generator, grid=8)
        for found in (rows, columns):
            assert found.start % 8
            assert (found.stop - found.start) % 8 == 0
            assert found.stop <= 100
    assert part(x, generator, scale=0.6, grid=8).shape[-2:] == (48, 48)


def test_large_pictures_are_corrected_in_squares_without_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    x = waves(80)
    learnt = correction.Correction([(x, blurred(x))], torch.Generator().manual_seed(0))
    whole = learnt(blurred(x))
    monkeypatch.setattr(correction, "TILE", 24)
    assert torch.allclose(learnt(blurred(x)), whole, atol=1e-6)


@pytest.mark.parametrize("turn", range(8))
def test_positions_are_undone(turn: int) -> None:
    x = torch.rand(2, 3, 5, 7)
    turned = correction.turned(x, turn)
    assert torch.equal(correction.turned(turned, turn, back=True), x)


def test_spread_keeps_the_first_and_the_last_ones() -> None:
    numbers = [torch.tensor(float(number)) for number in range(11)]
    assert [float(one) for one in spread(numbers, 6)] == [0, 3, 5, 8, 9, 10]
    assert [float(one) for one in spread(numbers[:2], 6)] == [0, 1]


def test_a_file_made_of_another_picture_has_the_same_tables() -> None:
    tables = [standard_table(30, chrominance=channel > 0) for channel in range(3)]
    x = torch.rand(1, 3, 48, 32, generator=torch.Generator().manual_seed(0))
    cells = JpegCells.of_picture(x, tables, [(2, 2), (1, 1), (1, 1)])
    other = waves(32).expand(1, 3, 32, 32)
    assert torch.equal(
        cells.of_another(other).decode(),
        JpegCells.of_picture(other, tables, [(2, 2), (1, 1), (1, 1)]).decode(),
    )


def test_best_is_better_than_good_on_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    from skimage import data

    monkeypatch.setattr(pilots, "PIXELS", 30_000)  # of what is learnt from: a few replicates
    monkeypatch.setattr(correction, "STEPS", 120)
    monkeypatch.setattr(correction, "BATCH", 4)

    clean = data.astronaut()[60:140, 180:260] / 255
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 25 / 255, clean.shape), 0, 1).astype(
        np.float32
    )
    good, best = (
        np.square(ipse.denoise(noisy, sigma=25, preset=preset).image - clean).mean()
        for preset in ("good", "best")
    )
    assert best < 0.985 * good


@pytest.mark.usefixtures("brief")
def test_where_views_differ_as_never_before_nothing_is_said() -> None:
    """What was learnt on a flat page is not told of the one block of text on it."""
    page = 0.5 + 0.01 * waves(96)
    learnt = correction.Correction([(page, blurred(page))], torch.Generator().manual_seed(0))
    for _ in learnt.fitted():
        pass
    text = page.clone()
    text[..., 40:56, 40:56] = torch.rand(16, 16, generator=torch.Generator().manual_seed(1))
    said = learnt(blurred(text))
    assert said[..., :20, :20].abs().max() > 0
    assert said[..., 42:54, 42:54].abs().max() == 0


@pytest.mark.usefixtures("brief")
def test_of_what_was_seen_but_hardly_ever_little_is_said() -> None:
    page = 0.5 + 0.01 * waves(96)
    page[..., 90:, 90:] = torch.rand(6, 6, generator=torch.Generator().manual_seed(1))
    learnt = correction.Correction([(page, blurred(page))], torch.Generator().manual_seed(0))
    for _ in learnt.fitted():
        pass
    text = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(2))
    said = learnt(blurred(text)).abs().max()
    assert said == pytest.approx(3 * learnt.error)


def test_a_plan_counts_what_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The replicates of a large picture are no larger than those of a small one."""
    small, large, huge = (pilots.replicated((side, side)) for side in (128, 512, 2048))
    assert small < large == huge
    x = waves(16)
    seen: list[Tensor] = []

    def estimates() -> Iterator[Tensor]:
        for estimate in (x, 2 * x, 2 * x, 3 * x):
            seen.append(estimate)
            yield estimate

    def dear(_pixels: int, _channels: int, _per_pixel: float, _device: str) -> float:
        return 1000.0

    for learns, count in ((False, 4), (True, 3)):
        seen.clear()
        trial.pilot_seconds(
            Problem(prior=None, objective=LeastSquares(x), pilot=Pilot(estimates, learns=learns))
        )
        assert len(seen) == count
    monkeypatch.setattr(plan, "learning_seconds", dear)
    noisy = Picture.from_array(np.random.default_rng(0).random((48, 48), dtype=np.float32))
    good, best = (
        plan.plan(noisy, "denoise", Settings(preset=preset), {"sigma": 25.0}) for preset in ("good", "best")
    )
    assert good.seconds < 1000 < best.seconds


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("task", ["dejpeg", "upscale"])
def test_best_learns_and_keeps_to_what_was_measured(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pilots, "PIXELS", 1)
    monkeypatch.setattr(
        _repeated, "ROUNDS", dict.fromkeys(_repeated.ROUNDS, _repeated.Rounds(("four", "five"), 4))
    )
    told: list[float] = []

    def heard(known: Replicate, said: Tensor) -> float:
        told.append(believed(known, said))
        return told[-1]

    monkeypatch.setattr(pilots, "believed", heard)
    x = waves(48)
    cells = JpegCells.of_picture(x, [standard_table(10)], [(1, 1)])
    if task == "dejpeg":
        y, options = cells.decode()[0, 0].numpy(), {"quality": 10}
    else:
        y, options = avg_pool2d(x, 2)[0, 0].numpy(), {"factor": 2, "kernel": "box", "steps": 60}
    found = torch.from_numpy(ipse.restore(y, task, preset="best", **options).image)[None, None]
    assert told[0] > 0
    if task == "dejpeg":
        assert cells.violation(found) < 0.55
    else:
        assert mse(avg_pool2d(found, 2)[0, 0], torch.from_numpy(y)) < (0.5 / 255) ** 2  # y's rounding
