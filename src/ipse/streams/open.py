"""(picture, task, settings, options) ↦ stream: of the whole picture, in tiles, or for several seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

from ipse import tasks
from ipse.pictures import Picture
from ipse.pictures.tiling import enlargement, side_for
from ipse.settings import Settings
from ipse.streams.seeds import whole
from ipse.streams.stream import Reach, Result, Stream
from ipse.streams.tiles import tiled


def open_stream(
    picture: Picture,
    task: str,
    settings: Settings | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    ends: Sequence[Reach] | None = None,
) -> Stream:
    """Open a restoration of the whole picture, or in tiles if it is large or ``settings.tile`` is set.

    ``ends`` is how far each of several seeds is to go, where they are repeated.
    """
    settings, options = tasks.uncut(task, settings or Settings()), options or {}
    side = side_for(picture.size, told=settings.tile, factor=enlargement(options))
    if side:
        return tiled(picture, task, settings, options, side=side)
    return whole(picture, task, settings, options, ends=ends)


def restore(
    picture: Picture, task: str, settings: Settings | None = None, options: Mapping[str, Any] | None = None
) -> Result:
    """Run the stream to its end, and return its result."""
    stream = open_stream(picture, task, settings, options)
    for _ in stream:
        pass
    return stream.result()
