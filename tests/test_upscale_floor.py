"""No enlargement lies below bicubic interpolation, whatever the picture: smooth, blurred, drawn, of any channels."""

import math

import numpy as np
import pytest
import torch
from skimage import data
from skimage.filters import gaussian
from torch import Tensor
from torch.nn.functional import interpolate

import ipse
from ipse.engine.operators import Downsample
from ipse.pilots.supported import supported

SLACK = 0.1  # dB


def in_8_bits(x: Tensor) -> Tensor:
    return (255 * x.clamp(0, 1)).round() / 255


def ramp(channels: int = 3, size: tuple[int, int] = (48, 48)) -> Tensor:
    return torch.linspace(40, 200, size[1]).div(255).expand(1, channels, *size).contiguous()


def blurred() -> Tensor:
    x = gaussian(data.chelsea()[50:98, 150:198] / 255, 4, channel_axis=-1)
    return torch.from_numpy(x.astype(np.float32)).permute(2, 0, 1)[None]


def lines() -> Tensor:
    x = torch.ones(1, 1, 48, 48)
    x[..., 10:14, 5:40] = 0
    x[..., 25:27, 5:40] = 0
    x[..., 30:44, 16:19] = 0.2
    return x


def photo() -> Tensor:
    return torch.from_numpy(data.coffee()[100:148, 200:248].astype(np.float32) / 255).permute(2, 0, 1)[None]


PICTURES = {
    "ramp": ramp(),
    "ramp, one channel": ramp(1),
    "ramp, eight channels": ramp(8),
    "constant": torch.full((1, 3, 48, 48), 97 / 255),
    "constant, eight channels": torch.full((1, 8, 48, 48), 0.3),
    "line": ramp(1, (12, 96)),
    "blurred": blurred(),
    "lines": lines(),
    "photo": photo(),
}


def margin(x: Tensor, factor: int, preset: str) -> float:
    """How far the result lies above bicubic interpolation, both as stored, dB."""
    y = in_8_bits(Downsample(factor)(x))
    small = (255 * y[0].permute(1, 2, 0)).round().byte().numpy()
    result = ipse.upscale(small, factor=factor, preset=preset, channel_axis=-1).image
    ours = torch.from_numpy(np.asarray(result)).permute(2, 0, 1)[None] / 255
    bicubic = in_8_bits(interpolate(y, size=x.shape[-2:], mode="bicubic"))
    error = [max(1e-9, float((found - x).square().mean())) for found in (bicubic, ours)]
    return 10 * math.log10(error[0] / error[1])


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("name", PICTURES)
def test_fast_is_not_below_bicubic(name: str, factor: int) -> None:
    assert margin(PICTURES[name], factor, "fast") >= -SLACK


@pytest.mark.parametrize("name", ["ramp", "constant, eight channels", "blurred", "photo"])
def test_good_is_not_below_bicubic(name: str) -> None:
    gain = margin(PICTURES[name], 2, "good")
    assert gain >= (1 if name == "photo" else -SLACK)


def test_a_constant_stays_to_the_bit() -> None:
    small = np.full((24, 24, 3), 97, np.uint8)
    for preset in ("fast", "good"):
        assert np.all(np.asarray(ipse.upscale(small, factor=2, preset=preset).image) == 97)


def test_what_interpolation_explains_is_left_as_interpolated() -> None:
    operator = Downsample(2)
    x = ramp(1)
    y = operator(x)
    base = interpolate(y, size=(48, 48), mode="bicubic")
    inner = (..., slice(None), slice(12, -12))  # the border's misfit is the operator's
    drawn = base + 0.1 * torch.rand(base.shape, generator=torch.Generator().manual_seed(0))
    kept = supported(drawn, base, y, operator, rounding=0.5 / 255)
    torch.testing.assert_close(kept[inner], base[inner])
    detailed = supported(drawn, base, y + 0.1 * (-1) ** torch.arange(24), operator, rounding=0.5 / 255)
    torch.testing.assert_close(detailed, drawn)
