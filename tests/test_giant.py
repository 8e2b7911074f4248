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
from runs import open_whole, pulled

from ipse.cli import main
from ipse.errors import OutputError, PictureError
from ipse.pictures import Picture, read, write
from ipse.runs.job import Job
from ipse.runs.large import LargeFile
from ipse.runs.open import open_run
from ipse.runs.receipt import Receipt, beside
from ipse.settings import Settings
from ipse.streams.parts import Parts
from ipse.streams.sums import SumInDraft

SETTINGS = Settings(preset="fast", tile=64)
SIGMA = {"sigma": 25.0}


def noisy(height: int, width: int, channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(1)
    wave = 128 + 80 * np.sin(np.add.outer(np.arange(height) / 9, np.arange(width) / 5))
    clean = np.dstack([wave] * channels)[..., 0] if channels == 1 else np.dstack([wave] * channels)
    return np.clip(clean + rng.normal(0, 25, clean.shape), 0, 255).astype(np.uint8)


def job(folder: Path, target: str = "out.tif", **changes: Any) -> Job:
    made = Job("denoise", folder / "in.tif", folder / target, settings=SETTINGS, options=SIGMA)
    return replace(made, **changes)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_what_tiles_in_memory_give(channels: int, giants: Path) -> None:
    write(Picture.from_array(noisy(150, 110, channels)), giants / "in.tif")
    run = open_run(job(giants))
    assert isinstance(run.input, LargeFile)
    said, wanted = pulled(run), pulled(open_whole(job(giants, "whole.tif")))
    np.testing.assert_array_equal(read(giants / "out.tif").samples, read(giants / "whole.tif").samples)
    same = ("pixels_sha256", "input_sha256", "tiles", "estimates", "steps", "reason")
    assert {name: getattr(said, name) for name in same} == {name: getattr(wanted, name) for name in same}
    assert {path.name for path in giants.iterdir()} == {
        "in.tif",
        *(name + end for name in ("out.tif", "whole.tif") for end in ("", ".ipse.json")),
    }


def test_only_a_band_is_held(giants: Path) -> None:
    write(Picture.from_array(noisy(400, 70)), giants / "in.tif")
    run = open_run(job(giants))
    for _ in run:
        stream = run.stream
        assert isinstance(stream, Parts)
        assert isinstance(stream.join, SumInDraft)
        assert stream.join.total is not None
        assert stream.join.total.shape == (1, 64, 70)
    run.finish()
    assert read(giants / "out.tif").size == (400, 70)


def test_enlarged_in_windows_it_is_what_tiles_in_memory_give(giants: Path) -> None:
    write(Picture.from_array(noisy(90, 60, 3)), giants / "in.tif")
    settings = replace(SETTINGS, steps=1, network="fast")
    one = job(giants, task="upscale", options={"factor": 2}, settings=settings)
    said, wanted = pulled(open_run(one)), pulled(open_whole(replace(one, target=giants / "whole.tif")))
    assert said.pixels_sha256 == wanted.pixels_sha256
    assert read(giants / "out.tif").size == (180, 120)


def test_alpha_is_carried(giants: Path) -> None:
    alpha = np.random.default_rng(2).integers(0, 256, (90, 100), dtype=np.uint8)
    write(Picture.from_array(np.dstack([noisy(90, 100, 3), alpha]), alpha=True), giants / "in.tif")
    said, wanted = pulled(open_run(job(giants))), pulled(open_whole(job(giants, "whole.tif")))
    np.testing.assert_array_equal(read(giants / "out.tif").alpha, alpha)
    assert said.pixels_sha256 == wanted.pixels_sha256


def test_a_jpeg_is_cleaned_by_its_own_tables(giants: Path) -> None:
    Image.fromarray(noisy(64, 100, 1)).save(giants / "in.jpg", quality=20)
    one = job(giants, task="dejpeg", source=giants / "in.jpg", options={})
    said, wanted = pulled(open_run(one)), pulled(open_whole(replace(one, target=giants / "whole.tif")))
    assert said.estimates == wanted.estimates == {"quality": 20}
    assert said.pixels_sha256 == wanted.pixels_sha256


def test_a_picture_with_nothing_to_restore_comes_back(giants: Path) -> None:
    clean = np.full((80, 90), 77, np.uint8)
    write(Picture.from_array(clean), giants / "in.tif")
    said = pulled(open_run(job(giants, options={})))
    assert said.unchanged
    np.testing.assert_array_equal(read(giants / "out.tif").samples, clean)


def test_what_is_cancelled_keeps_the_tiles_that_are_done(giants: Path) -> None:
    array = noisy(150, 110)
    write(Picture.from_array(array), giants / "in.tif")
    run = open_run(job(giants))
    for _ in run:
        if run.stream.done["tiles"] == 4:
            break
    said = run.finish(cancelled=True)
    assert "cancelled after 4 of" in said.reason
    found = read(giants / "out.tif").samples
    np.testing.assert_array_equal(found[-20:, :], array[-20:, :])
    assert np.abs(found[:30, :30].astype(int) - array[:30, :30]).mean() > 5


def test_what_was_killed_goes_on_to_the_same_bytes(giants: Path) -> None:
    write(Picture.from_array(noisy(150, 110)), giants / "in.tif")
    wanted = pulled(open_run(job(giants, "whole.tif")))
    saved = {"checkpoint": giants / "saved", "every": 0.0}
    run = open_run(job(giants, **saved))
    for _ in run:
        assert run.stream.done["tiles"] is not None
        if run.stream.done["tiles"] == 5:
            break
    del run
    gc.collect()
    assert {"saved", "saved.rows"} <= {path.name for path in giants.iterdir()}
    again = open_run(job(giants, resume=True, **saved))
    for _ in again:
        assert again.stream.done["tiles"] is not None
        assert again.stream.done["tiles"] >= 4
    said = again.finish()
    assert said.pixels_sha256 == wanted.pixels_sha256
    assert said.output_sha256 == wanted.output_sha256
    assert not {"saved", "saved.rows"} & {path.name for path in giants.iterdir()}


def test_a_run_that_is_left_leaves_nothing(giants: Path) -> None:
    write(Picture.from_array(noisy(150, 110)), giants / "in.tif")
    run = open_run(job(giants))
    next(iter(run))
    assert [path.name for path in giants.iterdir()] == [
        "in.tif"
    ]  # the draft has no name: a kill leaves nothing
    del run
    gc.collect()
    assert [path.name for path in giants.iterdir()] == ["in.tif"]


def test_zarr_in_and_out_by_the_command(giants: Path) -> None:
    write(Picture.from_array(noisy(80, 90, 3)), giants / "in.tif")
    quick = ["--sigma", "25", "--preset", "fast", "--quiet"]
    there = main(["denoise", str(giants / "in.tif"), "-o", str(giants / "a.zarr"), *quick])
    back = main(["denoise", str(giants / "a.zarr"), "-o", str(giants / "b.tif"), *quick])
    assert (there, back) == (0, 0)
    first, second = (Receipt.read(beside(giants / name)) for name in ("a.zarr", "b.tif"))
    assert second.input_sha256 == first.output_sha256
    assert read(giants / "b.tif").samples.shape == (80, 90, 3)
    assert main(["denoise", str(giants / "in.tif"), "-o", str(giants / "a.zarr"), *quick]) == 2


def test_refusals(giants: Path) -> None:
    write(Picture.from_array(noisy(80, 90, 3)), giants / "in.tif")
    with refused(OutputError, giants / "out.webp", "part by part"):
        open_run(job(giants, "out.webp"))
    tifffile.imwrite(giants / "in.tif", noisy(80, 90), rowsperstrip=8)
    data = (giants / "in.tif").read_bytes()
    (giants / "in.tif").write_bytes(data[:-900])
    with refused(PictureError, giants / "in.tif", "cut short"):
        open_run(job(giants))
    assert [path.name for path in giants.iterdir()] == ["in.tif"]


def test_a_small_picture_with_room_for_it_is_held(tmp_path: Path) -> None:
    write(Picture.from_array(noisy(80, 90)), tmp_path / "in.tif")
    assert not isinstance(open_run(job(tmp_path)).input, LargeFile)


def test_the_plan_counts_the_tiles(giants: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(Picture.from_array(noisy(200, 200)), giants / "in.tif")
    arguments = ["denoise", str(giants / "in.tif"), "--sigma", "25", "--tile", "64", "--dry-run"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "200×200" in said
    assert "tiles: 36" in said
