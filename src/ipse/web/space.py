"""How much a server may keep on the disk, and how much it leaves to others."""

import asyncio
import os
import shutil
from pathlib import Path

from ipse.errors import RunError

FLOOR = 256 << 20  # bytes that are left free, whatever may be kept


class NoRoom(RunError):  # noqa: N818 - reads as the sentence it prints
    """There is no room for more."""


async def check_space(root: Path, most: int, coming: int = 0) -> None:
    """Refuse what would fill the disk, or more than may be kept.

    Args:
        root: the server's folder.
        most: bytes that it may hold.
        coming: bytes that are to be added.

    Raises:
        NoRoom: says which, and what to do.
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
    """Bytes of all files below a folder; what goes meanwhile counts for nothing."""
    total = 0
    try:
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                total += held_in(Path(entry.path))
            else:
                total += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return total
    return total
