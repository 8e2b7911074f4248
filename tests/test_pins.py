"""Numbers of networks and down-samplers whose weights and input are sines, pinned when they agreed with the reference.

``test_parity`` compares with the reference's own numbers, where its files are; these few make sure of it elsewhere.
Renew them (``python tests/test_pins.py``) only where ``test_parity`` passes with IPSE_PARITY set.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ipse.engine.networks import build
from ipse.engine.operators import Downsample

FILE = Path(__file__).with_suffix(".json")
SIZE = 64


def waves(*shape: int, pace: float = 1.0) -> Tensor:
    """A sine along all numbers of a tensor; no two neighbours are alike."""
    return torch.sin(pace * torch.arange(math.prod(shape), dtype=torch.float64)).view(shape)


def told(x: Tensor) -> list[float]:
    """A few numbers that hang on all of a tensor."""
    return [float(x.mean()), float(x.square().mean()), float((x * waves(*x.shape, pace=0.37)).mean())]


def of_network(name: str, channels: list[int], options: dict[str, Any]) -> list[float]:
    """Of what a network draws, and of the losses of two steps of Adam."""
    network = build(name, channels[0], channels[1], **options).double().train()
    with torch.no_grad():
        for number, weight in enumerate(network.parameters()):
            fan = max(1, weight[0].numel())
            weight.copy_(waves(*weight.shape, pace=1.0 + 0.1 * number) * (2 / fan) ** 0.5)
    z, y = (
        waves(1, channels[0], SIZE, SIZE, pace=0.7),
        0.5 + 0.4 * waves(1, channels[1], SIZE, SIZE, pace=0.05),
    )
    numbers = told(network(z).detach())
    optimiser = torch.optim.Adam(network.parameters(), lr=0.001)
    for _ in range(2):
        optimiser.zero_grad()
        loss = nn.functional.mse_loss(network(z), y)
        loss.backward()
        optimiser.step()
        numbers.append(loss.item())
    return numbers


def of_downsampler(options: dict[str, Any]) -> list[float]:
    """Of what it measures of a picture, and of its kernel."""
    operator = Downsample(**options)
    return [*told(operator(waves(1, 2, 48, 40, pace=0.11))), *told(operator.kernel.double())]


def found(pin: dict[str, Any]) -> list[float]:
    """The numbers of a pin now."""
    if "network" in pin:
        return of_network(pin["network"], pin["channels"], pin["options"])
    return of_downsampler(pin["options"])


PINS: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PINS)
def test_the_numbers_are_those_of_the_reference(name: str) -> None:
    np.testing.assert_allclose(found(PINS[name]), PINS[name]["numbers"], rtol=1e-6, atol=1e-9)


def pins() -> Iterator[tuple[str, dict[str, Any]]]:
    """A pin for each of the reference's files."""
    import test_parity as parity

    for path in parity.FILES:
        with np.load(path, allow_pickle=False) as data:
            config = json.loads(str(data["config"]))
        if "network" in config:
            kind = config["network"].lower()
            channels = [config["num_input_channels"], config["num_output_channels"]]
            pin: dict[str, Any] = {
                "network": kind,
                "channels": channels,
                "options": parity.OPTIONS[kind](config),
            }
        else:
            names = {
                "factor": "factor",
                "kernel": "kernel_type",
                "phase": "phase",
                "preserve_size": "preserve_size",
            }
            pin = {"options": {mine: config[theirs] for mine, theirs in names.items()}}
        yield path.stem, pin | {"numbers": found(pin)}


if __name__ == "__main__":
    FILE.write_text(json.dumps(dict(pins()), indent=1) + "\n", encoding="utf-8")
