"""file y[t, c, z] → Stack → Stacked → Draft → file x*: the job of a stack, under way, plane by plane.

Out comes a stack of the same shape, type and axes, with what OME or ImageJ said of it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from ipse.errors import OptionError, OutputError
from ipse.pictures import Picture
from ipse.pictures.files import check_place
from ipse.pictures.large.open import is_zarr
from ipse.pictures.large.source import bands
from ipse.pictures.stacks.slabs import NETWORK, slabs_of
from ipse.pictures.stacks.stack import CLASSIC, Stack
from ipse.pictures.tiling import enlargement, side_for
from ipse.runs.job import Job
from ipse.runs.outputs import Drafted
from ipse.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipse.pictures.levels import Samples
    from ipse.streams.stream import Stream

SUFFIXES = (".tif", ".tiff", ".zarr")


class StackRun(Drafted):
    """A job under way whose picture is a stack.

    Args:
        job: the job, with a source and a target.
        stack: its planes.

    Raises:
        InputError: for all that can be refused without a fit.
    """

    def __init__(self, job: Job, stack: Stack) -> None:
        self.stack, self.factor = stack, enlargement(job.options)
        if job.joint is not None and job.joint not in stack.axes.split("Y")[0]:
            raise OptionError(f"--joint {job.joint}: {stack.name} has axes {stack.axes}: name one before Y")
        check_joint(job)
        self.slabs = slabs_of(stack, job.joint)
        super().__init__(job)

    def first(self) -> Picture:
        """The first plane."""
        return self.stack.picture(self.stack.plane(0))

    def open(self, told: Mapping[str, Any] | None = None) -> None:
        """Look for the memory of a slab, and go on as ``Run`` does; raises what that does."""
        from ipse.runs.plan import check_memory

        picture, settings = self.planned()
        check_memory(picture, self.job.task, settings, self.job.options)
        super().open(told)

    def planned(self) -> tuple[Picture, Settings]:
        """What is fitted at once, and with which settings; of a network over depth, something that costs the same."""
        settings, count = self.job.settings, len(self.slabs[0].planes)
        planes = [self.stack.plane(one) for one in self.slabs[0].planes]
        if settings.network == NETWORK:
            return self.stack.picture(np.concatenate(planes)), replace(settings, network=None)
        side = side_for(self.stack.size, told=settings.tile, factor=self.factor, planes=count)
        return self.stack.picture(np.concatenate(planes, 2)), replace(settings, tile=side or settings.tile)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(rows of all planes, W, S) of the draft."""
        height, width = (side * self.factor for side in self.stack.size)
        return self.stack.count * height, width, self.stack.samples

    @property
    def whole(self) -> tuple[int, ...]:
        """The result's shape, in the file's order."""
        tail = (self.stack.samples,) if self.stack.axes.endswith("S") else ()
        return (*self.stack.outer, *(side * self.factor for side in self.stack.size), *tail)

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Type of the samples."""
        return self.stack.dtype

    def check_places(self) -> str:
        """Refuse every place that could not be written, or is too small; return the output's format."""
        if self.target.suffix.lower() not in SUFFIXES:
            raise OutputError(f"{self.target}: holds no stack; expected one of {', '.join(SUFFIXES)}")
        zarr = is_zarr(self.target)
        if zarr and self.stack.axes.endswith("S"):
            raise OutputError(f"{self.target}: OME-Zarr has no axis S; give .tif for interleaved colours")
        if zarr:
            self.check_folder()
        else:
            check_place(self.target, overwrite=self.job.overwrite or self.settled is not None)
        self.check_rest()
        return "ZARR" if zarr else "TIFF"

    @cached_property
    def restoration(self) -> "Stream":
        """The stream; PyTorch is imported here."""
        from ipse.streams.planes import stacked

        job = self.job
        return stacked(
            self.stack, self.draft, job.task, job.settings, job.options, joint=job.joint, chain=job.warm
        )

    def planes(self) -> "Iterator[Samples]":
        """The planes of the draft, in order."""
        for rows in bands(self.shape[0], self.shape[0] // self.stack.count):
            found = self.draft.read(rows)
            yield found if self.stack.axes.endswith("S") else found[..., 0]

    def write_part(self, part: Path) -> None:
        """Write the stack under a name that is not yet its own."""
        if self.format == "ZARR":
            from ipse.pictures.large.zarr import created

            name = Path(self.stack.name).stem
            said = self.stack.carried if self.stack.format == "ZARR" and self.factor == 1 else None
            array = created(part, self.whole, self.stack.axes, self.dtype, name=name, said=said)
            for place, plane in zip(np.ndindex(*self.stack.outer), self.planes(), strict=True):
                array[place] = plane
            return
        plain: dict[str, Any] = {
            "metadata": {"axes": self.stack.axes},
            "photometric": "minisblack",
            "compression": "zlib",
        }
        carried = self.stack.carried if self.stack.format == "TIFF" else plain
        big = self.shape[0] * self.draft.row >= CLASSIC - (CLASSIC >> 6) and not carried.get("imagej")
        tifffile.imwrite(
            part, self.planes(), shape=self.whole, dtype=self.dtype, bigtiff=big, maxworkers=1, **carried
        )

    def pixels_sha256(self) -> str:
        """The hash of all planes."""
        digest = hashlib.sha256(f"{self.dtype.str}{self.whole};".encode())
        for plane in self.planes():
            digest.update(plane.tobytes())
        digest.update(b"none;")
        return digest.hexdigest()


def check_joint(job: Job) -> None:
    """Refuse what planes that are restored together cannot have.

    Raises:
        OptionError: says what to leave out.
    """
    if job.settings.network == NETWORK and job.joint in (None, "C"):
        raise OptionError(
            f"--network {NETWORK} is of planes that belong together: add --joint T or Z, or leave it out"
        )
    if job.joint is not None and job.warm:
        raise OptionError(
            f"--warm fits planes one after the other, --joint {job.joint} at once: leave one of them out"
        )
