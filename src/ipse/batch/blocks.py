"""y = ⋃ y_k ↦ x* = ⋃ x*_k: a dask array restored block by block, each with a halo of its neighbours, lazily.

Every block is a restoration of its own; its seed comes of the one seed and of where the block lies, so that the result
does not hang on who computes which block, or when. One map takes all blocks' samples to [0, 1].
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
    """Restore a large array block by block; nothing is computed before it is asked for.

    Args:
        array: (H, W), (H, W, C) or (C, H, W), any real dtype; the same comes back. Channels become one chunk.
        task: one that sees its picture in parts and keeps its size: "denoise", "dejpeg", …
        settings: of every block; ``seed`` is the one from which the blocks' come.
        options: the task's own. What a task would estimate, such as sigma, it estimates in each block: tell it.
        halo: pixels of its neighbours that a block sees on each side.
        channel_axis: of an array with three axes; None takes the last.
        span: the values that are 0 and 1 in a picture; needed but for booleans and unsigned 8- and 16-bit integers,
            whose type is the scale: of 12 bits in 16 tell (0, 4095), since no block knows what the others hold.

    Raises:
        OptionError: an array, a task or an option that this cannot be done with.
    """
    told = dict(options or {})
    check(array, task, told, halo)
    axis = None if array.ndim == 2 else (-1 if channel_axis is None else channel_axis) % 3
    if axis == 1:
        raise OptionError("channel_axis 1 lies between rows and columns: give 0 or -1")
    one: Any = {axis: -1}
    whole = array if axis is None else array.rechunk(one)
    depth = {index: 0 if index == axis else halo for index in range(array.ndim)}
    levels = levels_for(array.dtype, span)
    return whole.map_overlap(
        restored, depth=depth, boundary="none", dtype=array.dtype, meta=np.empty((0,) * array.ndim, array.dtype),
        task=task, settings=settings, options=told, axis=axis, levels=levels,
    )  # fmt: skip


def check(array: "da.Array", task: str, options: Mapping[str, Any], halo: int) -> None:
    """Refuse what cannot be done block by block.

    Raises:
        OptionError: says what.
    """
    if array.ndim not in (2, 3):
        raise OptionError(f"the array has {array.ndim} axes: give (H, W), (H, W, C) or (C, H, W)")
    if tasks.sees(task) != "parts" or tasks.panels(task) or enlargement(options) != 1:
        raise OptionError(f"{task} does not keep a picture's parts: blocks are for tasks that do, as denoise")
    if options.get("mask") is not None:
        raise OptionError(
            "a mask lies over the whole picture, not over each block: restore it by 'ipse restore'"
        )
    if halo < 0:
        raise OptionError(f"halo {halo} is negative: give 0 pixels or more")


def levels_for(dtype: np.dtype[Any], span: tuple[float, float] | None) -> Levels:
    """Return the one map from samples to pixels.

    Raises:
        OptionError: nobody has told the range, or it is empty.
    """
    if span is None:
        if dtype.name not in DISPLAY:
            raise OptionError(f"{dtype} has no range that all blocks share: give span=(lowest, highest)")
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
    from ipse.streams.tiles import restore

    place = block_info[0]["chunk-location"]
    picture = Picture.from_array(samples, channel_axis=-1 if axis is None else axis, name=f"block {place}")
    made = restore(
        replace(picture, levels=levels), task, replace(settings, seed=seed_of(settings, place)), options
    )
    return made.picture.to_array()


def seed_of(settings: Settings, place: tuple[int, ...]) -> int:
    """Return the seed of the block at a place."""
    state = np.random.SeedSequence([settings.seed, *place]).generate_state(1, np.uint64)
    return int(state[0]) >> 2  # room for those of several seeds that follow
