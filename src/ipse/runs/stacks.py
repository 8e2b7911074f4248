"""Input of runs: a stack y[t, c, z], restored plane by plane.

The output is a stack with the same shape, type and axes, and with the OME or ImageJ metadata.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from ipse.errors import OptionError, OutputError
from ipse.pictures import Picture
from ipse.pictures.files import check_place
from ipse.pictures.large import Draft
from ipse.pictures.large.open import is_zarr
from ipse.pictures.large.source import bands
from ipse.pictures.stacks.slabs import NETWORK, slabs_of
from ipse.pictures.stacks.stack import CLASSIC, Stack
from ipse.pictures.tiling import enlargement, side_for
from ipse.runs.inputs import Fitted, InParts
from ipse.runs.job import Job
from ipse.runs.plan import Plan, plan
from ipse.settings import Settings

if TYPE_CHECKING:
    from ipse.pictures.levels import Samples
    from ipse.streams.stream import Stream

SUFFIXES = (".tif", ".tiff", ".zarr")


class StackFile(InParts):
    """A stack.

    Args:
        job: the job, with a source and a target.
        stack: its planes.

    Raises:
        OptionError: the planes cannot be restored together as requested.
    """

    def __init__(self, job: Job, stack: Stack) -> None:
        check_joint(job, stack)
        super().__init__(job, stack.picture(stack.plane(0)))
        self.stack, self.dtype, self.slabs = stack, stack.dtype, slabs_of(stack, job.joint)
        factor = enlargement(job.options)
        self.size = (stack.size[0] * factor, stack.size[1] * factor)
        self.shape = (stack.count * self.size[0], self.size[1], stack.samples)

    def check_target(self, target: Path, *, overwrite: bool) -> str:
        """Return the format of the output, after checking that it can store a stack."""
        if target.suffix.lower() not in SUFFIXES:
            raise OutputError(
                f"{target}: this format cannot store a stack; expected one of {', '.join(SUFFIXES)}"
            )
        if not is_zarr(target):
            check_place(target, overwrite=overwrite)
            return "TIFF"
        if self.stack.axes.endswith("S"):
            raise OutputError(f"{target}: OME-Zarr has no axis S; give .tif for interleaved colours")
        return "ZARR"

    def stream(self, draft: Draft) -> "Stream":
        """Open the restoration, plane by plane; PyTorch is imported here."""
        from ipse.streams.parts import Parts
        from ipse.streams.planes import Planes, Stacked

        job = self.job
        cut = Planes(self.stack, draft, job.task, job.settings, job.options, joint=job.joint, chain=job.warm)
        return Parts(cut, Stacked(cut))

    def fitted(self, settings: Settings) -> Iterator[Fitted]:
        """The slices of a slab and of a plane."""
        slab, its = self.measured()
        yield slab, its, self.job.options
        yield self.picture, settings, self.job.options

    def plan(self) -> Plan:
        """The plan of a slab, multiplied by the number of slabs."""
        picture, settings = self.measured()
        made = plan(picture, self.job.task, settings, self.job.options)
        seconds = min(made.seconds * len(self.slabs), self.job.settings.seconds or float("inf"))
        return replace(made, size=self.stack.size, seconds=round(seconds, 3))

    def measured(self) -> tuple[Picture, Settings]:
        """Picture, settings and options of one fit; for a network over depth, a fit of the same cost."""
        settings, count = self.job.settings, len(self.slabs[0].planes)
        planes = [self.stack.plane(one) for one in self.slabs[0].planes]
        if settings.network == NETWORK:
            return self.stack.picture(np.concatenate(planes)), replace(settings, network=None)
        side = side_for(self.stack.size, told=settings.tile, factor=self.factor, planes=count)
        return self.stack.picture(np.concatenate(planes, 2)), replace(settings, tile=side or settings.tile)

    def copy(self, draft: Draft) -> None:
        """Do nothing: planes with nothing to restore are already in the draft."""

    @property
    def whole(self) -> tuple[int, ...]:
        """The result's shape, in the file's order."""
        tail = (self.stack.samples,) if self.stack.axes.endswith("S") else ()
        return (*self.stack.outer, *self.size, *tail)

    def planes(self, draft: Draft) -> "Iterator[Samples]":
        """The planes of the draft, in order."""
        for rows in bands(self.shape[0], self.size[0]):
            found = draft.read(rows)
            yield found if self.stack.axes.endswith("S") else found[..., 0]

    def encode(self, draft: Draft, part: Path, *, format: str) -> None:
        """Write the stack."""
        if format == "ZARR":
            from ipse.pictures.large.zarr import created

            name = Path(self.stack.name).stem
            said = self.stack.carried if self.stack.format == "ZARR" and self.factor == 1 else None
            array = created(part, self.whole, self.stack.axes, self.dtype, name=name, said=said)
            for place, plane in zip(np.ndindex(*self.stack.outer), self.planes(draft), strict=True):
                array[place] = plane
            return
        plain: dict[str, Any] = {
            "metadata": {"axes": self.stack.axes},
            "photometric": "minisblack",
            "compression": "zlib",
        }
        carried = self.stack.carried if self.stack.format == "TIFF" else plain
        big = self.shape[0] * draft.row >= CLASSIC - (CLASSIC >> 6) and not carried.get("imagej")
        tifffile.imwrite(
            part, self.planes(draft), shape=self.whole, dtype=self.dtype, bigtiff=big, maxworkers=1, **carried
        )

    def pixels_sha256(self, draft: Draft) -> str:
        """The hash of all planes."""
        digest = hashlib.sha256(f"{self.dtype.str}{self.whole};".encode())
        for plane in self.planes(draft):
            digest.update(plane.tobytes())
        digest.update(b"none;")
        return digest.hexdigest()


def check_joint(job: Job, stack: Stack) -> None:
    """Check the options for planes that are restored together.

    Raises:
        OptionError: options cannot be combined; the message says what to remove.
    """
    if job.joint is not None and job.joint not in stack.axes.split("Y")[0]:
        raise OptionError(f"--joint {job.joint}: {stack.name} has axes {stack.axes}: give one before Y")
    if job.settings.network == NETWORK and job.joint in (None, "C"):
        raise OptionError(
            f"--network {NETWORK} is for planes that belong together: add --joint T or Z, or remove it"
        )
    if job.joint is not None and job.warm:
        raise OptionError(
            f"--warm fits planes one after the other, --joint {job.joint} together: remove one of them"
        )
