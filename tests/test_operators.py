"""Operators: linear, adjoint, picklable; closed forms."""

import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ipse.engine.operators import Blur, Compose, Downsample, Identity, Mask, Operator, adjoint
from ipse.errors import MaskError, OptionError

SHAPE = (2, 3, 19, 26)
KERNELS = ["bicubic", "lanczos2", "lanczos3", "gauss12", "gauss1sq2", "box"]
BOUNDARIES = ["replicate", "reflect", "circular"]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def psf(height: int, width: int) -> Tensor:
    k = normal(height, width, seed=5).abs()
    return k / k.sum()


def known() -> Tensor:
    return normal(1, 1, *SHAPE[2:], seed=7) > 0


def delta(height: int, width: int) -> Tensor:
    k = torch.zeros(height, width, dtype=torch.float64)
    k[height // 2, width // 2] = 1
    return k


OPERATORS: dict[str, Callable[[], Operator]] = {
    "identity": Identity,
    "mask": lambda: Mask(known()),
    "compose": lambda: Mask(normal(5, 7) > 0) @ Downsample(4) @ Blur(psf(5, 4)),
    **{f"blur-{b}": lambda b=b: Blur(psf(4, 5), boundary=b) for b in BOUNDARIES},
    **{f"blur-fourier-{b}": lambda b=b: Blur(psf(9, 12), boundary=b) for b in BOUNDARIES},
    **{f"{k}-x{f}": lambda k=k, f=f: Downsample(f, kernel=k) for k in KERNELS for f in (2, 3, 8)},
    "lanczos2-phase0": lambda: Downsample(2, kernel="lanczos2", phase=0),
    "lanczos2-phase½": lambda: Downsample(2, kernel="lanczos2", phase=0.5),
    "lanczos2-valid": lambda: Downsample(2, kernel="lanczos2", preserve_size=False),
}


@pytest.fixture(params=OPERATORS, name="operator")
def fixture_operator(request: pytest.FixtureRequest) -> Operator:
    return OPERATORS[request.param]().double()


def test_linear(operator: Operator) -> None:
    x, u = normal(*SHAPE, seed=1), normal(*SHAPE, seed=2)
    assert operator.linear
    torch.testing.assert_close(operator(3 * x - 2 * u), 3 * operator(x) - 2 * operator(u))


def test_adjoint(operator: Operator) -> None:
    x = normal(*SHAPE, seed=1)
    y = normal(*operator(x).shape, seed=2)
    back = operator.adjoint(y, SHAPE)
    assert back.shape == SHAPE
    torch.testing.assert_close((operator(x) * y).sum(), (x * back).sum())


def test_pickles(operator: Operator) -> None:
    x = normal(*SHAPE, seed=1)
    again: Operator = pickle.loads(pickle.dumps(operator))
    assert torch.equal(again(x), operator(x))


def test_channels_and_pictures_do_not_mix(operator: Operator) -> None:
    x = normal(*SHAPE, seed=1)
    torch.testing.assert_close(operator(x)[1:, 1:2], operator(x[1:, 1:2]))


def test_single_precision_agrees_with_double(operator: Operator) -> None:
    x = normal(*SHAPE, seed=1)
    y = operator(x)
    torch.testing.assert_close(operator.float()(x.float()), y.float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", range(2, 9))
def test_downsampling_keeps_a_constant_and_any_size(kernel: str, factor: int) -> None:
    operator = Downsample(factor, kernel=kernel)
    for height, width in ((48, 37), (factor, 1), (2 * factor + 1, 5)):
        y = operator(torch.full((1, 2, height, width), 0.7, dtype=torch.float64))
        assert y.shape == (1, 2, -(-height // factor), -(-width // factor))
        torch.testing.assert_close(y, torch.full_like(y, 0.7))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("factor", range(2, 9))
def test_downsampling_is_centred_on_each_block(kernel: str, factor: int) -> None:
    # A ramp is reproduced exactly by a symmetric kernel, so its value tells where the measured pixel lies.
    size = 12 * factor
    ramp = torch.arange(size, dtype=torch.float64).expand(1, 1, size, size)
    places = torch.arange(12, dtype=torch.float64) * factor + (factor - 1) / 2
    torch.testing.assert_close(Downsample(factor, kernel=kernel)(ramp)[0, 0, 5, 4:8], places[4:8])


def test_box_is_the_mean_of_blocks() -> None:
    x = normal(1, 2, 12, 18)
    torch.testing.assert_close(
        Downsample(3, kernel="box")(x), torch.nn.functional.avg_pool2d(x, 3), rtol=0, atol=1e-12
    )


def test_bicubic_is_mirrored_at_the_border() -> None:
    x = normal(1, 1, 16, 16)
    mirrored = torch.cat([x.flip(2), x, x.flip(2)], dim=2)
    torch.testing.assert_close(Downsample(4)(mirrored)[:, :, 4:8], Downsample(4)(x))


def test_bicubic_weights_are_those_of_keys() -> None:
    # At f = 2 the taps lie at ±1/4, ±3/4, ±5/4, ±7/4 of the cubic with a = −½.
    expected = torch.tensor([-3, -9, 29, 111, 111, 29, -9, -3], dtype=torch.float64) / 256
    torch.testing.assert_close(Downsample(2).kernel.sum(0), expected)


def test_delta_psf_is_the_identity() -> None:
    x = normal(*SHAPE)
    for shape in ((1, 1), (3, 3), (4, 4), (5, 2), (9, 12)):
        for boundary in BOUNDARIES:
            torch.testing.assert_close(Blur(delta(*shape), boundary=boundary).double()(x), x)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_blur_keeps_a_constant_even_where_the_psf_is_larger_than_the_picture(boundary: str) -> None:
    for size in ((1, 1), (2, 3), (19, 26)):
        x = torch.full((1, 1, *size), 0.3, dtype=torch.float64)
        torch.testing.assert_close(Blur(psf(9, 12), boundary=boundary).double()(x), x, atol=1e-7, rtol=0)


def test_blur_is_a_convolution_with_a_centred_psf() -> None:
    # Blurring a point draws the psf around it; a correlation would draw it upside down.
    for k in (psf(3, 5), psf(9, 12)):
        point = torch.zeros(1, 1, 31, 31, dtype=torch.float64)
        point[0, 0, 15, 15] = 1
        top, left = 15 - k.shape[0] // 2, 15 - k.shape[1] // 2
        drawn = Blur(k).double()(point)[0, 0, top : top + k.shape[0], left : left + k.shape[1]]
        torch.testing.assert_close(drawn, k, atol=1e-7, rtol=0)


def test_circular_blur_is_a_product_of_spectra() -> None:
    x, k = normal(1, 1, 16, 20), psf(4, 5)
    placed = torch.zeros(16, 20, dtype=torch.float64)
    placed[:4, :5] = k
    placed = placed.roll((-2, -2), (0, 1))
    y = torch.fft.ifft2(torch.fft.fft2(x) * torch.fft.fft2(placed)).real
    torch.testing.assert_close(Blur(k, boundary="circular").double()(x), y, atol=1e-6, rtol=0)


def test_mask_is_idempotent_and_keeps_what_is_known() -> None:
    x, m = normal(*SHAPE), known()
    mask = Mask(m)
    assert torch.equal(mask(mask(x)), mask(x))
    assert torch.equal(mask(x)[m.expand_as(x)], x[m.expand_as(x)])
    assert not mask(x)[~m.expand_as(x)].any()


def test_composition_acts_from_the_right() -> None:
    x, half, blur = normal(1, 1, 16, 16), Downsample(2), Blur(psf(3, 3)).double()
    assert torch.equal((half @ blur)(x), half(blur(x)))
    assert torch.equal(Compose(half, blur, torch.square)(x), half(blur(x**2)))


def test_adjoint_of_any_callable() -> None:
    x = normal(1, 1, 8, 8)
    y = normal(1, 1, 4, 8, seed=3).requires_grad_()
    back = adjoint(lambda u: 2 * u[:, :, ::2], y, x.shape)
    assert torch.equal(back[:, :, ::2], 2 * y)
    assert not back[:, :, 1::2].any()
    back.square().sum().backward()  # differentiable in y
    assert y.grad is not None
    torch.testing.assert_close(y.grad, 8 * y.detach())


def test_a_nonlinear_operator_has_no_adjoint() -> None:
    class Square(Operator):
        linear = False

        def forward(self, x: Tensor) -> Tensor:
            return x**2

    assert not (Identity() @ Square()).linear
    for operator in (Square(), Identity() @ Square()):
        with pytest.raises(OptionError, match="not linear"):
            operator.adjoint(torch.ones(1, 1, 2, 2), (1, 1, 2, 2))


def test_tensors_are_buffers() -> None:
    for name, make in OPERATORS.items():
        moved = make().to("meta")
        assert name == "identity" or list(moved.buffers())
        assert all(b.device.type == "meta" for b in moved.buffers())
        assert not list(moved.parameters())
    assert len(list(OPERATORS["compose"]().buffers())) == 3


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Downsample(1), "factor is 1"),
        (lambda: Downsample(9), "factor is 9"),
        (lambda: Downsample(2, kernel="cubic"), "'cubic'"),
        (lambda: Downsample(2, phase=0.25), "phase is 0.25"),
        (lambda: Downsample(2, kernel="box", phase=0), "phase is 0 with kernel 'box'"),
        (lambda: Downsample(2, width=3), "width is 3"),
        (lambda: Downsample(8, phase=0.5, preserve_size=False)(torch.ones(1, 1, 9, 9)), "at least 32"),
        (lambda: Blur(torch.ones(3)), r"\(3,\)"),
        (lambda: Blur(torch.full((3, 3), torch.nan)), "finite"),
        (lambda: Blur(torch.ones(3, 3), boundary="wrap"), "'wrap'"),
        (lambda: adjoint(Downsample(2), torch.ones(1, 1, 3, 3), (1, 1, 8, 8)), r"expected \(1, 1, 4, 4\)"),
        (Compose, "at least one"),
    ],
)
def test_bad_options_are_named(make: Callable[[], object], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        make()


def test_bad_masks_are_named() -> None:
    with pytest.raises(MaskError, match="0 and 1"):
        Mask(torch.full((4, 4), 0.5))
    with pytest.raises(MaskError, match=r"\(4, 4\).*\(5, 4\)"):
        Mask(torch.ones(4, 4))(torch.ones(1, 1, 5, 4))
