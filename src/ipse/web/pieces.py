"""A region of the upright view ↦ a crop of the picture, with the estimates of the whole picture."""

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

Box = tuple[int, int, int, int]  # left, top, width and height, in pixels of the upright view


class Region(WholeFile):
    """A trial on a region, restored like a tile of the picture, with the estimates of the whole.

    Args:
        job: the job on the whole picture.
        box: the region.
    """

    def __init__(self, job: Job, box: Box) -> None:
        super().__init__(job)
        self.unchanged = None  # the file is not the same as the crop
        self.picture, options = cropped(self.picture, box, job.task, job.settings, job.options)
        self.job = replace(job, options=options, settings=replace(job.settings, tile=0))


def cropped(
    picture: Picture, region: Box, task: str, settings: Settings, options: Mapping[str, Any]
) -> tuple[Picture, Mapping[str, Any]]:
    """Return a crop of a picture, and a task's options for it.

    Args:
        picture: the whole picture.
        region: left, top, width and height, in pixels of the upright view.
        task: the task, which analyses the whole picture.
        settings: settings of the task.
        options: the task's own options, for the whole picture.
    """
    from ipse.engine.problem import Nothing
    from ipse.streams.tiles import options_within

    rows, columns = place_of(region, picture)
    found = tasks.look(task)(picture, settings, **options)
    told = options if isinstance(found, Nothing) else options_within(found, picture.size, rows, columns)
    return picture.crop(rows, columns), told


def place_of(region: tuple[int, int, int, int], picture: Picture) -> tuple[slice, slice]:
    """Return rows and columns of the stored pixels, aligned to JPEG blocks."""
    left, top, width, height = region
    marked = np.zeros(upright_size(picture), np.float32)
    marked[top : top + height, left : left + width] = 1
    marked = stored(marked, picture.orientation)
    rows, columns = (np.flatnonzero(marked.any(axis=axis)) for axis in (1, 0))
    top, left = (int(line[0]) // 32 * 32 for line in (rows, columns))
    return slice(top, int(rows[-1]) + 1), slice(left, int(columns[-1]) + 1)
