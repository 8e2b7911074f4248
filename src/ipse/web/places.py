"""What lies where in a picture's and a job's folder: every name is made here, none comes from a client."""

from pathlib import Path

from ipse.errors import OutputError
from ipse.pictures import Picture, check_target, format_for
from ipse.runs.job import default_target

CHECKPOINT = "checkpoint"
BEFORE = "before.png"  # of a trial: the piece as it came
PREVIEW = "preview.png"
VIEW = "view.png"
RECORD = "record.json"
RESULT = "result"
STORED = "stored"  # the file that was uploaded


def point_name(step: int) -> str:
    """Name the view of a point of the trajectory."""
    return f"point-{step}.png"


def target_for(folder: Path, task: str, source: Path, picture: Picture) -> Path:
    """Where a result goes: of the kind that the command would choose, or one that can hold the picture."""
    target = folder / f"{RESULT}{default_target(task, source).suffix}"
    try:
        check_target(picture, target, overwrite=True)
    except OutputError:
        return folder / f"{RESULT}{format_for(picture, '-').suffixes[0]}"
    return target
