"""Several seeds: average and deviation are NumPy's, a run counts as done or not at all, and files are kept."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
import stubs
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from runs import open_whole, pulled

import ipse
from ipse.cli import main
from ipse.errors import InputError, OptionError, OutputError, RunError
from ipse.runs import disagreement, plan
from ipse.runs.job import Job
from ipse.runs.receipt import Receipt, beside
from ipse.runs.rerun import repeated
from ipse.settings import Settings
from ipse.streams.average import Moments
from ipse.streams.forecast import Forecast
from ipse.streams.open import open_stream
from ipse.streams.parts import Parts
from ipse.streams.seeds import Seeds

X = np.random.default_rng(0).random((24, 20, 3)).astype(np.float32)
FREE = {"quiet_pilot": True}  # without a pilot that is better than so short a fit, and the same for all seeds
PICTURE = ipse.Picture.from_array(X)


@pytest.fixture(autouse=True)
def _stub(monkeypatch):
    stubs.install(monkeypatch)


@pytest.fixture
def job(tmp_path):
    stubs.noisy(tmp_path / "in.png")
    settings = Settings(steps=6, seed=3, seeds=3)
    return Job("smooth", tmp_path / "in.png", tmp_path / "out.png", settings=settings, options=FREE)


def restored(**given):
    return ipse.restore(X, "smooth", steps=5, **given)


def files(folder):
    """The bytes of all that a run wrote but its receipt, which tells the time."""
    found = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".json"]
    return {path.name: path.read_bytes() for path in found}


@given(st.integers(2, 9), st.integers(1, 4), st.integers(0, 99))
def test_moments_are_those_of_numpy(count, channels, seed):
    draws = np.random.default_rng(seed).random((count, channels, 5, 4)).astype(np.float32)
    moments = Moments.of(draws[0])
    for draw in draws[1:]:
        moments = moments.with_(draw)
    np.testing.assert_allclose(moments.mean, draws.mean(0), atol=1e-6)
    deviation = np.sqrt(draws.var(0, ddof=1).mean(0))
    assert moments.deviation is not None
    np.testing.assert_allclose(moments.deviation, deviation, atol=1e-5)
    assert (moments.mean.dtype, moments.deviation.dtype) == (np.float32, np.float32)


def test_equal_pictures_agree_to_the_bit():
    moments = Moments.of(PICTURE.pixels)
    assert moments.deviation is None
    for _ in range(6):
        moments = moments.with_(PICTURE.pixels)
    assert np.array_equal(moments.mean, PICTURE.pixels)
    assert moments.deviation is not None
    assert not moments.deviation.any()


def test_the_average_and_the_disagreement_are_those_of_the_single_runs():
    runs = np.stack([restored(seed=7 + index).image for index in range(4)])
    result = restored(seed=7, seeds=4)
    np.testing.assert_allclose(result.image, runs.mean(0), atol=1e-6)
    np.testing.assert_allclose(result.disagreement, np.sqrt(runs.var(0, ddof=1).mean(-1)), atol=1e-5)
    assert result.disagreement.shape == (24, 20)
    assert result.disagreement.dtype == np.float32
    assert result.disagreement.max() > 1e-4, "the runs must differ, or nothing was tested"
    assert (result.reason, result.steps) == ("the average of 4 seeds", 20)


def test_one_seed_is_a_plain_restoration():
    assert type(open_stream(PICTURE, "smooth", Settings(seeds=1))) is ipse.Restoration
    result = restored(seeds=1)
    assert np.array_equal(result.image, restored().image)
    assert result.disagreement is None


def test_known_pixels_come_back_to_the_bit():
    mask = np.zeros((24, 20), np.bool_)
    mask[4:9, 5:12] = True
    result = restored(seeds=3, mask=mask)
    assert np.array_equal(result.image[~mask], X[~mask])
    assert not np.array_equal(result.image[mask], X[mask])


def test_nothing_to_restore_is_the_picture_itself():
    flat = np.full((9, 8), 0.25)
    result = ipse.restore(flat, "smooth", seeds=3)
    assert result.unchanged
    assert np.array_equal(result.image, flat)
    assert result.disagreement is None


def until(stream, *, seed, step):
    """Pull to one step of one run."""
    for event in stream:
        if stream.index == seed and getattr(event, "step", 0) == step:
            return stream.result()
    raise AssertionError("the stream ended before")


def test_left_in_the_first_run_it_is_that_run_so_far():
    stream = ipse.Restoration(PICTURE, "smooth", Settings(steps=5))
    for event in stream:
        if getattr(event, "step", 0) == 3:
            break
    result = until(Seeds(PICTURE, "smooth", Settings(steps=5, seeds=3)), seed=0, step=3)
    assert np.array_equal(result.image, stream.result().image)
    assert result.disagreement is None


def test_left_later_it_is_the_average_of_the_runs_that_are_done():
    result = until(Seeds(PICTURE, "smooth", Settings(steps=5, seeds=4)), seed=2, step=3)
    assert np.array_equal(result.image, restored(seeds=2).image)
    assert np.array_equal(result.disagreement, restored(seeds=2).disagreement)
    assert result.reason == "cancelled; the average of 2 of 4 seeds"
    one = until(Seeds(PICTURE, "smooth", Settings(steps=5, seeds=4)), seed=1, step=1)
    assert np.array_equal(one.image, restored().image)
    assert one.disagreement is None


def test_before_any_estimate_there_is_no_result():
    stream = Seeds(PICTURE, "smooth", Settings(seeds=2))
    assert not stream.has_estimate
    with pytest.raises(RunError, match="before the first estimate"):
        stream.result()


def test_the_time_is_shared_out():
    stream = Seeds(PICTURE, "smooth", Settings(steps=10**6, seeds=4, seconds=0.4), {"wait": 0.005})
    spent = [stream.inner.settings.seconds for _ in stream if stream.inner]
    assert stream.result().seconds < 0.8
    assert spent[0] == pytest.approx(0.1)
    assert max(spent) <= 0.4 / 2
    assert {reach[1] > 0 for reach in stream.reach} == {True}


def test_no_run_is_begun_once_the_time_is_used_up():
    stream = Seeds(PICTURE, "smooth", Settings(steps=1, seeds=50, seconds=0.001), {"wait": 0.01})
    for _ in stream:
        pass
    assert stream.index < 50
    assert "the time is used up" in stream.result().reason


def test_a_single_restoration_refuses_several_seeds():
    with pytest.raises(OptionError, match=r"ipse\.Seeds"):
        next(iter(ipse.Restoration(PICTURE, "smooth", Settings(seeds=2))))


@pytest.mark.parametrize("seeds", [0, -1, 1.5, float("nan"), 10**9])
def test_other_numbers_of_seeds_are_refused(seeds):
    with pytest.raises(OptionError, match=f"seeds {seeds}"):
        Settings(seeds=seeds)


def test_the_last_seed_must_be_one_too():
    Settings(seed=2**63 - 2, seeds=2)
    with pytest.raises(OptionError, match="too large for 3 seeds"):
        Settings(seed=2**63 - 2, seeds=3)


@pytest.mark.parametrize("seeds", ["0", "-1", "1.5", "many"])
def test_the_command_refuses_them_in_one_line(seeds, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stubs.noisy(tmp_path / "in.png")
    assert main(["smooth", "in.png", "--seeds", seeds]) == 2
    said = capsys.readouterr().err.strip()
    assert seeds in said
    assert "\n" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


@pytest.mark.parametrize("more", [{"snapshots": True}, {"strength": 0.5}])
def test_points_of_one_fit_are_not_taken_of_several(job, more):
    with pytest.raises(OptionError, match="--seeds"):
        open_whole(dataclasses.replace(job, **more))


def test_the_command_writes_the_map_its_view_and_a_summary(job, tmp_path):
    said = pulled(open_whole(job))
    deviation = tifffile.imread(tmp_path / "out.png.disagreement.tif")
    want = ipse.restore(tmp_path / "in.png", "smooth", steps=6, seed=3, seeds=3, **FREE)
    assert np.array_equal(deviation, want.disagreement)
    assert deviation.dtype == np.float32
    with Image.open(tmp_path / "out.png.disagreement.png") as view:
        assert (view.size, view.mode) == ((20, 24), "RGB")
    about = said.disagreement
    assert about["mean"] == pytest.approx(deviation.mean())
    assert about["p99"] == about["view_top"] == pytest.approx(np.percentile(deviation, 99))
    assert about["map"] == str(tmp_path / "out.png.disagreement.tif")
    assert said.runs == [[0, 6]] * 3
    assert Receipt.read(beside(job.target)) == said


def test_the_view_grows_in_lightness_and_keeps_the_ends_of_its_scale():
    ramp = np.linspace(0, 1, 500, dtype=np.float32)[None]
    colours = disagreement.coloured(ramp).astype(np.float64)[0]
    assert np.all(np.diff(colours @ [0.2126, 0.7152, 0.0722]) > -1)
    assert disagreement.coloured(ramp)[0, 0].tolist() == [0x44, 0x01, 0x54]
    assert disagreement.coloured(ramp)[0, -1].tolist() == [0xFD, 0xE7, 0x25]
    assert np.unique(disagreement.coloured(np.zeros((3, 4), np.float32)).reshape(-1, 3), axis=0).shape == (
        1,
        3,
    )


def test_the_map_is_turned_as_the_output_is(tmp_path, job):
    with Image.open(job.source) as image:
        exif = Image.Exif()
        exif[274] = 6
        image.save(tmp_path / "turned.png", exif=exif)
    pulled(open_whole(dataclasses.replace(job, source=tmp_path / "turned.png")))
    for name in ("out.png", "out.png.disagreement.png", "out.png.disagreement.tif"):
        assert ipse.pictures.read(tmp_path / name).orientation == 6


@pytest.mark.parametrize("suffix", [disagreement.MAP, disagreement.VIEW])
def test_a_file_in_its_place_is_refused_before_the_fit_and_kept(suffix, job, tmp_path):
    there = tmp_path / f"out.png{suffix}"
    there.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists already"):
        open_whole(job)
    assert there.read_bytes() == b"precious"
    open_whole(dataclasses.replace(job, settings=Settings()))  # one seed has no map to put there
    pulled(open_whole(dataclasses.replace(job, overwrite=True)))
    assert there.read_bytes() != b"precious"


@pytest.mark.parametrize("left", [(0, 2), (1, 3), (2, 6)])
@pytest.mark.parametrize("options", [{}, FREE])
def test_resumed_is_uninterrupted(left, options, job, tmp_path):
    job = dataclasses.replace(job, options=options)
    (tmp_path / "whole").mkdir()
    pulled(open_whole(dataclasses.replace(job, target=tmp_path / "whole" / "out.png")))
    saving = dataclasses.replace(job, checkpoint=tmp_path / "fit", every=0.0)
    run = open_whole(saving)
    for event in run:
        if (run.stream.index, getattr(event, "step", 0)) == left:
            break  # as a kill would
    del run
    again = open_whole(dataclasses.replace(saving, resume=True))
    steps = [(again.stream.index, event.step) for event in again if hasattr(event, "step")]
    again.finish()
    order = list(itertools.product(range(3), range(1, 7)))
    assert steps == order[order.index(left) + 1 :] or steps == order[order.index(left) :]
    whole = files(tmp_path / "whole")
    assert {name: files(tmp_path)[name] for name in whole} == whole
    assert len(whole) == 3
    assert not (tmp_path / "fit").exists()


@pytest.mark.parametrize(
    ("options", "left"),
    [({}, (0, 0)), ({}, (1, 0)), ({}, (2, 3)), (FREE, (0, 2)), (FREE, (1, 3)), (FREE, (2, 1))],
)
def test_a_run_that_was_cancelled_is_repeated_to_the_byte(options, left, job, tmp_path):
    run = open_whole(dataclasses.replace(job, options=options))
    for event in run:
        if (run.stream.index, getattr(event, "step", 0)) == left:
            break
    said = run.finish(cancelled=True)
    assert len(said.runs) == max(1, left[0])
    (tmp_path / "again").mkdir()
    pulled(open_whole(repeated(said, target=tmp_path / "again" / "out.png")))
    again = files(tmp_path / "again")
    assert {name: files(tmp_path)[name] for name in again} == again
    assert len(again) == (3 if left[0] >= 2 else 1)


def test_a_run_that_a_clock_ended_is_repeated_to_the_byte(job, tmp_path):
    settings = Settings(steps=10**6, seeds=3, seconds=0.3)
    said = pulled(open_whole(dataclasses.replace(job, settings=settings, options=FREE | {"wait": 0.002})))
    assert len({steps for _, steps in said.runs} | {0}) > 1
    (tmp_path / "again").mkdir()
    slower = dataclasses.replace(said, options=FREE | {"wait": 0.0})
    made = pulled(open_whole(repeated(slower, target=tmp_path / "again" / "out.png")))
    assert made.output_sha256 == said.output_sha256
    assert made.runs == said.runs
    assert made.reason == said.reason


@pytest.mark.parametrize("runs", [[1], [[1, "x"]], [[1, 2, 3]], [None]])
def test_damaged_runs_of_a_receipt_are_refused(runs, job):
    said = dataclasses.replace(pulled(open_whole(job)), runs=runs)
    with pytest.raises(InputError, match="runs are damaged"):
        repeated(said, target=job.target)


def test_tiles_average_each_of_theirs():
    wide = ipse.Picture.from_array(np.random.default_rng(1).random((40, 150)).astype(np.float32))
    settings = Settings(steps=2, seeds=3, tile=64)
    stream = open_stream(wide, "smooth", settings)
    assert isinstance(stream, Parts)
    shown = {stream.where for event in stream if not hasattr(event, "index")}
    assert len(shown) == 3 * stream.cut.count
    assert f"tile 2 of {stream.cut.count}, seed 3 of 3, " in shown
    result = stream.result()
    runs = [
        open_stream(wide, "smooth", dataclasses.replace(settings, seeds=1, seed=seed)) for seed in range(3)
    ]
    singles = []
    for run in runs:
        for _ in run:
            pass
        singles.append(run.result().image)
    np.testing.assert_allclose(result.image, np.mean(singles, 0), atol=1e-6)
    exact = np.std(singles, 0, ddof=1)
    assert np.all(result.disagreement >= exact - 1e-5), "over an overlap it is a bound from above"
    inside = (slice(None), slice(0, 30))  # of the first tile alone
    np.testing.assert_allclose(result.disagreement[inside], exact[inside], atol=1e-5)


def test_tiles_that_were_not_reached_have_no_disagreement():
    wide = ipse.Picture.from_array(np.random.default_rng(1).random((40, 150)).astype(np.float32))
    stream = open_stream(wide, "smooth", Settings(steps=2, seeds=2, tile=64))
    for _ in stream:
        if stream.index == 1:
            break
    assert stream.result().disagreement is None


def test_the_time_left_counts_the_seeds_that_follow():
    stream = Seeds(PICTURE, "smooth", Settings(steps=4, seeds=3), {"quiet_pilot": True, "wait": 0.002})
    forecast = Forecast(stream)
    for event in stream:
        assert stream.where == f"seed {stream.index + 1} of 3, "
        rest = event.seconds / event.step * (4 - event.step)
        whole = stream.inner.posing.seconds + stream.inner.estimating.seconds + event.seconds + rest
        each = (stream.spent_before + stream.posing) / stream.index if stream.index else whole
        assert forecast.left() == pytest.approx(rest + each * (2 - stream.index))


def test_a_plan_counts_them(monkeypatch):
    monkeypatch.setattr(plan, "step_seconds", lambda _: 0.5)
    monkeypatch.setattr(plan, "pilot_seconds", lambda _: 1.0)
    one, many = (plan.plan(PICTURE, "smooth", Settings(steps=4, seeds=n), {}) for n in (1, 5))
    assert many.seconds == pytest.approx(5 * one.seconds, rel=1e-3)
    assert one.memory < many.memory < 2 * one.memory
    assert json.loads(many.to_json())["seeds"] == 5
    assert "seeds: 5" in many.to_text()
    assert "seeds" not in one.to_text()
