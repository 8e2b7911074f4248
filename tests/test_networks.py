"""Networks: sizes, gradients, options."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ipse.engine.networks import build, builder, names
from ipse.engine.networks.blocks import DepthShift, Lanczos, Network, concatenated
from ipse.engine.prior import Prior
from ipse.errors import OptionError

SMALL = {"down": (6, 8), "up": (6, 8), "skip": (4, 0)}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "skip": ("skip", SMALL),
    "skip-zero": ("skip", {**SMALL, "padding": "zero", "activation": "elu", "one_by_one": False}),
    "skip-kernels": ("skip", {**SMALL, "kernel_down": (7, 5), "kernel_up": (3, 7), "kernel_skip": 5}),
    "skip-lanczos": ("skip", {**SMALL, "downsampling": ("lanczos3", "max"), "activation": "swish"}),
    "skip-nearest": ("skip", {**SMALL, "upsampling": ("nearest", "bilinear"), "downsampling": "avg"}),
    "unet": ("unet", {"feature_scale": 16}),
    "unet-extra": ("unet", {"feature_scale": 16, "extra_scales": 2, "norm": "batch", "concat_x": True}),
    "unet-none": ("unet", {"feature_scale": 16, "norm": "none", "upsampling": "nearest"}),
    "unet-reflect": (
        "unet",
        {"feature_scale": 16, "norm": "none", "padding": "reflect", "upsampling": "bilinear"},
    ),
    "resnet": ("resnet", {"blocks": 2, "channels": 6}),
    "resnet-instance": ("resnet", {"blocks": 1, "channels": 6, "norm": "instance", "residual": False}),
    "fast": ("fast", {"width": 16, "scales": 2}),
    "fast-quarter": ("fast", {"width": 16, "scales": 2, "reduction": 4, "skip": 0}),
    "fast-fold": ("fast", {"width": 16, "scales": 2, "fold": True}),
    "fast-full": ("fast", {"width": 16, "scales": 2, "reduction": 1}),
    "fast3d": ("fast3d", {"width": 16, "scales": 2, "planes": 1}),
    "fast3d-fold": ("fast3d", {"width": 16, "scales": 2, "planes": 1, "fold": True}),
    "texture": ("texture", {"scales": 3}),
    "texture-reflect": ("texture", {"scales": 2, "padding": "reflect", "upsampling": "bilinear"}),
    "dcgan": ("dcgan", {"width": 6, "scales": 2}),
    "dcgan-bilinear": ("dcgan", {"width": 6, "scales": 1, "upsampling": "bilinear"}),
    "deep_decoder": ("deep_decoder", {"width": 8, "scales": 2}),
    "conv_decoder": ("conv_decoder", {"width": 8, "scales": 2}),
}
CHANNELS = (3, 2)


def made(case: str, **more: Any) -> Network:
    name, options = NETWORKS[case]
    torch.manual_seed(1)
    return build(name, *CHANNELS, **options, **more)


def latent(network: Network, height: int, width: int) -> Tensor:
    step = network.latent_stride
    return torch.randn(1, CHANNELS[0], height // step, width // step)


@pytest.fixture(params=NETWORKS, name="network")
def fixture_network(request: pytest.FixtureRequest) -> Network:
    return made(request.param)


def test_every_multiple_of_the_stride_from_min_size_on_keeps_its_size(network: Network) -> None:
    stride, least = network.stride, network.min_size
    assert least % stride == 0
    assert stride % network.latent_stride == 0
    for height, width in ((least, least), (least + stride, least), (least, least + 2 * stride)):
        x = network(latent(network, height, width))
        assert x.shape == (1, CHANNELS[1], height, width)
        assert x.isfinite().all()
        assert x.is_contiguous()


@pytest.mark.parametrize("case", NETWORKS)
def test_min_size_is_needed(case: str) -> None:
    network = made(case)
    smaller = network.min_size - network.stride
    if smaller > 0:  # below it a normalisation has a single value, or a reflection too few pixels
        with pytest.raises((ValueError, RuntimeError)):
            network(latent(network, smaller, smaller))


def test_a_prior_draws_pictures_of_any_size(network: Network) -> None:
    step = network.latent_stride
    for height, width in ((1, 1), (7, 3), (33, 50)):
        z = torch.randn(1, CHANNELS[0], -(-height // step), -(-width // step))
        x = Prior(network, z, size=(height, width))()
        assert x.shape == (1, CHANNELS[1], height, width)
        assert x.isfinite().all()


def test_joined_parts_are_cropped_to_the_centre_of_the_smallest() -> None:
    wide, tall = torch.randn(1, 2, 6, 9), torch.randn(1, 3, 8, 6)
    joined = concatenated(wide, tall)
    assert torch.equal(joined, torch.cat([wide[..., 1:7], tall[:, :, 1:7]], dim=1))


def test_the_gradient_reaches_every_parameter_and_the_latent(network: Network) -> None:
    side = network.min_size + network.stride
    z = latent(network, side, side).requires_grad_()
    x = network(z)
    (x * torch.randn_like(x)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    # A bias before a normalisation has a gradient of zero; every weight has another.
    for name, parameter in network.named_parameters():
        assert parameter.ndim == 1 or parameter.grad.abs().sum() > 0, name
    assert z.grad is not None
    assert z.grad.abs().sum() > 0


@pytest.mark.parametrize("case", [case for case in NETWORKS if case in names() or case == "fast-fold"])
def test_the_sigmoid_bounds_the_picture_and_can_be_left_out(case: str) -> None:
    bounded, free = made(case), made(case, sigmoid=False)
    side = bounded.min_size
    z = 30 * latent(bounded, side, side)
    torch.testing.assert_close(torch.sigmoid(free(z)), bounded(z))
    assert 0 <= bounded(z).min() < bounded(z).max() <= 1


def test_copies_and_pickles_draw_the_same(network: Network) -> None:
    z = latent(network, network.min_size, network.min_size)
    expected = network(z)
    for again in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(again(z), expected)
        assert (again.stride, again.min_size) == (network.stride, network.min_size)


@pytest.mark.parametrize("case", NETWORKS)
def test_weights_hang_on_the_seed(case: str) -> None:
    first, second = made(case), made(case)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize("case", NETWORKS)
def test_the_last_parameters_are_the_last_convolution(case: str) -> None:
    # With both at zero the picture is constant: a correction of a pilot starts with the pilot itself.
    network = made(case, sigmoid=False)
    *_, weight, bias = network.parameters()
    assert bias.shape == (CHANNELS[1],)
    nn.init.zeros_(weight)
    nn.init.zeros_(bias)
    assert not network(latent(network, network.min_size, network.min_size)).any()


@pytest.mark.parametrize("case", NETWORKS)
def test_eval_draws_too(case: str) -> None:
    network = made(case).eval()
    assert network(latent(network, network.min_size, network.min_size)).isfinite().all()


def test_the_paper_s_denoising_network_has_its_number_of_parameters() -> None:
    assert sum(p.numel() for p in build("skip", 32, 3).parameters()) == 2_217_831


def test_a_lanczos_downsampler_is_fixed() -> None:
    network = made("skip-lanczos")
    assert "lanczos" not in " ".join(n for n, _ in network.named_parameters())
    lanczos = [m for m in network.modules() if isinstance(m, Lanczos)]
    assert len(lanczos) == 1
    assert not list(lanczos[0].parameters())
    ramp = torch.arange(32.0).expand(1, 2, 32, 32)
    torch.testing.assert_close(lanczos[0](ramp)[0, 1, 8, 4:12], 2 * torch.arange(4.0, 12) + 0.5)


def test_a_fast_network_takes_noise_at_its_core_or_a_picture() -> None:
    noise, folded = build("fast", 32, 3), build("fast", 3, 3, fold=True)
    assert (noise.stride, noise.min_size, noise.latent_stride) == (32, 64, 2)
    assert (folded.stride, folded.min_size, folded.latent_stride) == (32, 64, 1)
    assert noise(torch.randn(1, 32, 32, 48)).shape == (1, 3, 64, 96)
    assert folded(torch.randn(1, 3, 64, 96)).shape == (1, 3, 64, 96)


def test_the_deep_decoder_sees_one_pixel_at_a_time_and_no_scale_of_its_latent() -> None:
    network = made("deep_decoder")
    assert all(m.kernel_size == (1, 1) for m in network.modules() if isinstance(m, nn.Conv2d))
    z = latent(network, 16, 24)
    torch.testing.assert_close(network(1000 * z), network(100 * z))
    turned = network(z.transpose(2, 3))
    torch.testing.assert_close(turned, network(z).transpose(2, 3))


def test_a_texture_network_sees_its_latent_at_every_scale() -> None:
    network = made("texture").eval()
    z = latent(network, 16, 16)
    fine = (torch.arange(16) % 2 * 2.0 - 1).expand(1, CHANNELS[0], 16, 16)  # lost at the next scale
    for detail in (fine, fine.repeat_interleave(2, -1)[..., :16]):
        assert (network(z + detail) - network(z)).abs().max() > 1e-4


def test_names_find_their_builders() -> None:
    zoo = {"conv_decoder", "dcgan", "deep_decoder", "fast", "resnet", "skip", "texture", "unet"}
    assert zoo <= set(names())
    assert "blocks" not in names()
    for name in names():
        assert builder(name).__name__ == name


def test_planes_hand_features_on_and_are_drawn_alike() -> None:
    torch.manual_seed(0)
    network = build("fast3d", 5 * 3, 5 * 2, planes=5, width=16, scales=1).eval()
    z = torch.randn(1, 5 * 3, 16, 16, requires_grad=True)
    x = network(z)
    assert x.shape == (1, 5 * 2, 32, 32)
    x[0, 4].mean().backward()  # the third plane
    assert z.grad is not None
    seen = z.grad.reshape(5, -1).abs().sum(1)
    assert (seen > 0).all()
    alike = network(torch.randn(1, 1, 3, 16, 16).expand(1, 5, 3, 16, 16).flatten(1, 2)).unflatten(1, (5, 2))
    torch.testing.assert_close(alike, alike[:, :1].expand_as(alike))


def test_features_of_a_depth_shift_come_from_the_neighbours_or_the_plane_itself() -> None:
    x = torch.arange(2 * 3, dtype=torch.float32)[:, None, None, None].expand(
        6, 8, 1, 1
    )  # two stacks of three
    found = DepthShift(3)(x)[..., 0, 0]
    assert found[:, :2].unique(dim=1).flatten().tolist() == [0, 0, 1, 3, 3, 4]
    assert found[:, 2:4].unique(dim=1).flatten().tolist() == [1, 2, 2, 4, 5, 5]
    assert torch.equal(found[:, 4:], x[:, 4:, 0, 0])


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: build("skp", 3, 3), "'skp'.*skip"),
    (lambda: build("blocks", 3, 3), "'blocks'"),
    (lambda: build("fast3d", 3, 3), "--joint T"),
    (lambda: build("fast3d", 4, 3, planes=2), "out_channels is 3.*2 planes"),
    (lambda: build("skip", 3, 3, depth=4), "no option 'depth'.*kernel_down"),
    (lambda: build("skip", 3, 3, down=(8, 8)), "2, 5 and 5 scales"),
    (lambda: build("skip", 3, 3, down=(), up=(), skip=()), "0, 0 and 0 scales"),
    (lambda: build("skip", 3, 3, kernel_down=4), "kernel is 4; expected an odd"),
    (lambda: build("skip", 3, 3, kernel_up=(3, 3)), "kernel_up has 2 values.*5"),
    (lambda: build("skip", 3, 3, padding="mirror"), "padding is 'mirror'; expected one of reflect, zero"),
    (lambda: build("skip", 3, 3, upsampling="cubic"), "upsampling is 'cubic'"),
    (lambda: build("skip", 3, 3, downsampling="lanczos4"), "downsampling is 'lanczos4'"),
    (lambda: build("skip", 3, 3, activation="gelu"), "activation is 'gelu'.*swish"),
    (lambda: build("skip", 3, 3, skip=(4, 4, 4, 4, -1)), "skip is -1"),
    (lambda: build("unet", 3, 3, norm="group"), "norm is 'group'.*instance"),
    (lambda: build("unet", 3, 3, upsampling="cubic"), "upsampling is 'cubic'"),
    (lambda: build("unet", 32, 3, concat_x=True), "feature_scale is 4"),
    (lambda: build("unet", 3, 3, extra_scales=-1), "extra_scales is -1"),
    (lambda: build("resnet", 3, 3, channels=0), "channels is 0"),
    (lambda: build("fast", 3, 3, reduction=0), "reduction is 0"),
    (lambda: build("texture", 3, 3, scales=0), "scales is 0"),
    (lambda: build("dcgan", 3, 3, upsampling="cubic"), "upsampling is 'cubic'.*deconv"),
    (lambda: build("deep_decoder", 3, 3, width=0), "width is 0"),
    (lambda: build("conv_decoder", 3, 3, upsampling="deconv"), "upsampling is 'deconv'"),
]


@pytest.mark.parametrize(("make", "says"), BAD)
def test_bad_options_are_named(make: Callable[[], object], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        make()
