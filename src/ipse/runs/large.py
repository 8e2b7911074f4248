"""Input of runs: a large picture, which is read window by window."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ipse import tasks
from ipse.errors import OutputError, RunError
from ipse.pictures import check_target
from ipse.pictures.files import stamp
from ipse.pictures.large import FORMATS, Draft, Source, encode
from ipse.pictures.large.mask import busiest, missing_in, tiles_with
from ipse.pictures.large.open import is_zarr
from ipse.pictures.large.source import bands
from ipse.pictures.mask import Known
from ipse.pictures.tiling import MULTIPLE, count, enlargement, side_for
from ipse.runs.inputs import Fitted, InParts
from ipse.runs.job import Job
from ipse.runs.plan import SIDE, Plan, fits_the_whole, plan
from ipse.settings import Settings

if TYPE_CHECKING:
    from ipse.streams.stream import Stream


class LargeFile(InParts):
    """A large picture as an input.

    Args:
        job: the job, with a source and a target.
        source: its picture.
    """

    def __init__(self, job: Job, source: Source) -> None:
        self.source, factor = source, enlargement(job.options)
        self.side = side_for(source.size, told=job.settings.tile, factor=factor) or _whole(source.size)
        height, width = (min(self.side, side) for side in source.size)
        first = source.crop(slice(0, height), slice(0, width))
        super().__init__(job, replace(first, frames=source.frames))
        self.shape = (source.size[0] * factor, source.size[1] * factor, source.samples)
        self.dtype = source.dtype
        self.over = {path: stamp(path) for path in job.options.values() if isinstance(path, Path)}
        settle = tasks.laid(job.task)
        self.settled = (
            job.options if settle is None else settle(source, **job.options)
        )  #: options with their masks opened

    def check_target(self, target: Path, *, overwrite: bool) -> str:
        """Return the format of the output, after checking that it can be written part by part."""
        size = self.shape[:2]
        name = "ZARR"
        if not is_zarr(target):
            name = check_target(self.picture, target, overwrite=overwrite, size=size)
        if name not in FORMATS:
            raise OutputError(
                f"{target}: {name} cannot be written part by part, as needed for a picture of "
                f"{size[1]}×{size[0]}: give .tif, .png, .jpg or .zarr"
            )
        return name

    def stream(self, draft: Draft) -> "Stream":
        """Open the restoration, tile by tile; PyTorch is imported here."""
        from ipse.streams.parts import Parts
        from ipse.streams.sums import SumInDraft
        from ipse.streams.tiles import Tiles

        cut = Tiles(self.source, self.job.task, self.job.settings, self.settled, side=self.side)
        return Parts(cut, SumInDraft(cut, self.source, draft))

    def fitted(self, settings: Settings) -> Iterator[Fitted]:
        """A tile, with its part of the masks."""
        from ipse.streams.tiles import options_within

        place = (slice(0, side) for side in self.picture.size)
        yield self.picture, settings, options_within(self.settled, self.source.size, *place)

    def plan(self) -> Plan:
        """seconds ≈ K · t + t₀: K tiles that miss anything, or all there are, and a fit of the whole made small.

        The tile that is measured is the one of which most is missing where a mask lies over the picture.
        """
        from ipse.streams.tiles import options_within  # imports PyTorch

        job, size, side = self.job, self.source.size, self.side
        place, tiles = self.measured()
        picture, options = self.source.crop(*place), options_within(self.settled, size, *place)
        made = plan(picture, job.task, job.settings, options)
        seconds = made.seconds * tiles
        if fits_the_whole(job.task, self.settled):
            deep = options | {"mask": np.ones(picture.size, np.bool_)}  # for which a plan assumes a hole
            seconds += plan(picture, job.task, job.settings, deep).seconds
        band = 4 * self.source.channels * side * size[1] * self.factor**2
        return replace(
            made,
            size=size,
            tiles=count(size, tile=side, factor=self.factor),
            seconds=round(min(seconds, job.settings.seconds or float("inf")), 3),
            memory=made.memory + 2 * band,
        )

    def measured(self) -> tuple[tuple[slice, slice], int]:
        """The position of the tile that is measured for a plan, and the number of tiles to fit."""
        size, side, known = self.source.size, self.side, self.settled.get("mask")
        if not isinstance(known, Known):
            return (slice(0, min(side, size[0])), slice(0, min(side, size[1]))), count(
                size, tile=side, factor=self.factor
            )
        missing = missing_in(known)
        return busiest(missing, size, side, min(side, SIDE)), tiles_with(missing, size, side)

    def check_unchanged(self) -> None:
        """Check that neither the file nor a mask has changed during the run."""
        super().check_unchanged()
        changed = [path for path, seen in self.over.items() if stamp(path) != seen]
        if changed:
            raise RunError(f"{changed[0]}: has changed during the run; nothing was written: run it again")

    def copy(self, draft: Draft) -> None:
        """Copy the picture to the draft unchanged."""
        from ipse.streams.sums import samples_of

        for rows in bands(self.source.size[0]):
            draft.write(rows.start, samples_of(self.source.crop(rows, slice(0, self.source.size[1]))))

    def encode(self, draft: Draft, part: Path, *, format: str) -> None:
        """Write the draft in the output's format."""
        encode(draft, part, like=self.picture, format=format)

    def pixels_sha256(self, draft: Draft) -> str:
        """The hash of the pixels, as for a picture in memory: colours, then alpha."""
        return draft.sha256(self.source.channels, alpha=self.source.alpha)


def _whole(size: tuple[int, int]) -> int:
    """The side of a single tile that covers the picture."""
    return -(-max(size) // MULTIPLE) * MULTIPLE
