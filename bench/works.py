"""A work names a protocol, its level, and perhaps a folder: denoise25, poisson30, inpaint50, upscale4, jpeg10,
mixed1075, camera, real, deblur, blind.

denoise25@holiday is denoise25 on the pictures of DATA/holiday; without a folder it is the field's own set.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ipse.errors import OptionError, PictureError, nearest

SETS = {
    "denoise": "set9",  #: Gaussian noise of that σ, on the scale 0 to 255, clipped
    "poisson": "set9",  #: photon noise, of so many photons at brightness 1, clipped
    "inpaint": "set11",  #: so many percent of the pixels missing
    "upscale": "set5",  #: so many times smaller
    "jpeg": "classic5",  #: of that quality
    "camera": "polyu",  #: as a camera made it, for ``denoise``
    "real": "sidd",  #: the same, for ``enhance``
    "deblur": "levin",  #: blurred by a shake of the camera; the kernel is told
    "blind": "levin",  #: the same, and the kernel is not told
    "mixed": "set9",  #: Gaussian noise of that σ, then a JPEG: 1075 is σ = 10, quality 75; for ``enhance``
}
LEVELS = {
    "denoise": (1, 255),
    "poisson": (1, 10000),
    "inpaint": (1, 99),
    "upscale": (2, 8),
    "jpeg": (1, 95),
    "mixed": (101, 9999),
}
PAIRS = {"camera": "_real", "real": "_real", "deblur": "_img", "blind": "_img"}
#: how the names of damaged pictures end that have a reference beside them; such works have no level
WORKS = (
    *("denoise25", "denoise50", "poisson30", "inpaint50", "upscale2", "upscale3", "upscale4", "upscale8"),
    *("jpeg10", "jpeg20", "jpeg30", "jpeg40", "camera", "real", "mixed1075"),
    *("deblur", "blind"),
)
SUFFIXES = {".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff", ".ppm", ".pgm"}


@dataclass(frozen=True)
class Work:
    """A protocol, at a level, on the pictures of a folder."""

    name: str
    kind: str
    level: int
    folder: str

    def paths(self, data: Path, only: str = "") -> list[Path]:
        """The clean pictures (the noisy ones of a camera), sorted.

        Args:
            data: where the folders of sets are.
            only: parts of names, joined by commas; those that contain none of them are left out.

        Raises:
            PictureError: there is no such folder, or no picture in it.
        """
        folder = data / self.folder / ("hr" if self.kind == "upscale" else "")
        found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
        if self.kind in PAIRS:
            found = [path for path in found if path.stem.endswith(PAIRS[self.kind])]
        if not found:
            raise PictureError(f"{self.name}: no pictures in {folder}: name the folder of the sets by --data")
        wanted = [part for part in only.split(",") if part]
        return [path for path in found if not wanted or any(part in path.stem for part in wanted)]


def work(name: str) -> Work:
    """Read the name of a work.

    Raises:
        OptionError: there is no such work, or not at that level.
    """
    form = re.fullmatch(r"([a-z]+)(\d*)(?:@(.+))?", name)
    kind, level, folder = form.groups() if form else ("", "", "")
    if kind not in SETS or (kind in PAIRS) == bool(level):
        raise OptionError(f"work {name!r} is unknown: {nearest(name, WORKS)}")
    if level:
        low, high = LEVELS[kind]
        if not low <= int(level) <= high:
            raise OptionError(f"work {name!r} is out of range: {kind} goes from {low} to {high}")
    return Work(name, kind, int(level or 0), folder or SETS[kind])
