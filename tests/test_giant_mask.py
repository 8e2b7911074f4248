"""A giant picture with a mask is filled through windows of both: as in memory, and no more of it is read or fitted."""

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from dusty import SIZE, WAVES, dust, given, hole
from PIL import Image
from refusals import refused
from runs import open_whole, pulled

from ipse.batch import restore_many
from ipse.cli import main
from ipse.errors import MaskError, RunError
from ipse.pictures import read
from ipse.pictures.large import opened
from ipse.pictures.large.mask import busiest, known_in, missing_in, tiles_with
from ipse.runs.job import Job
from ipse.runs.large import LargeFile
from ipse.runs.open import open_run
from ipse.settings import Settings
from ipse.streams.parts import Parts
from ipse.streams.restoration import Restoration

SETTINGS = Settings(preset="fast", tile=64, steps=2)


def job(folder: Path, target: str = "out.tif", **changes: Any) -> Job:
    told = {"mask": folder / "mask.png"}
    return replace(
        Job("inpaint", folder / "in.tif", folder / target, settings=SETTINGS, options=told), **changes
    )


@pytest.mark.parametrize(("missing", "channels"), [(dust(), 3), (hole(), 1)], ids=["dust", "hole"])
def test_it_is_what_tiles_in_memory_give(missing: np.ndarray, channels: int, giants: Path) -> None:
    given(giants, missing, channels=channels)
    run = open_run(job(giants))
    assert isinstance(run.input, LargeFile)
    said, wanted = pulled(run), pulled(open_whole(job(giants, "whole.tif")))
    same = ("pixels_sha256", "input_sha256", "tiles", "estimates", "steps", "reason", "options")
    assert {name: getattr(said, name) for name in same} == {name: getattr(wanted, name) for name in same}
    assert said.estimates["missing"] == round(missing.mean(), 4)
    before, after = (read(giants / name).samples for name in ("in.tif", "out.tif"))
    np.testing.assert_array_equal(after[~missing], before[~missing])
    assert (after[missing] != before[missing]).mean() > 0.9


def test_tiles_that_miss_nothing_are_not_fitted(giants: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given(giants, dust())
    fitted: list[int] = []

    def watched(self: Restoration, problem: Any) -> Any:
        fitted.append(1)
        return estimates(self, problem)

    estimates = Restoration.estimates
    monkeypatch.setattr(Restoration, "estimates", watched)
    run = open_run(job(giants))
    assert isinstance(run.input, LargeFile)
    pulled(run)
    missing = missing_in(run.input.settled["mask"])
    assert len(fitted) == tiles_with(missing, SIZE, 64) == 4
    assert int(missing.sum()) == dust().sum()


def test_what_is_known_comes_back_to_the_bit_whatever_the_type(giants: Path) -> None:
    missing, values = dust(), np.random.default_rng(0).normal(0, 1e3, SIZE)
    values[missing] = 0
    tifffile.imwrite(giants / "in.tif", values)
    Image.fromarray(np.uint8(255) * missing).save(giants / "mask.png")
    pulled(open_run(job(giants)))
    after = tifffile.imread(giants / "out.tif")
    assert after.dtype == np.float64
    np.testing.assert_array_equal(after[~missing], values[~missing])
    assert (after[missing] != 0).all()


def test_only_windows_are_read(giants: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given(giants, hole())
    monkeypatch.setattr("ipse.pictures.shown.ROOM", 16 * SIZE[1])
    monkeypatch.setattr("ipse.pictures.coarse.BAND", 16)
    wanted = pulled(open_whole(job(giants, "whole.tif")))
    run = open_run(job(giants))
    assert isinstance(run.input, LargeFile)
    assert isinstance(run.stream, Parts)  # it has looked at squares of the picture
    seen: list[int] = []
    for one in (run.input.source, run.input.settled["mask"].marks.mask):
        window = one.window

        def watched(rows: slice, columns: slice, window: Any = window) -> np.ndarray:
            seen.append((rows.stop - rows.start) * (columns.stop - columns.start))
            return window(rows, columns)

        object.__setattr__(one, "window", watched)
    said = pulled(run)
    assert max(seen) <= 64 * SIZE[1]
    assert said.pixels_sha256 == wanted.pixels_sha256


def test_what_was_killed_goes_on_to_the_same_bytes(giants: Path) -> None:
    given(giants, hole())
    wanted = pulled(open_run(job(giants, "whole.tif")))
    saved: dict[str, Any] = {"checkpoint": giants / "saved", "every": 0.0}
    run = open_run(job(giants, **saved))
    for _ in run:
        if run.stream.done["tiles"] == 2:
            break
    del run
    gc.collect()
    again = open_run(job(giants, resume=True, **saved))
    for _ in again:
        assert isinstance(again.stream, Parts)
        assert not again.stream.preliminary
    said = again.finish()
    assert (said.pixels_sha256, said.output_sha256) == (wanted.pixels_sha256, wanted.output_sha256)


def test_what_is_cancelled_has_the_coarse_fill_where_no_tile_was_reached(giants: Path) -> None:
    given(giants, hole())
    run = open_run(job(giants))
    for _ in run:
        if run.stream.done["tiles"] == 1:
            break
    said = run.finish(cancelled=True)
    assert "downsampled picture" in said.reason
    after = read(giants / "out.tif").samples
    np.testing.assert_array_equal(after[~hole()], WAVES[~hole()])
    assert (after[hole()] == 255).mean() < 0.1


def test_a_mask_that_changes_is_noticed(giants: Path) -> None:
    given(giants, dust())
    run = open_run(job(giants))
    for _ in run:
        pass
    Image.fromarray(np.uint8(255) * hole()).save(giants / "mask.png")
    with refused(RunError, giants / "mask.png", "changed"):
        run.finish()
    assert not (giants / "out.tif").exists()


def test_refusals(giants: Path) -> None:
    given(giants, dust())
    place = giants / "mask.png"
    for marks, words in (
        (np.zeros((112, 126)), ("126×112", "125×112")),
        (np.zeros((125, 112)), ("112×125", "125×112")),
        (np.zeros(SIZE), ("black all over",)),
        (np.full(SIZE, 255), ("white all over",)),
    ):
        Image.fromarray(marks.astype(np.uint8)).save(place)
        with refused(MaskError, place, *words):
            open_run(job(giants))
    place.write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    with refused(MaskError, place):
        open_run(job(giants))
    with refused(MaskError, "none.png"):
        known_in(giants / "none.png", opened(giants / "in.tif"))  # type: ignore[arg-type]
    assert main(["inpaint", str(giants / "in.tif"), "--mask", str(place), "-o", str(giants / "o.tif")]) == 2
    assert {path.name for path in giants.iterdir()} == {"in.tif", "mask.png"}


def test_a_plan_counts_the_tiles_that_miss_anything(giants: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given(giants, dust())
    line = [
        "inpaint",
        str(giants / "in.tif"),
        "--mask",
        str(giants / "mask.png"),
        "--tile",
        "64",
        "--dry-run",
    ]
    assert main([*line, "-o", str(giants / "out.tif")]) == 0
    said = capsys.readouterr().out
    assert "125×112" in said
    assert "tiles: 9" in said
    missing = np.zeros((20, 20), np.int64)
    missing[12, 3] = 5
    rows, columns = busiest(missing, (640, 640), 256, 128)
    assert rows.start + 64 <= 12 * 32 < rows.stop - 64
    assert columns.start == 0
    assert columns.stop == 256


def test_a_folder_of_scans_with_a_folder_of_masks(giants: Path) -> None:
    (giants / "scans").mkdir()
    (giants / "masks").mkdir()
    given(giants, dust())
    (giants / "in.tif").rename(giants / "scans" / "one.tif")
    (giants / "mask.png").rename(giants / "masks" / "one.png")
    told = {"mask": giants / "masks"}
    one = job(giants, source=giants / "scans" / "one.tif", options=told)
    records = list(restore_many([one]))
    assert [record.state for record in records] == ["done"]
    after = read(giants / "out.tif").samples
    np.testing.assert_array_equal(after[~dust()], WAVES[~dust()])
