"""The reference's own numbers, one test a file: IPSE_PARITY=DIR pytest -k parity."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ipse.engine.networks import build
from ipse.engine.operators import Downsample

FOLDER = Path(os.environ.get("IPSE_PARITY") or Path(__file__).parents[2] / "shared" / "parity")
FILES = sorted(FOLDER.glob("*.npz"))
NORM = {"InstanceNorm2d": "instance", "BatchNorm2d": "batch", None: "none", "None": "none", "none": "none"}
ACTIVATION = {"LeakyReLU": "leaky_relu", "Swish": "swish", "ELU": "elu", "none": "none"}


def padding(config: dict[str, Any]) -> str:
    # The reference pads with zeros for every name but this one.
    return "reflect" if config.get("pad") == "reflection" else "zero"


def skip_options(c: dict[str, Any]) -> dict[str, Any]:
    return {
        "down": c["num_channels_down"],
        "up": c["num_channels_up"],
        "skip": c["num_channels_skip"],
        "kernel_down": c.get("filter_size_down", 3),
        "kernel_up": c.get("filter_size_up", 3),
        "kernel_skip": c.get("filter_skip_size", 1),
        "padding": padding(c),
        "upsampling": c.get("upsample_mode", "nearest"),
        "downsampling": c.get("downsample_mode", "stride"),
        "activation": ACTIVATION[c.get("act_fun", "LeakyReLU")],
        "one_by_one": c.get("need1x1_up", True),
        "sigmoid": c.get("need_sigmoid", True),
        "bias": c.get("need_bias", True),
    }


def unet_options(c: dict[str, Any]) -> dict[str, Any]:
    return {
        "feature_scale": c.get("feature_scale", 4),
        "extra_scales": c.get("more_layers", 0),
        "concat_x": c.get("concat_x", False),
        "upsampling": c.get("upsample_mode", "deconv"),
        "padding": padding(c),
        "norm": NORM[c.get("norm_layer", "InstanceNorm2d")],
        "sigmoid": c.get("need_sigmoid", True),
        "bias": c.get("need_bias", True),
    }


def resnet_options(c: dict[str, Any]) -> dict[str, Any]:
    return {
        "blocks": c["num_blocks"],
        "channels": c["num_channels"],
        "residual": c.get("need_residual", True),
        "activation": ACTIVATION[c.get("act_fun", "LeakyReLU")],
        "norm": NORM[c.get("norm_layer", "BatchNorm2d")],
        "padding": padding({"pad": "reflection"} | c),
        "sigmoid": True,  # the reference takes need_sigmoid and always applies one
    }


OPTIONS = {"skip": skip_options, "unet": unet_options, "resnet": resnet_options}


def load(network: nn.Module, data: Any) -> None:
    """Parameters by order; those of the reference's down-samplers are no parameters of ours."""
    names = sorted(k for k in data.files if k[:1] == "p" and k[1:4].isdigit() and "downsampler_" not in k)
    ours = list(network.parameters())
    assert len(names) == len(ours)
    for name, parameter in zip(names, ours, strict=True):
        assert parameter.shape == data[name].shape, name
        parameter.data.copy_(torch.from_numpy(data[name]))


def check_network(config: dict[str, Any], data: Any) -> None:
    name = config["network"].lower()
    channels = (config["num_input_channels"], config["num_output_channels"])
    network = build(name, *channels, **OPTIONS[name](config)).double().train()
    load(network, data)
    z, target = (torch.from_numpy(data[k]).double() for k in ("latent", "target"))
    assert close(network(z), data["output"])
    if any("downsampler_" in k for k in data.files):
        return  # the reference trains its down-sampler by accident, so its steps are not ours
    losses = adam(network, z, target, lr=config["lr"], steps=config["steps"])
    np.testing.assert_allclose(losses, data["losses"], rtol=1e-6, atol=0)
    assert close(network(z), data["output_after"])


def adam(network: nn.Module, z: Tensor, target: Tensor, *, lr: float, steps: int) -> list[float]:
    optimiser = torch.optim.Adam(network.parameters(), lr=lr)
    losses: list[float] = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = nn.functional.mse_loss(network(z), target)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def check_downsampler(config: dict[str, Any], data: Any) -> None:
    kind, kernel = config["kernel_type"], data["kernel"]
    operator = Downsample(
        config["factor"],
        kernel=kind,
        phase=config["phase"],
        preserve_size=config["preserve_size"],
        width=kernel.shape[0] if kind == "box" else None,
    )
    assert operator.kernel.shape == kernel.shape
    assert close(operator.kernel, kernel)
    assert close(operator(torch.from_numpy(data["input"]).double()), data["output"])


def close(ours: Tensor, theirs: np.ndarray) -> bool:
    assert ours.shape == theirs.shape
    return float(np.abs(ours.detach().numpy() - theirs).max()) < 1e-6


if not FILES:
    FILES = [
        pytest.param(FOLDER, marks=pytest.mark.skip(reason=f"no parity files in {FOLDER}: set IPSE_PARITY"))
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_parity(path: Path) -> None:
    with np.load(path, allow_pickle=False) as data:
        config = json.loads(str(data["config"]))
        (check_network if "network" in config else check_downsampler)(config, data)
