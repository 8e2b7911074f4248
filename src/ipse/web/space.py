"""Limits of the server's disk space."""

import asyncio
import os
import shutil
from pathlib import Path

from ipse.errors import RunError

FLOOR = 256 << 20  # bytes that are always left free


class NoRoom(RunError):  # noqa: N818 - the name already states the error
    """There is not enough disk space."""


async def check_space(root: Path, most: int, coming: int = 0) -> None:
    """Check that there is room for new files, on the disk and within the server's limit.

    Args:
        root: the server's folder.
        most: maximum size of the folder, in bytes.
        coming: size of the new files, in bytes.

    Raises:
        NoRoom: there is not; the message says which limit was reached and what to do.
    """
    free, held = await asyncio.to_thread(lambda: (shutil.disk_usage(root).free, held_in(root)))
    if free - coming < FLOOR:
        raise NoRoom(f"the disk is full: {free >> 20} MiB are free; free some space and send it again")
    if held + coming > most:
        raise NoRoom(
            f"the server keeps {held >> 20} MiB of at most {most >> 20}: delete pictures and jobs, "
            "or restart it with a larger --space"
        )


def held_in(folder: Path) -> int:
    """The size in bytes of all files in a folder; files that disappear meanwhile are ignored."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += held_in(Path(entry.path))
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return total
    return total
