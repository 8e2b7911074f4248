"""A region of the upright view ↦ a piece of the picture, with what was found in the whole."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ipse import tasks
from ipse.pictures import Picture
from ipse.pictures.mask import stored
from ipse.pictures.views import upright_size
from ipse.runs.inputs import WholeFile
from ipse.runs.job import Job
from ipse.settings import Settings

Box = tuple[int, int, int, int]  # left, top, width, height, in pixels of the upright view


class Region(WholeFile):
    """A trial on a region: as the tile of a whole picture, with what was found in the whole.

    Args:
        job: the job on the whole picture.
        box: the region.
    """

    def __init__(self, job: Job, box: Box) -> None:
        super().__init__(job)
        self.unchanged = None  # the whole file is not the piece
        self.picture, options = cropped(self.picture, box, job.task, job.settings, job.options)
        self.job = replace(job, options=options, settings=replace(job.settings, tile=0))


def cropped(
    picture: Picture, region: Box, task: str, settings: Settings, options: Mapping[str, Any]
) -> tuple[Picture, Mapping[str, Any]]:
    """Return a piece of a picture, and a task's options for it.

    Args:
        picture: the whole.
        region: left, top, width, height, in pixels of the upright view.
        task: the task, which looks at the whole.
        settings: as for the task.
        options: the task's own, of the whole.
    """
    from ipse.engine.problem import Nothing
    from ipse.streams.tiles import options_within

    rows, columns = place_of(region, picture)
    found = tasks.look(task)(picture, settings, **options)
    told = options if isinstance(found, Nothing) else options_within(found, picture.size, rows, columns)
    return picture.crop(rows, columns), told


def place_of(region: tuple[int, int, int, int], picture: Picture) -> tuple[slice, slice]:
    """Return rows and columns of the stored pixels; they begin where any JPEG's blocks do."""
    left, top, width, height = region
    marked = np.zeros(upright_size(picture), np.float32)
    marked[top : top + height, left : left + width] = 1
    marked = stored(marked, picture.orientation)
    rows, columns = (np.flatnonzero(marked.any(axis=axis)) for axis in (1, 0))
    top, left = (int(line[0]) // 32 * 32 for line in (rows, columns))
    return slice(top, int(rows[-1]) + 1), slice(left, int(columns[-1]) + 1)
