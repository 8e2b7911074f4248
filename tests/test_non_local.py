"""The linear algebra of a group against its formulas, and how groups are shared out among threads and strips."""

from collections.abc import Iterator

import pytest
import torch
from skimage import data
from torch import Tensor

from ipse.noise.clipping import stored, unclip
from ipse.pilots._bayes import bayes
from ipse.pilots._inverse import inverse
from ipse.pilots._ridge import blind, ridge
from ipse.pilots.non_local import Preset, non_local, non_local_steps


@pytest.fixture
def threads() -> Iterator[None]:
    """PyTorch's number of threads, as it was."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def noisy(side: int = 64, *, channels: int = 3, seed: int = 0) -> Tensor:
    """A part of a photograph with noise of 0.1."""
    pixels = torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None].float() / 255
    x = pixels[:, :channels, 20 : 20 + side, 170 : 170 + side]
    return x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))


def draws(*shape: int) -> Tensor:
    """Standard normal numbers, always the same."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


class TestInverse:
    def test_it_is_the_inverse(self) -> None:
        root = draws(4, 12, 40)
        A = root @ root.mT / 40
        assert float((inverse(A.clone()) @ A - torch.eye(12, dtype=torch.float64)).abs().max()) < 1e-3

    def test_float32_survives_matrices_of_rank_one(self) -> None:
        row = draws(3, 60, 1).float()
        assert bool(inverse(row @ row.mT).isfinite().all())


class TestGroups:
    """Of y = I an estimate of the ridge is Θ itself; of y = (I, −I), whose mean is zero, Bayes' is (W, −W)."""

    def test_ridge(self) -> None:
        k, n = 6, 6
        x, d = draws(2, k, n), 0.5 + draws(2, k, 1).abs()
        theta, trust = ridge(torch.eye(k, dtype=torch.float64).expand(2, k, k), x, d)
        centred = x - x.mean(1, keepdim=True)
        D = torch.diag_embed(d[..., 0])
        wanted = torch.eye(k, dtype=torch.float64) - D @ torch.linalg.inv(centred @ centred.mT + D)
        wanted = wanted - wanted.mean(2, keepdim=True) + 1 / k
        torch.testing.assert_close(theta, wanted, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(
            theta.sum(2), torch.ones(2, k, dtype=torch.float64)
        )  # a constant stays what it is
        torch.testing.assert_close(trust, 1 / theta.square().sum(2))  # noise that is left, of 1 a pixel

    def test_blind_takes_the_channels_together(self) -> None:
        k, n, surplus = 5, 7, 0.3
        y, d = 3 * draws(2, k, 3 * n), 0.5 + draws(2, k, 3).abs()
        found, trust = blind(y, d, surplus=surplus)
        centred, D = y - y.mean(1, keepdim=True), torch.diag_embed(d.sum(2))
        theta = torch.eye(k, dtype=torch.float64) - D @ torch.linalg.inv(centred @ centred.mT + surplus * D)
        theta = theta - theta.mean(2, keepdim=True) + 1 / k
        torch.testing.assert_close(found, theta @ y, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(trust, 1 / theta.square().sum(2), atol=1e-3, rtol=1e-3)

    def test_bayes(self) -> None:
        channels, n = 2, 3
        m = channels * n
        x, energy = draws(1, 2 * m, m), torch.tensor([0.4, 1.3], dtype=torch.float64)
        y = torch.cat([torch.eye(m, dtype=torch.float64), -torch.eye(m, dtype=torch.float64)])[None]
        found, trust = bayes(y, x, energy.expand(1, 2 * m, channels))
        S = torch.cov(x[0].T)
        D = torch.diag((energy / n).repeat(n))  # the channels of a pixel side by side
        W = torch.linalg.inv(S + D) @ S
        torch.testing.assert_close(found[0, :m], W, atol=1e-3, rtol=1e-3)
        left = W.square().sum() / m + 1 / (
            2 * m
        )  # of noise of 1 a pixel: what W lets through, and the mean's
        torch.testing.assert_close(trust, (1 / left).expand(1, 2 * m), atol=1e-3, rtol=1e-3)


class TestThreads:
    @pytest.mark.usefixtures("threads")
    @pytest.mark.parametrize("preset", ["good", "fine", "wide"])
    def test_their_number_changes_no_bit(self, preset: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ipse.pilots._pieces.TILE", 32)
        y, found = noisy(), list[Tensor]()
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            found.append(non_local(y, 0.1, preset=preset, guide=y if preset == "wide" else None))
        assert torch.equal(found[0], found[1])
        assert torch.equal(found[0], found[2])

    @pytest.mark.usefixtures("threads")
    def test_each_computes_on_one_and_the_caller_keeps_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from ipse.pilots import non_local as module

        seen: set[int] = set()
        tile = module._tile  # pyright: ignore[reportPrivateUsage] - where a worker can be asked

        def asked(*args: object) -> tuple[Tensor, Tensor]:
            seen.add(torch.get_num_threads())
            return tile(*args)  # type: ignore[arg-type]  # passed on

        monkeypatch.setattr(module, "_tile", asked)
        torch.set_num_threads(3)
        non_local(noisy(), 0.1, preset="once")
        assert seen == {1}
        assert torch.get_num_threads() == 3


class TestStrips:
    def test_a_step_comes_strip_by_strip(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ipse.pilots._pieces.TILE", 24)
        y = noisy(96)
        events = list(non_local_steps(y, 0.1, preset="good"))
        ended = [x for x, whole in events if whole]
        assert len(ended) == 4
        assert len(events) > 4 * 2
        assert torch.equal(events[-1][0], non_local(y, 0.1, preset="good"))
        first, second = ended[:2]
        under_way = events[1][0]  # rows above are of the second step, rows below of the first
        rows = (under_way != first).any(3).any(1)[0]
        edge = int(rows.nonzero().max()) + 1
        assert 0 < edge < 96
        assert torch.equal(under_way[..., :edge, :], second[..., :edge, :])

    def test_clipping_is_undone_with_each_row_s_own_level(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ipse.pilots._pieces.TILE", 24)
        y, sigma = noisy(64).clamp(0, 1), torch.linspace(0.05, 0.3, 64)[:, None].expand(64, 64)
        plain, undone = (
            non_local(y, stored(sigma), preset="fast"),
            non_local(y, sigma, preset="fast", clipped=True),
        )
        torch.testing.assert_close(undone, unclip(plain, sigma))
