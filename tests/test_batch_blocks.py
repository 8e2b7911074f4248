"""A dask array, block by block: lazy, the same whoever computes it, without a trace of what lies outside the halo."""

import numpy as np
import pytest
import stubs

from ipse import batch
from ipse.errors import OptionError
from ipse.settings import Settings

da = pytest.importorskip("dask.array")


@pytest.fixture(autouse=True)
def _stub(monkeypatch):
    stubs.install(monkeypatch)


def noisy(shape, dtype=np.uint8, seed=0):
    ramp = np.linspace(40, 200, shape[1] if len(shape) == 2 or shape[2] <= 4 else shape[2])
    samples = np.random.default_rng(seed).normal(0, 20, shape)
    return (samples + (ramp[:, None] if shape[-1] <= 4 else ramp)).clip(0, 255).astype(dtype)


def restored(array, **given):
    given = {"task": "smooth", "settings": Settings(steps=2), "halo": 4} | given
    return batch.restore_blocks(array, **given)


@pytest.mark.parametrize(
    ("shape", "chunks", "axis"),
    [((40, 50), (20, 25), None), ((40, 50, 3), (20, 25, 1), None), ((3, 40, 50), (1, 20, 25), 0)],
)
def test_shape_and_type_stay_and_nothing_is_done_before_it_is_asked_for(shape, chunks, axis, monkeypatch):
    calls = []
    monkeypatch.setattr("ipse.batch.blocks.seed_of", lambda _settings, place: calls.append(place) or 1)
    y = noisy(shape)
    lazy = restored(da.from_array(y, chunks=chunks), channel_axis=axis)
    assert (lazy.shape, lazy.dtype) == (y.shape, y.dtype)
    assert calls == []
    x = lazy.compute(scheduler="sync")
    assert (x.shape, x.dtype) == (y.shape, y.dtype)
    assert len(set(calls)) == 4
    assert np.abs(x.astype(float) - y).mean() > 1  # something was done


def test_a_block_sees_its_halo_and_no_more():
    y = noisy((40, 60))
    other = y.copy()
    other[:, 30:] = noisy((40, 30), seed=5)
    one, two = (
        restored(da.from_array(a, chunks=(40, 20)), halo=5).compute(scheduler="sync") for a in (y, other)
    )
    assert (one[:, :20] == two[:, :20]).all()  # its halo ends at 25
    assert (one[:, 20:40] != two[:, 20:40]).any()


def test_the_seed_of_a_block_hangs_on_its_place_alone():
    y = da.from_array(np.tile(noisy((24, 20)), (1, 2)), chunks=(24, 20))
    settings = Settings(steps=2, seed=3)
    given = {"settings": settings, "halo": 0, "options": {"quiet_pilot": True}}
    x = restored(y, **given)
    first, again = x.compute(scheduler="sync"), x.compute(scheduler="threads")
    assert (first == again).all()
    assert (first[:, :20] != first[:, 20:]).any()  # the same samples, elsewhere
    assert (
        first != restored(y, **given | {"settings": Settings(steps=2, seed=4)}).compute(scheduler="sync")
    ).any()


def test_floats_are_restored_within_one_span():
    y = noisy((40, 40)).astype(np.float32) * 10 - 300
    x = restored(da.from_array(y, chunks=20), span=(-300, 2250)).compute(scheduler="sync")
    whole = restored(da.from_array(noisy((40, 40)), chunks=20)).compute(scheduler="sync")
    assert np.abs((x + 300) / 10 - whole).max() <= 1.0
    with pytest.raises(OptionError, match="span"):
        restored(da.from_array(y, chunks=20))


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"halo": -1}, "halo -1"),
        ({"span": (1, 1)}, "span"),
        ({"options": {"mask": "x"}}, "mask"),
        ({"options": {"factor": 2}}, "block by block"),
    ],
)
def test_what_cannot_be_done_in_blocks_is_refused(given, word):
    with pytest.raises(OptionError, match=word):
        restored(da.zeros((40, 40), np.uint8, chunks=20), **given)


def test_other_shapes_are_refused():
    with pytest.raises(OptionError, match="4 axes"):
        restored(da.zeros((2, 2, 2, 2), np.uint8))
    with pytest.raises(OptionError, match="channel_axis 1"):
        restored(da.zeros((40, 3, 40), np.uint8), channel_axis=1)
