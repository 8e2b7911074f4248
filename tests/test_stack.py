"""A stack comes back as the same stack, each plane restored; axes that do not fit are refused."""

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from refusals import refused
from runs import open_whole, pulled

from ipse.cli import main
from ipse.errors import InputError, OptionError, OutputError, PictureError
from ipse.pictures.large.zarr import array_in, created, said_in
from ipse.pictures.stacks.stack import opened_stack
from ipse.runs.job import Job
from ipse.runs.open import open_run
from ipse.runs.receipt import Receipt, beside
from ipse.runs.rerun import repeated
from ipse.runs.stacks import StackFile
from ipse.settings import Settings

SIZE = (40, 48)
SIGMA = 20.0
QUICK = ("--sigma", "25", "--preset", "fast", "--quiet")


def noisy(*outer: int, dtype: Any = np.uint8, scale: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """Planes of one pattern, brighter from each to the next."""
    rng = np.random.default_rng(4)
    wave = 110 + 60 * np.sin(np.add.outer(np.arange(SIZE[0]) / 6, np.arange(SIZE[1]) / 4))
    bright = np.linspace(-30, 30, int(np.prod(outer))).reshape(*outer, 1, 1)
    found = wave + bright + rng.normal(0, SIGMA, (*outer, *SIZE))
    return (np.clip(found, 0, 255) * scale + offset).astype(dtype)


def save(path: Path, array: np.ndarray, **options: Any) -> None:
    tifffile.imwrite(path, array, **{"photometric": "minisblack"} | options)


def restored(source: Path, target: Path, **changes: Any) -> Receipt:
    job = Job("denoise", source, target, settings=Settings(preset="fast"), options={"sigma": 25.0})
    run = open_run(replace(job, **changes))
    assert isinstance(run.input, StackFile)
    return pulled(run)


def smoother(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether every plane has come nearer to its neighbours' mean, and kept its brightness."""
    planes = [array.reshape(-1, *SIZE).astype(float) for array in (one, other)]
    rough = [np.abs(np.diff(array, axis=2)).mean((1, 2)) for array in planes]
    means = [array.mean((1, 2)) for array in planes]
    return bool((rough[0] < 0.7 * rough[1]).all() and np.allclose(*means, rtol=0.03))


@pytest.mark.parametrize("kind", ["ome", "imagej", "shaped"])
def test_it_comes_back_with_what_was_said_of_it(kind: str, tmp_path: Path) -> None:
    array = noisy(2, 3, dtype=np.uint16, scale=16)
    said: dict[str, Any] = {"axes": "TZYX"}
    flags = {"ome": {"ome": True}, "imagej": {"imagej": True}, "shaped": {}}[kind]
    said |= {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm"} if kind == "ome" else {}
    said |= {"spacing": 0.5, "unit": "um"} if kind == "imagej" else {}
    save(tmp_path / "in.tif", array, metadata=said, resolution=(4, 4), **flags)
    restored(tmp_path / "in.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as out, tifffile.TiffFile(tmp_path / "in.tif") as came:
        assert (out.series[0].axes, out.series[0].shape) == ("TZYX", array.shape)
        assert out.series[0].dtype == np.uint16
        assert out.ome_metadata == came.ome_metadata
        if kind == "imagej":
            assert out.imagej_metadata["spacing"] == 0.5  # pyright: ignore[reportOptionalSubscript]
        assert smoother(out.asarray(), array)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_pages_without_a_word_take_the_axes_they_are_told(dtype: Any, tmp_path: Path) -> None:
    array = noisy(
        4, dtype=dtype, scale=1 if dtype is np.uint8 else 30, offset=-50 if dtype is np.int16 else 0
    )
    save(tmp_path / "in.tif", array, metadata=None)
    assert opened_stack(tmp_path / "in.tif") is None
    said = restored(tmp_path / "in.tif", tmp_path / "out.tif", axes="zyx")
    found = tifffile.imread(tmp_path / "out.tif")
    assert found.dtype == dtype
    assert smoother(found, array)
    again = repeated(said, target=tmp_path / "again.tif")
    run = open_run(again)
    for _ in run:
        pass
    assert run.finish().pixels_sha256 == said.pixels_sha256


def test_a_plane_of_a_stack_is_restored_as_by_itself(tmp_path: Path) -> None:
    array = noisy(3)
    save(tmp_path / "in.tif", array, metadata={"axes": "ZYX"})
    save(tmp_path / "one.tif", array[1])
    restored(tmp_path / "in.tif", tmp_path / "out.tif")
    alone = open_whole(
        Job(
            "denoise",
            tmp_path / "one.tif",
            tmp_path / "alone.tif",
            settings=Settings(preset="fast"),
            options={"sigma": 25.0},
        )
    )
    for _ in alone:
        pass
    alone.finish()
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "out.tif")[1], tifffile.imread(tmp_path / "alone.tif")
    )


def test_colours_stay_interleaved(tmp_path: Path) -> None:
    array = np.moveaxis(noisy(2, 3), 1, -1)
    save(tmp_path / "in.tif", array, photometric="rgb", metadata={"axes": "TYXS"})
    restored(tmp_path / "in.tif", tmp_path / "out.tif")
    found = tifffile.imread(tmp_path / "out.tif")
    assert found.shape == array.shape
    assert smoother(np.moveaxis(found, -1, 1), np.moveaxis(array, -1, 1))


def test_neighbours_that_are_alike_help_one_another(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wave = 110 + 60 * np.sin(np.add.outer(np.arange(SIZE[0]) / 6, np.arange(SIZE[1]) / 4))
    array = np.clip(wave + rng.normal(0, 25, (4, *SIZE)), 0, 255).astype(np.uint8)
    save(tmp_path / "in.tif", array, metadata={"axes": "ZYX"})
    errors = []
    for joint in (None, "Z"):
        restored(tmp_path / "in.tif", tmp_path / f"{joint}.tif", joint=joint)
        errors.append(((tifffile.imread(tmp_path / f"{joint}.tif") - wave) ** 2).mean())
    assert errors[1] < 0.8 * errors[0]


def test_noise_that_grows_is_found_in_each_plane(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wave = 110 + 60 * np.sin(np.add.outer(np.arange(128) / 15, np.arange(128) / 11))
    sigmas = np.array([6.0, 18.0, 54.0])
    array = np.clip(wave + sigmas[:, None, None] * rng.normal(0, 1, (3, 128, 128)), 0, 255).astype(np.uint8)
    save(tmp_path / "in.tif", array, metadata={"axes": "TYX"})
    restored(tmp_path / "in.tif", tmp_path / "out.tif", options={})
    errors = np.sqrt(((tifffile.imread(tmp_path / "out.tif") - wave) ** 2).mean((1, 2)))
    assert (errors < 0.4 * sigmas).all()


def test_zarr_in_and_out(tmp_path: Path) -> None:
    array = noisy(2, 3)
    said = {"coordinateTransformations": [{"type": "scale", "scale": [1, 0.5, 0.1, 0.1]}], "omero": {"id": 7}}
    created(tmp_path / "in.zarr", array.shape, "CZYX", array.dtype, name="a", said=said)[...] = array
    assert main(["denoise", str(tmp_path / "in.zarr"), "-o", str(tmp_path / "out.zarr"), *QUICK]) == 0
    found, axes = array_in(tmp_path / "out.zarr")
    assert (axes, found.shape, found.dtype) == ("CZYX", array.shape, array.dtype)
    assert smoother(np.asarray(found[...]), array)
    assert said_in(tmp_path / "out.zarr") == said_in(tmp_path / "in.zarr")
    assert main(["denoise", str(tmp_path / "out.zarr"), "-o", str(tmp_path / "back.tif"), *QUICK]) == 0
    assert tifffile.imread(tmp_path / "back.tif").shape == array.shape
    assert Receipt.read(beside(tmp_path / "back.tif")).tiles == 6


def test_what_was_killed_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    save(tmp_path / "in.tif", noisy(5), metadata={"axes": "TYX"})
    wanted = restored(tmp_path / "in.tif", tmp_path / "whole.tif")
    saved: dict[str, Any] = {"checkpoint": tmp_path / "saved", "every": 0.0}
    job = Job("denoise", tmp_path / "in.tif", tmp_path / "out.tif", options={"sigma": 25.0}, **saved)
    job = replace(job, settings=Settings(preset="fast"))
    run = open_run(job)
    for _ in run:
        if run.stream.done["tiles"] == 3:
            break
    del run
    gc.collect()
    again = open_run(replace(job, resume=True))
    for _ in again:
        assert again.stream.done["tiles"] is not None
        assert again.stream.done["tiles"] >= 2
    assert again.finish().output_sha256 == wanted.output_sha256
    assert not {"saved", "saved.rows"} & {path.name for path in tmp_path.iterdir()}


def test_what_is_cancelled_keeps_the_planes_that_are_done(tmp_path: Path) -> None:
    array = noisy(4)
    save(tmp_path / "in.tif", array, metadata={"axes": "TYX"})
    run = open_run(Job("denoise", tmp_path / "in.tif", tmp_path / "out.tif", options={"sigma": 25.0}))
    for _ in run:
        if run.stream.done["tiles"] == 2:
            break
    assert "cancelled after 2 of 4 planes" in run.finish(cancelled=True).reason
    found = tifffile.imread(tmp_path / "out.tif")
    np.testing.assert_array_equal(found[2:], array[2:])
    assert smoother(found[:2], array[:2])


def test_warm_fits_take_half_the_steps_and_go_on_after_a_kill(tmp_path: Path) -> None:
    save(tmp_path / "in.tif", noisy(3), metadata={"axes": "TYX"})
    fit = {"settings": Settings(preset="fast", latent="noise", steps=6, rule="last"), "warm": True}
    wanted = restored(tmp_path / "in.tif", tmp_path / "whole.tif", **fit)
    assert wanted.steps == 6 + 3 + 3
    assert wanted.stack == {"warm": True}
    cold = restored(tmp_path / "in.tif", tmp_path / "cold.tif", settings=fit["settings"])
    first, other = (tifffile.imread(tmp_path / f"{name}.tif") for name in ("whole", "cold"))
    np.testing.assert_array_equal(first[0], other[0])
    assert (first[1] != other[1]).any()
    assert cold.steps == 18
    saved: dict[str, Any] = {"checkpoint": tmp_path / "saved", "every": 0.0, "options": {"sigma": 25.0}}
    job = Job("denoise", tmp_path / "in.tif", tmp_path / "out.tif", **saved, **fit)  # pyright: ignore
    for _ in (run := open_run(job)):
        if run.stream.done["tiles"] == 2:
            break
    del run
    gc.collect()
    for _ in (again := open_run(replace(job, resume=True))):
        pass
    assert again.finish().output_sha256 == wanted.output_sha256


@pytest.mark.parametrize("axes", ["TZYX", "ZXY", "QYX", "YX", "ZZYX"])
def test_axes_that_do_not_fit_are_refused_in_one_line(
    axes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "in.tif", noisy(3), metadata=None)
    with refused(OptionError, tmp_path / "in.tif", "3×40×48", axes):
        opened_stack(tmp_path / "in.tif", axes=axes)
    arguments = ["denoise", str(tmp_path / "in.tif"), "-o", str(tmp_path / "out.tif"), "--axes", axes]
    assert main([*arguments, *QUICK]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


def test_refusals(tmp_path: Path) -> None:
    save(tmp_path / "in.tif", noisy(3), metadata={"axes": "ZYX"})
    job = Job("denoise", tmp_path / "in.tif", tmp_path / "out.tif")
    with refused(OptionError, "--joint T", "ZYX"):
        open_run(replace(job, joint="T"))
    with refused(OutputError, tmp_path / "out.png", ".tif"):
        open_run(replace(job, target=tmp_path / "out.png", axes="ZYX"))
    with refused(OptionError, "flash"):
        open_run(replace(job, task="flash", axes="ZYX", options={"flash": tmp_path / "in.tif"}))
    with refused(InputError, "--seeds"):
        open_run(replace(job, settings=Settings(seeds=2)))
    save(tmp_path / "one.tif", noisy(1)[0])
    with refused(OptionError, tmp_path / "one.tif", "--joint"):
        open_run(replace(job, source=tmp_path / "one.tif", joint="Z"))
    with refused(PictureError, tmp_path / "gone.tif", "no such file"):
        open_run(replace(job, source=tmp_path / "gone.tif", axes="ZYX"))
    save(tmp_path / "rgb.tif", np.zeros((*SIZE, 3), np.uint8), photometric="rgb")
    with refused(OptionError, tmp_path / "rgb.tif", "YXS", "ZYX"):
        open_run(replace(job, source=tmp_path / "rgb.tif", axes="ZYX"))
    data = (tmp_path / "in.tif").read_bytes()
    (tmp_path / "in.tif").write_bytes(data[:-3000])
    with refused(PictureError, tmp_path / "in.tif", "cut short"):
        open_run(replace(job, axes="ZYX"))
