"""Peers do what they are there for, and ipse's stops are compared with every step."""

from importlib.util import find_spec

import numpy as np
import pytest
from skimage.data import astronaut

from bench import ours
from bench.cases import Case, in_floats
from bench.methods import Method
from bench.peers import PEERS, anscombe, zs_n2n
from bench.works import work
from ipse.engine.fit import Fit
from ipse.engine.problem import Problem
from ipse.engine.stopping import Last
from ipse.engine.until import Search, until
from ipse.settings import Settings

SIGMA = 25 / 255


def noisy(*, colour: bool = True, side: int = 64) -> Case:
    """A corner of a photograph with noise."""
    whole = np.moveaxis(astronaut()[60 : 60 + side, 180 : 180 + side], -1, 0) / 255
    clean = whole if colour else whole[:1]
    noise = np.random.default_rng(0).normal(0, SIGMA, clean.shape)
    return Case("x", "denoise", in_floats((clean + noise).clip(0, 1)), clean, sigma=SIGMA)


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("name", ["nlm", "wavelet", "tv", "bm3d"])
def test_denoisers_denoise(name: str, colour: bool) -> None:
    if PEERS[name].lacking is not None:
        pytest.skip(f"{PEERS[name].lacking}")
    case = noisy(colour=colour)
    restored = PEERS[name].restore(case, 0)
    assert restored.shape == case.clean.shape
    assert case.psnr(restored) > case.psnr(case.damaged) + 3


def test_zs_n2n_denoises_and_hangs_on_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zs_n2n, "CROP", 48)
    case = noisy(side=97)  # odd, so that a row and a column have no partner
    restored = zs_n2n.restore(case.damaged, steps=200)
    assert case.psnr(restored) > case.psnr(case.damaged) + 3
    assert np.array_equal(zs_n2n.restore(case.damaged, steps=3), zs_n2n.restore(case.damaged, steps=3))
    assert not np.array_equal(
        zs_n2n.restore(case.damaged, steps=3), zs_n2n.restore(case.damaged, steps=3, seed=1)
    )


def test_the_way_back_from_anscombes_root_is_unbiased() -> None:
    draw = np.random.default_rng(0)
    for mean in (1.0, 4.0, 30.0):
        t = anscombe.root(draw.poisson(mean, 200_000).astype(np.float64))
        assert anscombe.inverse(t.mean()) == pytest.approx(mean, rel=0.02)
        if mean >= 4:
            assert t.std() == pytest.approx(1, abs=0.05)


def test_a_stabilised_picture_comes_back_where_nothing_is_denoised() -> None:
    y = np.random.default_rng(0).poisson(200, (1, 32, 32)) / 400
    back = anscombe.stabilised(y, 400, lambda t, _: t)
    assert np.allclose(back, y, atol=2 / 400)


def test_methods_are_asked_only_for_what_they_do() -> None:
    doing = {name: Method(name).fits(work("upscale4")) for name in ("bicubic", "nlm", "good")}
    assert doing == {"bicubic": True, "nlm": False, "good": True}
    assert Method("damaged").fits(work("jpeg10"))
    assert Method("good:pilot").settings(3) == Settings(seed=3, steps=0)


def test_an_absent_peer_says_how_to_get_it() -> None:
    if find_spec("deepinv") is None:
        assert PEERS["deepinv-dip"].lacking == "pip install deepinv"
    assert PEERS["tv"].lacking is None


def test_the_best_step_is_looked_for_to_the_recipes_end() -> None:
    case = noisy()
    pixels, said = ours.stops(case, Settings(preset="fast"))
    chosen, _ = ours.result(case, Settings(preset="fast"))
    assert np.array_equal(pixels, chosen)
    assert said["best_psnr"] >= case.psnr(pixels) - 1e-6


def test_steps_after_the_stop_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def early(self: ours.Restoration, problem: Problem) -> Search:
        return until(Fit(problem, pilot=self.pilot), Last(2))

    seen: list[float] = []

    def rising(*_: object) -> float:
        seen.append(float(len(seen)))
        return seen[-1]

    monkeypatch.setattr(ours.Restoration, "searching", early)
    monkeypatch.setattr(ours, "_psnr", rising)
    _, said = ours.stops(noisy(), Settings(preset="fast", steps=5))
    assert (said["steps"], said["best_step"]) == (2, 5)
    assert said["best_psnr"] == len(seen) - 1


def test_the_reference_is_the_papers_recipe() -> None:
    _, said = ours.reference(noisy(), Settings())
    assert said["steps"] == 3000
    assert said["seconds"] > 0
