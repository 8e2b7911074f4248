"""Fit and until: the loop resumes to the bit, keeps what the rule calls best, and falls back."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch import Tensor, nn

from ipse.engine.fit import Fit
from ipse.engine.latents import latent, meshgrid, noise
from ipse.engine.objectives import HeldOutError, LeastSquares, Poisson, TotalVariation, hold_out
from ipse.engine.prior import GuidedPrior, Prior, mirror, seeded
from ipse.engine.problem import Pilot, Problem, Recipe
from ipse.engine.stopping import HeldOut, Last
from ipse.engine.until import CANCELLED, DIVERGED, until


class Small(nn.Module):
    """A network with normalisation, so that buffers matter too; halves once."""

    stride, min_size = 2, 4

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(cin, 8, 3, 2, 1)
        self.norm = nn.BatchNorm2d(8)
        self.up = nn.Conv2d(8, cout, 3, 1, 1)

    def forward(self, z: Tensor) -> Tensor:
        x = nn.functional.leaky_relu(self.norm(self.down(z)), 0.2)
        return self.up(nn.functional.interpolate(x, scale_factor=2.0, mode="nearest"))


def picture(height: int = 9, width: int = 13) -> Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.rand(1, 3, height, width, generator=draw)


def problem(*, guided: bool = True, **recipe: object) -> Problem:
    y = picture()
    with seeded(7):
        network = Small(3, 3)
    prior = (
        GuidedPrior(network, y, jitter=0.1, weight_noise=0.02, seed=5)
        if guided
        else Prior(network, y, size=(9, 13), jitter=0.1, seed=5)
    )
    held = hold_out(torch.ones(1, 1, 9, 13, dtype=torch.bool), fraction=0.3, generator=torch.Generator())
    options = {"steps": 20, "learning_rate": 0.02, "average": 0.8} | recipe
    return Problem(
        prior,
        LeastSquares(y, weight=(~held).float()) + 0.01 * TotalVariation(),
        Recipe(**options),
        rule=HeldOut(patience=50, every=1),
        score=HeldOutError(y, held),
        pilot=Pilot(lambda: iter([y * 0.5, y * 0.9])) if guided else None,
    )


@pytest.mark.parametrize("guided", [True, False])
@pytest.mark.parametrize("at", [1, 7])
def test_a_fit_put_back_continues_to_the_bit(*, guided: bool, at: int) -> None:
    def run(search, steps):
        return [(s.step, s.loss, s.score, s.average.clone()) for s in islice(search, steps)]

    whole = until(Fit(problem(guided=guided, schedule="cosine")))
    want = run(whole, 15)
    first = until(Fit(problem(guided=guided, schedule="cosine")))
    run(first, at)
    second = until(Fit(problem(guided=guided, schedule="cosine")))
    third = until(Fit(problem(guided=guided, schedule="cosine")))
    state = first.state_dict()  # one state, put into two: neither may change the other's
    second.load_state_dict(state)
    third.load_state_dict(state)
    for other in want[at:]:
        for one in (second, third):  # in turn
            ((step, loss, score, average),) = run(one, 1)
            assert (step, loss, score) == other[:3]
            assert torch.equal(average, other[3])
    assert second.best is not None
    assert whole.best is not None
    assert torch.equal(second.best, whole.best)


def test_until_keeps_the_step_of_least_score() -> None:
    search = until(Fit(problem()))
    seen = {state.step: (state.score, state.average.clone()) for state in search}
    best = min(seen, key=lambda step: seen[step][0])
    assert search.step == best
    assert search.best is not None
    assert torch.equal(search.best, seen[best][1])
    assert search.reason == "all 20 steps done"


def test_stopping_to_pull_is_cancelling_and_keeps_the_best() -> None:
    search = until(Fit(problem()), Last())
    for state in search:
        if state.step == 3:
            break
    assert (search.reason, search.step) == (CANCELLED, 3)


def test_the_fit_lowers_its_loss_and_the_same_seed_gives_the_same_bits() -> None:
    one = [state.loss for state in Fit(problem(guided=False, steps=60))]
    other = [state.loss for state in Fit(problem(guided=False, steps=60))]
    assert one == other
    assert one[-1] < one[0] / 2


def test_a_problem_without_a_prior_is_not_fitted() -> None:
    with pytest.raises(ValueError, match="no prior"):
        Fit(replace(problem(), prior=None))


def test_a_fall_is_undone_and_adam_starts_anew() -> None:
    fit = Fit(problem(guided=False, fall_back=5.0, steps=130))
    stream = iter(fit)
    for _ in range(110):
        next(stream)
    safe = {name: tensor.clone() for name, tensor in (fit.safe or {}).items()}
    with torch.no_grad():
        fit.prior.network.up.weight.mul_(300)
    fallen = next(stream)
    assert -10 * math.log10(fallen.loss) < fit.safe_psnr - 5
    now = fit.prior.network.state_dict()
    assert all(torch.equal(now[name], safe[name]) for name in safe)
    assert not fit.optimiser.state
    assert next(stream).loss < fallen.loss


@pytest.mark.parametrize("at", [0, 107])
def test_no_number_is_a_fall_too(at: int) -> None:
    """Whatever makes an output NaN leaves weights, average and what is noted as safe as they were."""
    fit = Fit(problem(guided=False, fall_back=5.0, steps=130))
    stream = iter(fit)
    for _ in range(at):
        next(stream)
    z = fit.prior.z.clone()
    fit.prior.z[0, 0, 0, 0] = torch.nan
    before = {name: tensor.clone() for name, tensor in fit.prior.network.named_parameters()}
    state = next(stream)
    assert math.isnan(state.loss)
    assert bool(state.average.isfinite().all())
    fit.prior.z.copy_(z)
    kept = before if fit.safe is None else fit.safe
    assert all(torch.equal(weight, kept[name]) for name, weight in fit.prior.network.named_parameters())
    for (
        buffer
    ) in fit.prior.network.buffers():  # the moments saw the NaN, where there was nothing to go back to
        buffer.nan_to_num_() if fit.safe is None else None
    assert math.isfinite(next(stream).loss)


def test_without_a_way_back_a_fit_that_diverges_ends_with_what_it_had() -> None:
    search = until(Fit(problem(guided=False, steps=20)), Last())
    for state in search:
        if state.step == 4:
            search.fit.prior.z.fill_(torch.nan)
    assert search.reason == DIVERGED
    assert (search.step, search.fit.step) == (4, 5)
    assert search.best is not None
    assert bool(search.best.isfinite().all())


def test_a_latent_that_is_learnt_falls_back_with_the_weights() -> None:
    posed = problem(guided=False, fall_back=5.0, steps=130)
    assert posed.prior is not None
    network, z = posed.prior.network, posed.prior.z.clone()
    learnt = Prior(network, z, size=(9, 13), seed=5, learn_latent=True)
    fit = Fit(replace(posed, prior=learnt))
    stream = iter(fit)
    for _ in range(101):
        next(stream)
    safe = [tensor for tensor in (fit.safe or {}).values() if tensor.shape == z.shape]
    assert not torch.equal(safe[0], z)  # it was learnt
    with torch.no_grad():
        learnt.z.mul_(100)
        network.up.weight.mul_(300)
    next(stream)
    assert torch.equal(learnt.z, safe[0])


def test_the_average_of_a_free_fit_forgets_the_first_outputs() -> None:
    """Until 1/(1 − keep) steps are done it is their plain mean: the start is far from the picture."""
    fit = Fit(problem(guided=False, average=0.9, steps=12))
    outputs: list[Tensor] = []
    for state in fit:
        outputs.append(state.raw.clone())
        if state.step <= 10:
            torch.testing.assert_close(state.average, torch.stack(outputs).mean(0))
    assert fit.share(11) == pytest.approx(0.1)
    assert Fit(problem(guided=True, average=0.9)).share(1) == pytest.approx(0.1)


def test_a_cosine_falls_from_the_whole_rate_to_a_twentieth() -> None:
    fit = Fit(problem(schedule="cosine", learning_rate=0.4, steps=100))
    rates = []
    for fit.step in range(101):
        rates.append(fit.learning_rate())
    assert rates[0] == pytest.approx(0.4)
    assert rates[50] == pytest.approx(0.4 * (1 + 1 / 20) / 2)
    assert rates[100] == pytest.approx(0.4 / 20)
    assert rates == sorted(rates, reverse=True)


def test_a_guided_prior_takes_the_last_estimate() -> None:
    fit = Fit(problem())
    assert torch.equal(fit.prior.pilot, picture() * 0.9)


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (5, 5), (16, 3)])
def test_a_prior_draws_any_size(size: tuple[int, int]) -> None:
    prior = Prior(Small(2, 1), meshgrid(size), size=size, jitter=0.1, seed=0)
    assert prior().shape == (1, 1, *size)


def test_mirror_repeats_without_end_and_starts_with_the_picture() -> None:
    z = torch.arange(3.0)[None, None, None]
    assert mirror(z, (1, 8)).flatten().tolist() == [0, 1, 2, 2, 1, 0, 0, 1]


def test_weight_noise_changes_the_output_and_reaches_the_weights() -> None:
    prior = Prior(Small(2, 1), meshgrid((8, 8)), size=(8, 8), weight_noise=0.1, seed=0)
    one, other = prior(), prior()
    assert not torch.equal(one, other)
    one.square().sum().backward()
    gradient = prior.network.down.weight.grad
    assert gradient is not None
    assert gradient.abs().sum() > 0


def test_seeded_leaves_the_callers_stream_alone() -> None:
    torch.manual_seed(1)
    want = torch.rand(3)
    torch.manual_seed(1)
    with seeded(99):
        torch.rand(5)
    assert torch.equal(torch.rand(3), want)


def test_latents() -> None:
    draw = torch.Generator().manual_seed(0)
    z = noise(4, (5, 6), generator=draw)
    assert z.shape == (1, 4, 5, 6)
    assert 0 <= z.min() < z.max() <= 0.1
    grid = latent("meshgrid", picture(), channels=2, generator=draw)
    assert grid[0, 0, 0].tolist() == pytest.approx([i / 12 for i in range(13)])
    assert grid[0, 1, :, 0].tolist() == pytest.approx([i / 8 for i in range(9)])
    assert torch.equal(latent("image", picture(), channels=9, generator=draw), picture())


def test_objectives_are_their_formulas_and_add_and_scale() -> None:
    x, y = picture(), picture().flip(-1)
    weight = (torch.arange(13) % 2).float()
    least = LeastSquares(y, lambda v: 2 * v, weight=weight)
    assert least(x).item() == pytest.approx(float(((2 * x - y) ** 2 * weight).mean()), rel=1e-6)
    total = 3.0 * (LeastSquares(y) + 0.5 * TotalVariation())
    want = 3 * (float(LeastSquares(y)(x)) + 0.5 * float(TotalVariation()(x)))
    assert total(x).item() == pytest.approx(want, rel=1e-6)
    assert float(TotalVariation()(torch.full((1, 3, 5, 5), 0.3))) < 1e-3
    assert float(TotalVariation()(torch.zeros(1, 1, 1, 1))) == 0


def test_poisson_is_least_at_the_measurement() -> None:
    y = picture() + 0.1
    x = y.clone().requires_grad_()
    Poisson(y)(x).backward()
    assert x.grad is not None
    assert x.grad.abs().max() < 1e-6
    assert float(Poisson(y)(y)) < float(Poisson(y)(y * 1.1))


def test_held_out_pixels_are_a_part_of_the_known_and_scored_alone() -> None:
    known = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(1)) < 0.5
    held = hold_out(known, fraction=0.1, generator=torch.Generator().manual_seed(2))
    assert not (held & ~known).any()
    assert 0.05 < float(held.sum() / known.sum()) < 0.15
    y = torch.rand(1, 2, 40, 40)
    x = torch.where(held, y + 0.1, torch.zeros(()))
    assert float(HeldOutError(y, held)(x)) == pytest.approx(0.01, rel=1e-4)
    assert not hold_out(known[..., :4, :4], fraction=0.1, generator=torch.Generator()).any()


def test_threads_draw_their_own_seeds() -> None:
    def drawn(seed: int) -> Tensor:
        with seeded(seed):
            return torch.cat([torch.rand(1) for _ in range(300)])

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(drawn, [0, 1] * 20))
    assert all(torch.equal(one, drawn(index % 2)) for index, one in enumerate(found))
