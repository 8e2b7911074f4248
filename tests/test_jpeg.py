"""JPEG cells: the projection is one, the original lies inside, and decoded pictures betray their quality."""

import io
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from ipse.engine.operators.dct import block_dct, block_idct, dct_matrix
from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.operators.jpeg_estimate import estimate_jpeg
from ipse.errors import PictureError
from ipse.pictures.jpeg import jpeg_info, standard_table

GRAY, COLOUR = [(1, 1)], {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2), "4:4:0": (1, 2)}
STEPS = [standard_table(50), *[standard_table(50, chrominance=True)] * 2]


def tensor(levels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.atleast_3d(levels).copy()).permute(2, 0, 1)[None].float() / 255


def encode(levels: np.ndarray, quality: int, subsampling: str = "4:4:4") -> tuple[JpegCells, np.ndarray]:
    """The cells of the JPEG that Pillow writes, and what Pillow reads back."""
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    info = jpeg_info(file.getvalue())
    tables, sampling = [c.table for c in info.components], [(c.h, c.v) for c in info.components]
    cells = JpegCells(info.coefficients, tables, sampling, size=info.size)
    return cells, np.asarray(Image.open(file))


def synthetic(sampling: tuple[int, int] | None, size: tuple[int, int] = (32, 48)) -> tuple[JpegCells, Tensor]:
    """Cells of a smooth picture, and another picture that is far outside of them."""
    generator = torch.Generator().manual_seed(0)
    channels = 1 if sampling is None else 3
    x = torch.rand(1, channels, 6, 6, generator=generator)
    x = torch.nn.functional.interpolate(x, size=size, mode="bilinear")
    factors = GRAY if sampling is None else [sampling, (1, 1), (1, 1)]
    cells = JpegCells.of_picture(x, STEPS[:channels], factors)
    return cells, x + 0.2 * torch.randn(x.shape, generator=generator)


ALL = [None, *COLOUR.values()]


def test_the_transform_is_orthonormal() -> None:
    matrix = dct_matrix()
    assert torch.allclose(matrix @ matrix.T, torch.eye(8, dtype=torch.float64))
    plane = torch.randn(2, 3, 16, 24, dtype=torch.float64)
    blocks = block_dct(plane, matrix)
    assert blocks.shape == (2, 3, 2, 3, 8, 8)
    assert torch.allclose(block_idct(blocks, matrix), plane)
    assert torch.allclose(blocks[1, 2, 1, 2], matrix @ plane[1, 2, 8:, 16:] @ matrix.T)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("quality", [10, 75])
def test_decode_is_what_pillow_reads(quality: int, subsampling: str) -> None:
    cells, decoded = encode(data.astronaut()[40:173, 150:301], quality, subsampling)
    difference = (cells.decode() - tensor(decoded)).abs() * 255
    assert difference.max() < 3.5
    assert difference.mean() < 0.6


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (17, 33), (64, 64)])
def test_decode_gray(size: tuple[int, int]) -> None:
    cells, decoded = encode(data.camera()[100 : 100 + size[0], 200 : 200 + size[1]], 40)
    assert ((cells.decode() - tensor(decoded)).abs() * 255).max() < 1.1


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (17, 33), (120, 100)])
def test_the_original_lies_in_its_cells(size: tuple[int, int], subsampling: str) -> None:
    original = data.astronaut()[40 : 40 + size[0], 150 : 150 + size[1]]
    for quality, rounding in ((10, 0.1), (50, 0.2), (75, 0.4)):
        cells, decoded = encode(original, quality, subsampling)
        assert cells.violation(tensor(original)) < rounding
        # Cells tell pictures apart. (One pixel in a block of free ones does not bind.)
        assert size == (1, 1) or cells.violation(1 - tensor(decoded)) > 0.5


@pytest.mark.parametrize("sampling", ALL)
def test_project_is_the_nearest_point_map(sampling: tuple[int, int] | None) -> None:
    cells, x = synthetic(sampling)
    other = x.flip(-1) * 0.7
    inside, other_inside = cells.project(x), cells.project(other)
    assert cells.violation(x) > 0.5
    assert cells.violation(inside) < 1e-4
    assert torch.allclose(cells.project(inside), inside, atol=1e-5)
    planes = cells._canvas
    assert (planes(inside) - planes(other_inside)).norm() <= (planes(x) - planes(other)).norm()
    # ⟨x − Px, u − Px⟩ ≤ 0 for every u in the set: what makes Px the nearest, and no other map.
    normal = planes(x) - planes(inside)
    for u in (other_inside, cells.project(x, margin=0.0), cells.project(1 - x)):
        assert (normal * (planes(u) - planes(inside))).sum() < 1e-3 * normal.norm() ** 2


@pytest.mark.parametrize("sampling", ALL)
def test_distance_is_the_way_to_the_projection(sampling: tuple[int, int] | None) -> None:
    cells, x = synthetic(sampling)
    for margin in (0.0, 0.3, 0.5):
        moved = cells._canvas(x) - cells._canvas(cells.project(x, margin=margin))
        assert torch.allclose(cells.distance(x, margin=margin), (moved / 255).square().mean(), rtol=1e-4)
    x.requires_grad_()
    cells.distance(x).backward()
    assert x.grad is not None
    stepped = (x - 0.1 * x.numel() * x.grad).detach()
    assert cells.distance(stepped) < cells.distance(x)
    assert cells.distance(stepped, in_steps=True) < cells.distance(x, in_steps=True)


@pytest.mark.parametrize("sampling", ALL)
def test_project_with_sigma_is_the_proximal_step(sampling: tuple[int, int] | None) -> None:
    cells, x = synthetic(sampling)
    sigma = 0.05

    def energy(u: Tensor) -> float:
        # The fraction of a cell that a uniform error leaves in the mean square: 1/12.
        misfit = cells.distance(u, margin=0.0, in_steps=True) * cells(u).numel() * 12
        return float((cells._canvas(u) - cells._canvas(x)).square().sum() / (255 * sigma) ** 2 + misfit)

    u = cells.project(x, margin=0.5, sigma=sigma)
    assert cells.violation(u) < 1e-4
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        other = cells.project(u + 0.01 * torch.randn(u.shape, generator=generator))
        assert energy(u) < energy(other)
    assert torch.allclose(cells.project(x, margin=0.3, sigma=1e-6), cells.project(x, margin=0.3), atol=1e-5)
    centred = cells.project(x, sigma=1e3)
    assert cells.distance(centred, margin=0.0, in_steps=True) < 1e-6


@pytest.mark.parametrize("sampling", ALL)
@pytest.mark.parametrize("size", [(16, 16), (7, 9)])
def test_forward_is_affine_and_differentiable(
    sampling: tuple[int, int] | None, size: tuple[int, int]
) -> None:
    cells, x = synthetic(sampling, size)
    cells, x = cells.double(), x.double()
    u = torch.randn_like(x)
    linear = cells(x + u) - cells(x)
    assert torch.allclose(cells(x + 3 * u) - cells(x), 3 * linear)
    y = torch.randn_like(linear)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad((cells(x) * y).sum(), x)
    assert torch.allclose((gradient * u).sum(), (linear * y).sum())


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (17, 33), (40, 23)])
def test_project_any_size(size: tuple[int, int]) -> None:
    for sampling in (None, (2, 2)):
        cells, x = synthetic(sampling, size)
        inside = cells.project(x, margin=0.4)
        assert inside.shape == x.shape
        assert cells.violation(inside, margin=0.5) < 0.02


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 90])
def test_eight_bit_result_lies_within_the_cells(quality: int) -> None:
    original = data.astronaut()[:128, 128:256]
    cells, decoded = encode(original, quality, "4:2:0")
    result = cells.project_in_range(tensor(decoded), margin=0.4)
    assert result.min() >= 0
    assert result.max() <= 1
    # Rounding moves a coefficient by 0.29 levels in the mean square; 2.2 are 7.6 times that.
    step = min(float(cells.get_buffer(f"step{i}").min()) for i in range(3))
    assert cells.violation((result * 255).round() / 255) < max(0.0, 2.2 / step - 0.1) + 0.05


def test_moves_and_pickles() -> None:
    cells, x = synthetic((2, 2), (17, 33))
    again = pickle.loads(pickle.dumps(cells))
    assert torch.equal(again.project(x), cells.project(x))
    assert not cells.state_dict()  # the file is data, not weights
    assert cells.to("meta")(x.to("meta")).device.type == "meta"


def test_bad_parts_are_refused() -> None:
    blocks = np.zeros((2, 2, 8, 8))
    with pytest.raises(PictureError, match="2 components"):
        JpegCells([blocks] * 2, [STEPS[0]] * 2, GRAY * 2, size=(16, 16))
    with pytest.raises(PictureError, match=r"needs \(3, 2, 8, 8\)"):
        JpegCells([blocks], STEPS[:1], GRAY, size=(17, 16))
    with pytest.raises(PictureError, match="table"):
        JpegCells([blocks], [np.zeros((8, 8))], GRAY, size=(16, 16))
    with pytest.raises(PictureError, match="sampling"):
        JpegCells([blocks] * 3, STEPS, [(3, 1), (2, 1), (1, 1)], size=(16, 16))
    with pytest.raises(PictureError, match="shape"):
        JpegCells([blocks], STEPS[:1], GRAY, size=(16, 16))(torch.zeros(1, 1, 16, 17))


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 90])
def test_quality_of_decoded_pictures(quality: int) -> None:
    for levels, subsampling in ((data.camera(), "4:4:4"), (data.chelsea(), "4:2:0")):
        _, decoded = encode(levels, quality, subsampling)
        trace = estimate_jpeg(tensor(decoded)[0])
        assert trace is not None
        assert (trace.quality, trace.offset) == (quality, (0, 0))
        assert np.array_equal(trace.table, standard_table(quality))
    trace = estimate_jpeg(tensor(decoded[3:, 6:])[0])
    assert trace is not None
    assert (trace.quality, trace.offset) == (quality, (5, 2))


def test_no_quality_where_there_was_no_jpeg() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    enlarged = np.kron(data.camera()[:64, :64], np.ones((8, 8), np.uint8))
    noise = np.random.default_rng(0).integers(0, 256, (128, 128), dtype=np.uint8)
    never = [data.camera(), data.astronaut(), data.coffee(), data.chelsea(), data.moon(), data.brick()]
    for levels in (*never, ramp, enlarged, noise, noise[:1, :1], noise[:7, :90], 0 * noise):
        assert estimate_jpeg(tensor(levels)[0]) is None
    with pytest.raises(PictureError, match="3, H, W"):
        estimate_jpeg(noise)
