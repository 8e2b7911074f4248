"""[x₁ | x₂ | …] ↦ a file each: a result that shows several pictures side by side, and its parts beside it.

A task whose module has ``PANELS = ("raw", "smooth", …)`` returns them in that order, all of one width. The sheet is
its one result, in the library as in the command; OUTPUT's parts are OUTPUT.raw.png and so on, of the output's format.
"""

from pathlib import Path

from ipse import tasks
from ipse.pictures import Picture, encode


def places(output: Path, task: str) -> list[Path]:
    """Where the parts lie; nowhere for a task of one picture."""
    return [output.with_name(f"{output.stem}.{name}{output.suffix}") for name in tasks.panels(task)]


def parts(sheet: Picture, task: str) -> list[Picture]:
    """Cut a sheet into its parts, left to right."""
    height, width = sheet.size
    names = tasks.panels(task)
    step = width // max(1, len(names))
    return [sheet.crop(slice(0, height), slice(i * step, (i + 1) * step)) for i in range(len(names))]


def files(sheet: Picture, output: Path, task: str, form: str) -> dict[Path, bytes]:
    """Return the files of the parts beside the sheet.

    Args:
        sheet: the result.
        output: its file.
        task: the name of the task.
        form: the file format.
    """
    pairs = zip(places(output, task), parts(sheet, task), strict=True)
    return {path: encode(part, format=form) for path, part in pairs}
