"""f_θ: estimates v of a picture ↦ the error of the last,    θ = argmin Σᵢ ‖tᵢ − pᵢ − f_θ(vᵢ)‖²

A few small convolutions, which learn to interpret how estimates disagree rather than to generate pictures. Inputs
outside the range seen in training are not corrected.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from ipse.work import count

STEPS, RATE = 600, 3e-3  # number of steps and maximum learning rate of Adam, with a one-cycle schedule
WARM = 0.1  # fraction of the steps in which the learning rate rises
BATCH, CROP = 8, 48
LEARNING = 20.0  # seconds of all steps
WIDTH, KERNELS, LAST = 32, (5, 3, 1), 3
START = 0.1  # factor on the initial weights of the last layer
HALO = sum(kernel // 2 for kernel in (*KERNELS, LAST))  # radius of the receptive field, in pixels
TILE = 256  # side in pixels of the tiles that are corrected at a time
STRANGE = 1.2  # inputs beyond this multiple of the largest one in training are not corrected
MOST = 3.0  # maximum correction, in standard deviations of the error, since large errors are rare in training
TURNS = 8  # number of rotations and reflections


class Correction:
    """The network, with normalisation of its inputs and output.

    Args:
        pairs: truths (1, C, h, w) and estimates of them (V, C, h, w), the last of which is corrected.
        generator: random generator of weights and crops.
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
        """The network's input, (1, V·C, H, W)."""
        return ((_differences(views) - self.mean) / self.spread).flatten(0, 1)[None]

    def fitted(self) -> Iterator[int]:
        """Fit θ to crops, yielding after each step."""
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
            count(LEARNING / STEPS)
            yield step

    def crop(self) -> tuple[Tensor, Tensor]:
        """A random crop, randomly rotated and reflected."""
        which, turn = self.draw(len(self.inputs)), self.draw(TURNS)
        height, width = self.inputs[which].shape[-2:]
        top, left = self.draw(height - self.side + 1), self.draw(width - self.side + 1)
        rows, columns = slice(top, top + self.side), slice(left, left + self.side)
        cut = [x[which][..., rows, columns] for x in (self.inputs, self.targets)]
        return turned(cut[0], turn), turned(cut[1], turn)

    def draw(self, below: int) -> int:
        """A random whole number from 0 to ``below`` − 1."""
        return int(torch.randint(below, (), generator=self.generator))

    @torch.no_grad()
    def __call__(self, views: Tensor) -> Tensor:
        """The correction of the last view, (1, C, H, W)."""
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
        """The mean correction over all rotations and reflections, in units of the error."""
        given = self.seen(views)
        total = torch.zeros_like(views[-1:])
        for turn in range(TURNS):
            total += turned(self.network(turned(given, turn)), turn, back=True)
        strange = (given.abs() > self.limit).any(1, keepdim=True).float()
        return (total / TURNS).clamp(-MOST, MOST) * (1 - max_pool2d(strange, 2 * HALO + 1, 1, HALO))


def turned(x: Tensor, turn: int, *, back: bool = False) -> Tensor:
    """One of the eight rotations and reflections of a picture (…, H, W), or its inverse."""
    mirrored = turn >= TURNS // 2
    if back:
        return torch.rot90(x.flip(-1) if mirrored else x, -turn, (-2, -1))
    x = torch.rot90(x, turn, (-2, -1))
    return x.flip(-1) if mirrored else x


def _differences(views: Tensor) -> Tensor:
    """The differences of the other views from the last one, and the last one itself."""
    return torch.cat([views[:-1] - views[-1:], views[-1:]])


def _network(channels: int, out: int, generator: torch.Generator) -> nn.Sequential:
    """Convolutions with ReLUs in between, whose initial output is small."""
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
