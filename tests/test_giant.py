"""A picture in windows is restored to what the whole would be, and at no time is it whole in memory."""

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from refusals import refused

from ipse import giant
from ipse.cli import main
from ipse.errors import OutputError, PictureError
from ipse.giant import GiantRun, run_of
from ipse.job import Job
from ipse.pictures import Picture, read, write
from ipse.receipt import Receipt, beside
from ipse.run import Run
from ipse.settings import Settings
from ipse.windowed import Windowed

SETTINGS = Settings(preset="fast", tile=64)
SIGMA = {"sigma": 25.0}


def noisy(height: int, width: int, channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(1)
    wave = 128 + 80 * np.sin(np.add.outer(np.arange(height) / 9, np.arange(width) / 5))
    clean = np.dstack([wave] * channels)[..., 0] if channels == 1 else np.dstack([wave] * channels)
    return np.clip(clean + rng.normal(0, 25, clean.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pictures of a few thousand pixels count as giant."""
    monkeypatch.setattr(giant, "GIANT", 1)
    monkeypatch.setattr(giant, "LARGE", 1)
    monkeypatch.setattr("ipse.windows.open.SMALL", 1)
    return tmp_path


def pulled(run: Run) -> Receipt:
    for _ in run:
        pass
    return run.finish()


def job(folder: Path, target: str = "out.tif", **changes: Any) -> Job:
    made = Job("denoise", folder / "in.tif", folder / target, settings=SETTINGS, options=SIGMA)
    return replace(made, **changes)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_what_tiles_in_memory_give(channels: int, folder: Path) -> None:
    write(Picture.from_array(noisy(150, 110, channels)), folder / "in.tif")
    run = run_of(job(folder))
    assert isinstance(run, GiantRun)
    said, wanted = pulled(run), pulled(Run(job(folder, "whole.tif")))
    np.testing.assert_array_equal(read(folder / "out.tif").samples, read(folder / "whole.tif").samples)
    same = ("pixels_sha256", "input_sha256", "tiles", "estimates", "steps", "reason")
    assert {name: getattr(said, name) for name in same} == {name: getattr(wanted, name) for name in same}
    assert {path.name for path in folder.iterdir()} == {
        "in.tif",
        *(name + end for name in ("out.tif", "whole.tif") for end in ("", ".ipse.json")),
    }


def test_only_a_band_is_held(folder: Path) -> None:
    write(Picture.from_array(noisy(400, 70)), folder / "in.tif")
    run = run_of(job(folder))
    for _ in run:
        stream = run.restoration
        assert isinstance(stream, Windowed)
        assert stream.total is not None
        assert stream.total.shape == (1, 64, 70)
    run.finish()
    assert read(folder / "out.tif").size == (400, 70)


def test_enlarged_in_windows_it_is_what_tiles_in_memory_give(folder: Path) -> None:
    write(Picture.from_array(noisy(90, 60, 3)), folder / "in.tif")
    settings = replace(SETTINGS, steps=1, network="fast")
    one = job(folder, task="upscale", options={"factor": 2}, settings=settings)
    said, wanted = pulled(run_of(one)), pulled(Run(replace(one, target=folder / "whole.tif")))
    assert said.pixels_sha256 == wanted.pixels_sha256
    assert read(folder / "out.tif").size == (180, 120)


def test_alpha_is_carried(folder: Path) -> None:
    alpha = np.random.default_rng(2).integers(0, 256, (90, 100), dtype=np.uint8)
    write(Picture.from_array(np.dstack([noisy(90, 100, 3), alpha]), alpha=True), folder / "in.tif")
    said, wanted = pulled(run_of(job(folder))), pulled(Run(job(folder, "whole.tif")))
    np.testing.assert_array_equal(read(folder / "out.tif").alpha, alpha)
    assert said.pixels_sha256 == wanted.pixels_sha256


def test_a_jpeg_is_cleaned_by_its_own_tables(folder: Path) -> None:
    Image.fromarray(noisy(64, 100, 1)).save(folder / "in.jpg", quality=20)
    one = job(folder, task="dejpeg", source=folder / "in.jpg", options={})
    said, wanted = pulled(run_of(one)), pulled(Run(replace(one, target=folder / "whole.tif")))
    assert said.estimates == wanted.estimates == {"quality": 20}
    assert said.pixels_sha256 == wanted.pixels_sha256


def test_a_picture_with_nothing_to_restore_comes_back(folder: Path) -> None:
    clean = np.full((80, 90), 77, np.uint8)
    write(Picture.from_array(clean), folder / "in.tif")
    said = pulled(run_of(job(folder, options={})))
    assert said.unchanged
    np.testing.assert_array_equal(read(folder / "out.tif").samples, clean)


def test_what_is_cancelled_keeps_the_tiles_that_are_done(folder: Path) -> None:
    array = noisy(150, 110)
    write(Picture.from_array(array), folder / "in.tif")
    run = run_of(job(folder))
    for _ in run:
        if run.tiles == 4:
            break
    said = run.finish(cancelled=True)
    assert "cancelled after 4 of" in said.reason
    found = read(folder / "out.tif").samples
    np.testing.assert_array_equal(found[-20:, :], array[-20:, :])
    assert np.abs(found[:30, :30].astype(int) - array[:30, :30]).mean() > 5


def test_what_was_killed_goes_on_to_the_same_bytes(folder: Path) -> None:
    write(Picture.from_array(noisy(150, 110)), folder / "in.tif")
    wanted = pulled(run_of(job(folder, "whole.tif")))
    saved = {"checkpoint": folder / "saved", "every": 0.0}
    run = run_of(job(folder, **saved))
    for _ in run:
        assert run.tiles is not None
        if run.tiles == 5:
            break
    del run
    gc.collect()
    assert {"saved", "saved.rows"} <= {path.name for path in folder.iterdir()}
    again = run_of(job(folder, resume=True, **saved))
    for _ in again:
        assert again.tiles is not None
        assert again.tiles >= 4
    said = again.finish()
    assert said.pixels_sha256 == wanted.pixels_sha256
    assert said.output_sha256 == wanted.output_sha256
    assert not {"saved", "saved.rows"} & {path.name for path in folder.iterdir()}


def test_a_run_that_is_left_leaves_nothing(folder: Path) -> None:
    write(Picture.from_array(noisy(150, 110)), folder / "in.tif")
    run = run_of(job(folder))
    next(iter(run))
    assert [path.name for path in folder.iterdir()] == [
        "in.tif"
    ]  # the draft has no name: a kill leaves nothing
    del run
    gc.collect()
    assert [path.name for path in folder.iterdir()] == ["in.tif"]


def test_zarr_in_and_out_by_the_command(folder: Path) -> None:
    write(Picture.from_array(noisy(80, 90, 3)), folder / "in.tif")
    quick = ["--sigma", "25", "--preset", "fast", "--quiet"]
    there = main(["denoise", str(folder / "in.tif"), "-o", str(folder / "a.zarr"), *quick])
    back = main(["denoise", str(folder / "a.zarr"), "-o", str(folder / "b.tif"), *quick])
    assert (there, back) == (0, 0)
    first, second = (Receipt.read(beside(folder / name)) for name in ("a.zarr", "b.tif"))
    assert second.input_sha256 == first.output_sha256
    assert read(folder / "b.tif").samples.shape == (80, 90, 3)
    assert main(["denoise", str(folder / "in.tif"), "-o", str(folder / "a.zarr"), *quick]) == 2


def test_refusals(folder: Path) -> None:
    write(Picture.from_array(noisy(80, 90, 3)), folder / "in.tif")
    with refused(OutputError, folder / "out.webp", "part by part"):
        run_of(job(folder, "out.webp"))
    data = (folder / "in.tif").read_bytes()
    tifffile.imwrite(folder / "in.tif", noisy(80, 90), rowsperstrip=8)
    data = (folder / "in.tif").read_bytes()
    (folder / "in.tif").write_bytes(data[:-900])
    with refused(PictureError, folder / "in.tif", "cut short"):
        run_of(job(folder))
    assert [path.name for path in folder.iterdir()] == ["in.tif"]


def test_a_small_picture_with_room_for_it_is_held(tmp_path: Path) -> None:
    write(Picture.from_array(noisy(80, 90)), tmp_path / "in.tif")
    assert not isinstance(run_of(job(tmp_path)), GiantRun)


def test_the_plan_counts_the_tiles(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(Picture.from_array(noisy(200, 200)), folder / "in.tif")
    arguments = ["denoise", str(folder / "in.tif"), "--sigma", "25", "--tile", "64", "--dry-run"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "200×200" in said
    assert "tiles: 36" in said
