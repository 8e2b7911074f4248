"""[x₁ | x₂ | …] ↦ one file each: save the panels of a result that shows several pictures side by side.

A task whose module has ``PANELS = ("raw", "smooth", …)`` returns them in that order, all of one width. The sheet is
its one result, in the library as in the command; OUTPUT's parts are OUTPUT.raw.png and so on, of the output's format.
"""

from pathlib import Path

from ipse import tasks
from ipse.pictures import Picture, encode


def places(output: Path, task: str) -> list[Path]:
    """The paths of the panels; empty for a task without panels."""
    return [output.with_name(f"{output.stem}.{name}{output.suffix}") for name in tasks.panels(task)]


def parts(sheet: Picture, task: str) -> list[Picture]:
    """Split a sheet into its panels, from left to right."""
    height, width = sheet.size
    names = tasks.panels(task)
    step = width // max(1, len(names))
    return [sheet.crop(slice(0, height), slice(i * step, (i + 1) * step)) for i in range(len(names))]


def files(sheet: Picture, output: Path, task: str, form: str) -> dict[Path, bytes]:
    """Return the files of the panels.

    Args:
        sheet: the result.
        output: its file.
        task: the name of the task.
        form: the file format.
    """
    pairs = zip(places(output, task), parts(sheet, task), strict=True)
    return {path: encode(part, format=form) for path, part in pairs}
