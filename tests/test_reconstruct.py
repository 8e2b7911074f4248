"""Projections become a picture, whatever file they come in; what does not match its geometry is refused in one line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.data import shepp_logan_phantom
from skimage.transform import radon, resize

import ipse
from ipse.cli import main
from ipse.engine.operators import Radon, adjoint
from ipse.engine.operators.fan import Fan
from ipse.errors import OptionError, PictureError
from ipse.pictures.measurement import measurement, read_measurement
from ipse.settings import Settings
from ipse.streams.open import restore
from ipse.tasks._detector import axis_of
from ipse.tasks._tomography import spacing

SIDE = 49
FAST: dict[str, Any] = {"preset": "fast"}


def phantom() -> NDArray[np.float64]:
    x = resize(shepp_logan_phantom(), (SIDE, SIDE), anti_aliasing=True)
    return x * (np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE // 2)) <= SIDE // 2)


def angles(views: int = 40) -> NDArray[np.float64]:
    return np.arange(views) * 180 / views


def projections(x: NDArray[Any], turns: NDArray[Any], noise: float = 0.0, **told: Any) -> NDArray[np.float32]:
    y = Radon(x.shape, turns, **told)(torch.from_numpy(x).float()[None, None])[0, 0].numpy()
    return y + noise * np.sqrt(np.mean(y**2)) * np.random.default_rng(0).normal(size=y.shape).astype(
        np.float32
    )


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2) / b.max() ** 2))


@pytest.mark.parametrize("told", [{}, {"bins": 70}, {"bins": 21, "centre": 3.5}])
def test_the_transpose_of_the_projections_is_exact(told: dict[str, Any]) -> None:
    operator, draw = Radon((33, 40), [0, 17.0, 45, 90, 133], **told), torch.Generator().manual_seed(0)
    x, other = (torch.rand(2, 1, 33, 40, generator=draw) for _ in range(2))
    y = torch.rand(2, 1, 5, operator.bins, generator=draw)
    torch.testing.assert_close((operator(x) * y).sum(), (x * adjoint(operator, y, x.shape)).sum())
    torch.testing.assert_close(
        operator(2 * x - other), 2 * operator(x) - operator(other), atol=1e-4, rtol=1e-4
    )


def test_projections_are_line_integrals() -> None:
    x = torch.rand(1, 1, 9, 9)
    across, down = Radon((9, 9), [0, 90])(x)[0, 0]
    torch.testing.assert_close(across, x[0, 0].sum(0))
    torch.testing.assert_close(down.flip(0), x[0, 0].sum(1))
    slanted = Radon((9, 9), [30, 45, 101.5], bins=15)(x)[0, 0].sum(1)
    torch.testing.assert_close(slanted, x.sum().expand(3))  # no light is lost


@pytest.mark.parametrize("detector", ["flat", "equiangular"])
def test_the_transpose_of_a_fan_is_exact(detector: Any) -> None:
    operator = Fan((33, 40), [0, 17.0, 45, 90, 233], 70, detector=detector, bins=50, centre=21.5)
    x, y = torch.rand(2, 1, 33, 40), torch.rand(2, 1, 5, 50)
    torch.testing.assert_close((operator(x) * y).sum(), (x * adjoint(operator, y, x.shape)).sum())


@pytest.mark.parametrize("detector", ["flat", "equiangular"])
def test_a_fan_from_far_away_is_parallel(detector: Any) -> None:
    x, turns = torch.rand(1, 1, 20, 24), [0, 17.0, 45, 90, 233]
    far = Fan((20, 24), turns, 1e5, detector=detector, bins=40)(x)
    torch.testing.assert_close(far, Radon((20, 24), turns, bins=40)(x), atol=0.02, rtol=0)


@pytest.mark.parametrize("detector", ["flat", "equiangular"])
def test_the_rays_of_a_fan_are_line_integrals(detector: Any) -> None:
    x, turn, far = torch.zeros(1, 1, 40, 40), np.deg2rad(17.0), 60.0
    x[..., 6:14, 24:35] = 1
    y = Fan((40, 40), [17.0], far, detector=detector, bins=101)(x)[0, 0, 0].numpy()
    step, ray = 0.02, np.arange(30, 90, 0.02)
    for element in (40, 58, 63):
        found: list[float] = []
        for u in element - 50 + np.linspace(-0.45, 0.45, 10):
            gamma = np.arctan(u / far) if detector == "flat" else u / far
            t, s = ray * np.sin(gamma), ray * np.cos(gamma) - far
            across = t * np.cos(turn) + s * np.sin(turn) + 19.5
            down = s * np.cos(turn) - t * np.sin(turn) + 19.5
            inside = (down > 5.5) & (down < 13.5) & (across > 23.5) & (across < 34.5)
            found.append(step * float(inside.sum()))
        assert y[element] == pytest.approx(np.mean(found), abs=0.05)
    assert y.max() > 7


@pytest.mark.parametrize("detector", ["flat", "equiangular"])
def test_a_picture_comes_out_of_a_fan(detector: Any) -> None:
    x, turns = phantom(), np.arange(0, 360, 9.0)
    y = Fan((SIDE, SIDE), turns, 90, detector=detector, bins=70)(torch.from_numpy(x).float()[None, None])
    told = {"angles": turns, "size": SIDE, **FAST}
    found = ipse.reconstruct(y[0, 0].numpy(), fan=(60, 30), detector=detector, **told).image
    straight = ipse.reconstruct(y[0, 0].numpy(), **told).image
    assert psnr(found, x) > max(22, psnr(straight, x) + 4)


def test_projections_agree_with_those_of_another_library() -> None:
    x = phantom()
    ours = projections(x, angles(), bins=SIDE)
    theirs = radon(x, angles(), circle=True).T
    assert np.abs(ours - theirs).mean() < 0.06 * theirs.mean() < np.abs(ours[:, ::-1] - theirs).mean()


def test_the_turn_of_the_result_is_that_of_scikit_image() -> None:
    x = phantom()
    y = radon(x, angles(), circle=True).T
    assert psnr(ipse.reconstruct(y, angles=angles(), **FAST).image, x) > 22


def test_a_picture_comes_out_of_few_noisy_views_better_than_by_back_projection() -> None:
    from skimage.transform import iradon

    x, turns = phantom(), angles(24)
    y = projections(x, turns, 0.01, bins=70)
    result = ipse.reconstruct(y, angles=turns, size=SIDE, steps=40, **FAST)
    back = iradon(y.T.astype(float), turns, output_size=SIDE, circle=False)
    assert result.image.dtype == np.float32
    assert result.image.shape == (SIDE, SIDE)
    assert psnr(result.image, x) > psnr(back, x) + 5
    assert 0 <= result.estimates["mixture"] <= 1
    assert "no medical device" in str(result.estimates["found"])


def test_the_unit_of_the_measurement_stays() -> None:
    x, turns = phantom(), angles(24)
    y = projections(x, turns)
    one, other = (ipse.reconstruct(factor * y, angles=turns, **FAST).image for factor in (1.0, 5e4))
    np.testing.assert_allclose(other, 5e4 * one, atol=5e3)


def test_an_axis_of_rotation_off_the_middle_can_be_told() -> None:
    x, turns = phantom(), angles(20)
    y = projections(x, turns, bins=64, centre=27.25)[:, :52]
    y[:, -1] += 5  # not all of the object is in view
    told = ipse.reconstruct(y, angles=turns, size=SIDE, centre=27.25, **FAST)
    untold = ipse.reconstruct(y, angles=turns, size=SIDE, **FAST)
    assert untold.estimates["centre"] == 25.5
    assert psnr(told.image, x) > psnr(untold.image, x) + 1


def test_centres_of_mass_show_the_axis_of_rotation() -> None:
    turns = angles(20)
    y = projections(phantom(), turns, 0.01, bins=70, centre=27.25) + np.linspace(0, 0.1, 70)
    assert axis_of(y, turns) == pytest.approx(27.25, abs=0.1)
    assert axis_of(y[:12], turns[:12]) == pytest.approx(27.25, abs=0.3)  # of a part of the half turn, too
    assert axis_of(projections(phantom(), turns, 0.01, bins=70), turns) is None  # the middle stays exact


def test_opposite_views_show_the_axis_of_rotation_of_an_object_that_is_larger_than_the_detector() -> None:
    turns = np.linspace(0, 180, 31)
    y = projections(phantom(), turns, 0.01, bins=40, centre=17.25)
    assert axis_of(y, turns) == pytest.approx(17.25, abs=0.5)


def test_few_photons_weigh_less() -> None:
    x, turns = 0.1 * phantom(), angles()
    draw, y = np.random.default_rng(0), projections(0.1 * phantom(), angles())
    counts = draw.poisson(300 * np.exp(-y))
    dim = -np.log(np.maximum(counts, 0.5) / 300)
    found = [ipse.reconstruct(dim, angles=turns, photons=told, **FAST).image for told in (300, None)]
    assert psnr(found[0], x) > 18
    assert not np.array_equal(*found)


def test_each_view_stands_for_its_angle() -> None:
    np.testing.assert_allclose(spacing(angles(6)), np.pi / 6)
    np.testing.assert_allclose(spacing(np.array([0.0, 90, 45, 135])), np.pi / 4)
    wedge = spacing(np.arange(0, 120, 10.0))
    assert wedge.max() < 1.3 * np.deg2rad(10)


@pytest.mark.parametrize("kind", ["zeros", "constant", "one view", "one element", "row", "two"])
def test_degenerate_measurements_come_back_whole(kind: str) -> None:
    y = {
        "zeros": np.zeros((12, 16)),
        "constant": np.full((12, 16), 3.0),
        "one view": np.random.default_rng(0).random((1, 16)),
        "one element": np.full((12, 1), 2.0),
        "row": np.ones((1, 1)),
        "two": np.random.default_rng(0).random((2, 5)),
    }[kind]
    x = ipse.reconstruct(y, steps=3, **FAST).image
    assert x.shape == (y.shape[1],) * 2
    assert np.isfinite(x).all()
    if kind == "zeros":
        assert not x.any()


def test_the_command_writes_floats_a_view_and_a_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    x, turns = phantom(), angles(20)
    np.savez("scan.npz", sinogram=projections(x, turns), angles=turns)
    assert main(["reconstruct", "scan.npz", "--preset", "fast", "--seeds", "2"]) == 0
    assert "no medical device" in capsys.readouterr().err
    found = np.load("scan_ipse.npy")
    assert psnr(found, x) > 20
    view = ipse.pictures.read("scan_ipse.npy.view.png").pixels[0]
    np.testing.assert_allclose(view, found.clip(0) / found.max(), atol=1e-4)
    assert Path("scan_ipse.npy.disagreement.png").exists()
    said = json.loads(Path("scan_ipse.npy.ipse.json").read_text())
    assert said["estimates"]["sigma"] >= 0
    np.save("angles.npy", turns)
    np.save("scan.npy", np.load("scan.npz")["sinogram"])
    assert main(["reconstruct", "scan.npy", "-o", "x.tif", "--angles", "angles.npy", "--preset", "fast"]) == 0
    again = ipse.pictures.read("x.tif")
    assert again.dtype == np.float32
    assert main(["rerun", "scan_ipse.npy.ipse.json", "-o", "again.npy"]) == 0
    np.testing.assert_array_equal(np.load("again.npy"), found)


def test_a_tiff_is_a_sinogram_too(tmp_path: Path) -> None:
    import tifffile

    turns = angles(20)
    y = projections(phantom(), turns)
    tifffile.imwrite(tmp_path / "y.tif", y)
    (tmp_path / "turns.txt").write_text("\n".join(map(str, turns)))
    one = ipse.reconstruct(tmp_path / "y.tif", angles=tmp_path / "turns.txt", **FAST)
    np.testing.assert_array_equal(one.image.to_array(), ipse.reconstruct(y, angles=turns, **FAST).image)


@pytest.mark.parametrize(
    ("y", "told", "said"),
    [
        (np.ones((12, 16)), {"angles": np.arange(11)}, "11 angles and 12 views"),
        (np.ones((12, 16)), {"angles": "0:x"}, "FIRST:LAST"),
        (np.ones((12, 16)), {"angles": "nowhere.txt"}, "cannot be read"),
        (np.ones((12, 16), np.complex64), {"angles": "0:90"}, "angles belongs to projections"),
        (np.zeros((2, 16, 16), np.complex64), {}, "all samples are 0"),
        (np.full((12, 16), np.nan), {}, "NaN"),
        (np.ones((0, 16)), {}, "shape"),
        (np.ones(16), {}, "shape"),
        (np.ones((3, 4, 16)), {"row": 4}, "row 4"),
        (np.ones((12, 16)), {"size": 0}, "size 0"),
        (np.ones((12, 16)), {"centre": 99.0}, "centre"),
        (np.ones((12, 16)), {"photons": 0}, "photons"),
        (np.ones((12, 16)), {"fan": "1000"}, "SOURCE-AXIS"),
        (np.ones((12, 16)), {"fan": (-1, 9)}, "SOURCE-AXIS"),
        (np.ones((12, 16)), {"fan": "5,5"}, "within a picture"),
        (np.ones((12, 16), np.complex64), {"fan": "1000,500"}, "fan belongs"),
        (np.full((12, 16), "a"), {}, "expected"),
    ],
)
def test_what_does_not_match_is_refused(y: NDArray[Any], told: dict[str, Any], said: str) -> None:
    with pytest.raises((OptionError, PictureError), match=said) as caught:
        ipse.reconstruct(y, **told)
    assert "\n" not in str(caught.value)


def test_bad_files_are_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (("cut.npy", b"\x93NUMPY\x01\x00"), ("cut.npz", b"PK\x03\x04x"), ("e.npy", b"")):
        (tmp_path / name).write_bytes(content)
        assert main(["reconstruct", str(tmp_path / name)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    np.savez(tmp_path / "two.npz", a=np.ones((2, 3)), b=np.ones((2, 3)))
    with pytest.raises(PictureError, match="one array"):
        read_measurement(tmp_path / "two.npz")


def test_hdf5_is_read_as_synchrotrons_write_it(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="the extra scans is not installed")
    turns = angles(20)
    y = 0.1 * projections(phantom(), turns)
    with h5py.File(tmp_path / "y.h5", "w") as file:
        file["exchange/data"] = np.rint(10 + 1000 * np.exp(-y))[:, None].astype(np.uint16)
        file["exchange/data_white"] = np.full((3, 1, SIDE), 1010, np.uint16)
        file["exchange/data_dark"] = np.full((2, 1, SIDE), 10, np.uint16)
        file["exchange/theta"] = np.deg2rad(turns)
        file["exchange/theta"].attrs["units"] = "rad"
    read = read_measurement(tmp_path / "y.h5")
    np.testing.assert_allclose(read.samples, y, atol=2e-3)
    np.testing.assert_allclose(read.geometry["angles"], turns)
    assert psnr(ipse.reconstruct(tmp_path / "y.h5", **FAST).image.to_array(), 0.1 * phantom()) > 20
    with h5py.File(tmp_path / "none.h5", "w") as file:
        file["elsewhere"] = [1]
    with pytest.raises(PictureError, match="exchange/data"):
        read_measurement(tmp_path / "none.h5")


def test_a_picture_is_no_measurement() -> None:
    with pytest.raises(PictureError, match="measurement"):
        restore(ipse.Picture.from_array(np.zeros((4, 4))), "reconstruct", Settings("fast"))


def test_the_time_limit_is_kept() -> None:
    y = projections(phantom(), angles())
    result = ipse.reconstruct(y, angles=angles(), seconds=0.01)
    assert "time" in result.reason
    assert np.isfinite(result.image).all()


def test_a_volume_is_reconstructed_row_by_row() -> None:
    y = np.stack([projections(phantom(), angles(12)), np.zeros((12, SIDE))], 1)
    assert measurement(y).size == (12, SIDE)
    assert not ipse.reconstruct(y, row=1, **FAST).image.any()
    assert ipse.reconstruct(y, row=0, **FAST).image.any()
