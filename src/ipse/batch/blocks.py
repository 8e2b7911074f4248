"""y = ⋃ y_k ↦ x* = ⋃ x*_k: restore a dask array lazily, block by block, each with a halo of its neighbours.

Every block is restored independently. Its seed is derived from ``settings.seed`` and the block's position, so that the
result does not depend on which worker computes a block, or when. All blocks share one mapping of samples to [0, 1].
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ipse import tasks
from ipse.errors import OptionError
from ipse.pictures import Picture
from ipse.pictures.levels import Levels, full_scale
from ipse.pictures.tiling import enlargement
from ipse.settings import Settings

if TYPE_CHECKING:
    import dask.array as da

HALO = 32  # pixels
DISPLAY = ("bool", "uint8", "uint16")  # types whose full scale is the picture's


def restore_blocks(
    array: "da.Array",
    *,
    task: str,
    settings: Settings = Settings(),
    options: Mapping[str, Any] | None = None,
    halo: int = HALO,
    channel_axis: int | None = None,
    span: tuple[float, float] | None = None,
) -> "da.Array":
    """Restore a large array block by block. The result is lazy: nothing is computed until you ask for it.

    Args:
        array: (H, W), (H, W, C) or (C, H, W), any real dtype; the result has the same shape and dtype. The channels
            are merged into one chunk.
        task: a task that can be tiled and keeps the picture's size: "denoise", "dejpeg", …
        settings: applied to every block; each block's seed is derived from ``seed``.
        options: the task's own options. Give those that would otherwise be estimated in each block, such as sigma.
        halo: pixels of its neighbours that a block sees on each side.
        channel_axis: the channel axis of an array with three axes; None means the last.
        span: the values that map to 0 and 1. Needed for all types but booleans and unsigned 8- and 16-bit integers,
            whose type gives the range; for 12 bits stored in 16 give (0, 4095), since no block sees the others.

    Raises:
        OptionError: the array, the task or an option does not allow restoring by blocks.
    """
    told = dict(options or {})
    check(array, task, told, halo)
    axis = None if array.ndim == 2 else (-1 if channel_axis is None else channel_axis) % 3
    if axis == 1:
        raise OptionError("channel_axis 1 is between rows and columns: give 0 or -1")
    one: Any = {axis: -1}
    whole = array if axis is None else array.rechunk(one)
    depth = {index: 0 if index == axis else halo for index in range(array.ndim)}
    levels = levels_for(array.dtype, span)
    return whole.map_overlap(
        restored, depth=depth, boundary="none", dtype=array.dtype, meta=np.empty((0,) * array.ndim, array.dtype),
        task=task, settings=settings, options=told, axis=axis, levels=levels,
    )  # fmt: skip


def check(array: "da.Array", task: str, options: Mapping[str, Any], halo: int) -> None:
    """Check that the task can be run block by block.

    Raises:
        OptionError: it cannot; the message says why.
    """
    if array.ndim not in (2, 3):
        raise OptionError(f"the array has {array.ndim} axes: give (H, W), (H, W, C) or (C, H, W)")
    if tasks.sees(task) != "parts" or tasks.panels(task) or enlargement(options) != 1:
        raise OptionError(
            f"{task} cannot be run block by block: use a task that keeps the size, such as denoise"
        )
    if options.get("mask") is not None or options.get("find") is not None:
        raise OptionError(
            "a mask covers the whole picture, not each block: use the command 'ipse restore' instead"
        )
    if halo < 0:
        raise OptionError(f"halo {halo} is negative: give 0 pixels or more")


def levels_for(dtype: np.dtype[Any], span: tuple[float, float] | None) -> Levels:
    """Return the mapping from samples to pixels that all blocks share.

    Raises:
        OptionError: the range is not known, or empty.
    """
    if span is None:
        if dtype.name not in DISPLAY:
            raise OptionError(
                f"{dtype} has no fixed range that all blocks could share: give span=(lowest, highest)"
            )
        return Levels(0.0, full_scale(dtype))
    low, high = span
    if not low < high:
        raise OptionError(f"span {span} is empty: give (lowest, highest)")
    return Levels(float(low), float(high) - float(low))


def restored(
    samples: NDArray[Any],
    *,
    task: str,
    settings: Settings,
    options: Mapping[str, Any],
    axis: int | None,
    levels: Levels,
    block_info: Any = None,
) -> NDArray[Any]:
    """Restore one block, with its halo."""
    from ipse.streams.open import restore

    place = block_info[0]["chunk-location"]
    picture = Picture.from_array(samples, channel_axis=-1 if axis is None else axis, name=f"block {place}")
    made = restore(
        replace(picture, levels=levels), task, replace(settings, seed=seed_of(settings, place)), options
    )
    return made.picture.to_array()


def seed_of(settings: Settings, place: tuple[int, ...]) -> int:
    """Return the seed of the block at a place."""
    state = np.random.SeedSequence([settings.seed, *place]).generate_state(1, np.uint64)
    return int(state[0]) >> 2  # leaves room for the seeds that follow it when there are several
