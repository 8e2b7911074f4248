"""File names in the folders of pictures and jobs. All names are made here; none comes from a client."""

from pathlib import Path

from ipse.pictures import Picture, format_for
from ipse.runs.job import default_target

CHECKPOINT = "checkpoint"
BEFORE = "before.png"  # for a trial: the original crop
PREVIEW = "preview.png"
VIEW = "view.png"
THUMB = "thumb.png"
DRAFT = "draft.png"  # a quick estimate in the size of a screen, before any job
REMOVED = "removed.png"  # what a result has less than the picture
EXAMPLES = "examples"  # folder of the pictures to try
RECORD = "record.json"
RESULT = "result"
STORED = "stored"  # the file that was uploaded


def point_name(step: int) -> str:
    """The file name of the view of a point of the trajectory."""
    return f"point-{step}.png"


def target_for(folder: Path, task: str, source: Path) -> Path:
    """The file of a result, in the format that the command would choose."""
    return folder / f"{RESULT}{default_target(task, source).suffix}"


def target_of(folder: Path, picture: Picture) -> Path:
    """The file of a result, in a format that can hold the picture."""
    return folder / f"{RESULT}{format_for(picture, '-').suffixes[0]}"
