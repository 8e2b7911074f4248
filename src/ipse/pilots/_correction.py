"""f_θ: estimates v of a picture ↦ the error of the last,    θ = argmin Σᵢ ‖tᵢ − pᵢ − f_θ(vᵢ)‖²

A few small convolutions: what they learn is to read how estimates disagree, not to draw pictures. Where estimates
disagree as they never did in what was learnt from, they say nothing.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

STEPS, RATE = 600, 3e-3  # of Adam, the rate rising and falling once
WARM = 0.1  # of the steps, in which it rises
BATCH, CROP = 8, 48
WIDTH, KERNELS, LAST = 32, (5, 3, 1), 3
START = 0.1  # of the last layer's usual weights
HALO = sum(kernel // 2 for kernel in (*KERNELS, LAST))  # pixels that an output sees beyond its own
TILE = 256  # pixels a side that are corrected at once
STRANGE = 1.2  # times the largest input that was learnt from: beyond, nothing was learnt
MOST = 3.0  # standard deviations of the error that are ever added: of what is rare little was learnt
TURNS = 8  # positions of a square


class Correction:
    """The network, and how its inputs and output are brought to order one.

    Args:
        pairs: truths (1, C, h, w) and estimates of them (V, C, h, w), the last of which is corrected.
        generator: of weights and crops.
    """

    def __init__(self, pairs: Sequence[tuple[Tensor, Tensor]], generator: torch.Generator) -> None:
        self.generator = generator
        errors = [truth - views[-1:] for truth, views in pairs]
        given = torch.cat([_differences(views).flatten(1) for _, views in pairs], dim=1)
        self.mean = given.mean(1)[:, None, None, None]
        self.spread = given.std(1)[:, None, None, None].clamp_min(1e-6)
        self.error = float(torch.cat([one.flatten() for one in errors]).std())
        self.inputs = [self.seen(views) for _, views in pairs]
        largest = torch.stack([one.abs().amax((0, 2, 3)) for one in self.inputs]).amax(0)
        self.limit = STRANGE * largest[None, :, None, None]
        self.targets = [one / max(self.error, 1e-6) for one in errors]
        self.side = min(CROP, *(length for one in errors for length in one.shape[-2:]))
        self.network = _network(self.inputs[0].shape[1], errors[0].shape[1], generator).to(errors[0].device)

    def seen(self, views: Tensor) -> Tensor:
        """What the network sees, (1, V·C, H, W)."""
        return ((_differences(views) - self.mean) / self.spread).flatten(0, 1)[None]

    def fitted(self) -> Iterator[int]:
        """Fit θ to crops, a step each time."""
        optimiser = torch.optim.Adam(self.network.parameters(), RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS, pct_start=WARM)
        for step in range(STEPS):
            crops = [self.crop() for _ in range(BATCH)]
            given, wanted = (torch.cat(part) for part in zip(*crops, strict=True))
            with torch.enable_grad():
                loss = (self.network(given) - wanted).square().mean()
                optimiser.zero_grad()
                loss.backward()
            optimiser.step()
            schedule.step()
            yield step

    def crop(self) -> tuple[Tensor, Tensor]:
        """A small square, in one of its positions."""
        which, turn = self.draw(len(self.inputs)), self.draw(TURNS)
        height, width = self.inputs[which].shape[-2:]
        top, left = self.draw(height - self.side + 1), self.draw(width - self.side + 1)
        rows, columns = slice(top, top + self.side), slice(left, left + self.side)
        cut = [x[which][..., rows, columns] for x in (self.inputs, self.targets)]
        return turned(cut[0], turn), turned(cut[1], turn)

    def draw(self, below: int) -> int:
        """A whole number from 0."""
        return int(torch.randint(below, (), generator=self.generator))

    @torch.no_grad()
    def __call__(self, views: Tensor) -> Tensor:
        """What is to be added to the last view, (1, C, H, W)."""
        height, width = views.shape[-2:]
        found = torch.zeros_like(views[-1:])
        for top in range(0, height, TILE):
            for left in range(0, width, TILE):
                above, before = max(0, top - HALO), max(0, left - HALO)
                said = self.told(views[..., above : top + TILE + HALO, before : left + TILE + HALO])
                place = found[..., top : top + TILE, left : left + TILE]
                place.copy_(
                    said[..., top - above :, left - before :][..., : place.shape[-2], : place.shape[-1]]
                )
        return self.error * found

    def told(self, views: Tensor) -> Tensor:
        """The mean over the picture's positions, in units of the error."""
        given = self.seen(views)
        total = torch.zeros_like(views[-1:])
        for turn in range(TURNS):
            total += turned(self.network(turned(given, turn)), turn, back=True)
        strange = (given.abs() > self.limit).any(1, keepdim=True).float()
        return (total / TURNS).clamp(-MOST, MOST) * (1 - max_pool2d(strange, 2 * HALO + 1, 1, HALO))


def turned(x: Tensor, turn: int, *, back: bool = False) -> Tensor:
    """One of the eight positions of a picture (…, H, W), or back from it."""
    mirrored = turn >= TURNS // 2
    if back:
        return torch.rot90(x.flip(-1) if mirrored else x, -turn, (-2, -1))
    x = torch.rot90(x, turn, (-2, -1))
    return x.flip(-1) if mirrored else x


def _differences(views: Tensor) -> Tensor:
    """The last view, and the others about it."""
    return torch.cat([views[:-1] - views[-1:], views[-1:]])


def _network(channels: int, out: int, generator: torch.Generator) -> nn.Sequential:
    """Convolutions with rectifiers between, whose output is small at first."""
    layers: list[nn.Module] = []
    for kernel in KERNELS:
        layers += [nn.Conv2d(channels, WIDTH, kernel, padding=kernel // 2), nn.ReLU()]
        channels = WIDTH
    last = nn.Conv2d(WIDTH, out, LAST, padding=LAST // 2)
    network = nn.Sequential(*layers, last)
    with torch.no_grad():
        for weight in network.parameters():
            gain = (2 / weight[0].numel()) ** 0.5 if weight.dim() > 1 else 0.0
            weight.copy_(gain * torch.randn(weight.shape, generator=generator))
        last.weight.mul_(START)
    return network
