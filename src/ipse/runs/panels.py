"""Files beside a result: the panels of one that shows several pictures side by side, and what was estimated on the way.

A task whose module has ``PANELS = ("raw", "smooth", …)`` returns them in that order, all of one width. The sheet is
its one result, in the library as in the command; OUTPUT's parts are OUTPUT.raw.png and so on, of the output's format.

A task whose module has ``BESIDE = ("kernel", …)`` fills in ``Problem.beside``. OUTPUT.png.kernel.png shows that picture
in 16 bits, its largest value white. What is reconstructed from a measurement is floats; its view is such a picture too.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ipse import tasks
from ipse.pictures import Picture, encode
from ipse.pictures.measurement import Measurement


def places(output: Path, task: str) -> list[Path]:
    """The paths of the panels and of other pictures; empty for most tasks."""
    panels = [output.with_name(f"{output.stem}.{name}{output.suffix}") for name in tasks.panels(task)]
    views = [_beside(output, "view")] if tasks.sees(task) == "measurement" else []
    return [*panels, *(_beside(output, name) for name in tasks.beside(task)), *views]


def _beside(output: Path, name: str) -> Path:
    return output.with_name(f"{output.name}.{name}.png")


def parts(sheet: Picture, task: str) -> list[Picture]:
    """Split a sheet into its panels, from left to right."""
    height, width = sheet.size
    names = tasks.panels(task)
    step = width // max(1, len(names))
    return [sheet.crop(slice(0, height), slice(i * step, (i + 1) * step)) for i in range(len(names))]


def files(
    sheet: Picture, output: Path, task: str, form: str, beside: Mapping[str, NDArray[np.float32]]
) -> dict[Path, bytes]:
    """Return the files of the panels and of other pictures.

    Args:
        sheet: the result.
        output: its file.
        task: the name of the task.
        form: the file format of the panels.
        beside: the other pictures, by name.
    """
    if isinstance(sheet, Measurement):
        beside = {**beside, "view": sheet.view}
    shown = {
        _beside(output, name): encode(
            Picture(_white(found), model="gray" if found.ndim == 2 else "rgb"), format="PNG"
        )
        for name, found in beside.items()
    }
    pairs = zip(places(output, task), parts(sheet, task), strict=False)
    return shown | {path: encode(part, format=form) for path, part in pairs}


def _white(found: NDArray[np.float32]) -> NDArray[np.uint16]:
    """A picture with its largest value white, in 16 bits."""
    top = np.iinfo(np.uint16).max
    return np.rint(top * (found / max(float(found.max()), 1e-30)).clip(0, 1)).astype(np.uint16)
