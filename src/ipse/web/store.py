"""A folder for each picture and each job: what survives a reload, a restart and a kill."""

import json
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from ipse.errors import OutputError
from ipse.pictures import write_bytes
from ipse.runs.receipt import plain
from ipse.web.places import CHECKPOINT, RECORD
from ipse.web.records import JobRecord, PictureRecord, body_of, job_of, picture_of

DAY = 86400.0
MARK = ".ipse-server"  # a file that says that this program made the folder
R = TypeVar("R", PictureRecord, JobRecord)
PARTS = ("pictures", "jobs", "incoming")
ASIDE = "unreadable"  # where goes what this program made and cannot read: nothing is removed for that
NAME = re.compile(r"[0-9a-f]{16}")  # of a folder that this program made


class Store:
    """The pictures and jobs of a server.

    Args:
        root: the folder of them all; made if it is not there.

    Raises:
        OutputError: the folder cannot be made or written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pictures: dict[str, PictureRecord] = {}
        self.jobs: dict[str, JobRecord] = {}
        try:
            _claim(root)
            for name in PARTS:
                (root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{root} cannot be created ({error.strerror}): choose another with --folder"
            ) from error
        if not os.access(root / "jobs", os.W_OK):
            raise OutputError(f"{root} is not writable: choose another with --folder")
        self.held = held(root / "lock")
        self.load()

    def close(self) -> None:
        """Let another server have the folder."""
        self.held.close()

    def load(self) -> None:
        """Read what is there; uploads that never ended are removed, and jobs on pictures that are gone."""
        for path in (self.root / "incoming").iterdir():
            if NAME.fullmatch(path.stem) and path.is_file():
                path.unlink()
        for folder, record in self._records("pictures", picture_of):
            self.pictures[folder.name] = record
        for folder, record in self._records("jobs", job_of):
            self.jobs[folder.name] = record
        for job in [job for job in self.jobs.values() if job.picture not in self.pictures]:
            self.drop_job(job.id)

    def _records(self, kind: str, read: Callable[[dict[str, Any]], R]) -> list[tuple[Path, R]]:
        """Each folder with its record, the oldest first; what is not this program's is left alone."""
        found: list[tuple[Path, R]] = []
        for folder in (self.root / kind).iterdir():
            if not NAME.fullmatch(folder.name):
                continue
            try:
                found.append((folder, read(json.loads((folder / RECORD).read_bytes()))))
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                _aside(folder, self.root / ASIDE / kind)
        return sorted(found, key=lambda item: item[1].created)

    def picture_folder(self, name: str) -> Path:
        """Where a picture lies."""
        return self.root / "pictures" / name

    def job_folder(self, name: str) -> Path:
        """Where a job lies."""
        return self.root / "jobs" / name

    def new_picture(self) -> str:
        """Make a folder for a picture, and return its name."""
        name = fresh()
        self.picture_folder(name).mkdir()
        return name

    def new_job(self) -> str:
        """Make a folder for a job, and return its name."""
        name = fresh()
        self.job_folder(name).mkdir()
        return name

    def put_picture(self, record: PictureRecord) -> None:
        """Keep what is known of a picture."""
        self.pictures[record.id] = record
        _write(self.picture_folder(record.id) / RECORD, body_of(record))

    def put_job(self, record: JobRecord) -> None:
        """Keep what is known of a job."""
        self.jobs[record.id] = record
        _write(self.job_folder(record.id) / RECORD, body_of(record))

    def picture_path(self, name: str) -> Path:
        """The file that was uploaded."""
        return self.picture_folder(name) / self.pictures[name].file

    def drop_picture(self, name: str) -> None:
        """Remove a picture, the masks made for it, and the jobs on it."""
        for job in [job for job in self.jobs.values() if name in used_by(job)]:
            self.drop_job(job.id)
        for mask in [mask.id for mask in self.pictures.values() if mask.mask_of == name]:
            self.drop_picture(mask)
        self.pictures.pop(name, None)
        shutil.rmtree(self.picture_folder(name), ignore_errors=True)

    def drop_job(self, name: str) -> None:
        """Remove a job and all that it made."""
        self.jobs.pop(name, None)
        shutil.rmtree(self.job_folder(name), ignore_errors=True)

    def drop_checkpoint(self, name: str) -> None:
        """Remove what a job that was cancelled would have gone on from."""
        for path in self.job_folder(name).glob(f"{CHECKPOINT}*"):
            path.unlink(missing_ok=True)

    def reclaim(self, *, days: float) -> list[str]:
        """Remove jobs that ended, and unused pictures that came, more than so many days ago; return the jobs."""
        before = time.time() - days * DAY
        gone = [job.id for job in self.jobs.values() if job.over and (job.ended or job.created) < before]
        for name in gone:
            self.drop_job(name)
        used = {name for job in self.jobs.values() for name in used_by(job)}
        used |= {mask.mask_of for mask in self.pictures.values() if mask.id in used and mask.mask_of}
        old = [one.id for one in self.pictures.values() if one.created < before and one.id not in used]
        for name in old:
            self.drop_picture(name)
        return gone


def used_by(job: JobRecord) -> set[str]:
    """The pictures that a job reads."""
    return {job.picture} | {value["picture"] for value in job.options.values() if isinstance(value, dict)}


def _claim(root: Path) -> None:
    """Mark a folder as this program's.

    Raises:
        OutputError: it holds something, and nothing says that this program put it there.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = (root / MARK).exists()
    if not own:
        strange = sorted(path.name for path in root.iterdir() if path.name not in (*PARTS, "lock"))
        if strange or ((root / "pictures").exists() and not (root / "lock").exists()):
            raise OutputError(
                f"{root} contains files that ipse serve did not write: choose an empty folder with --folder"
            )
        (root / MARK).write_text("A folder of ipse serve: uploads, jobs and results.\n")
    root.chmod(0o700)  # photographs are nobody else's, on a machine that is shared too


def _aside(folder: Path, place: Path) -> None:
    """Move a folder whose record cannot be read out of the way."""
    place.mkdir(parents=True, exist_ok=True)
    folder.rename(place / f"{folder.name}-{secrets.token_hex(2)}")


def fresh() -> str:
    """Return a name that nobody can guess."""
    return secrets.token_hex(8)


def held(path: Path) -> IO[bytes]:
    """Take a folder for this server alone, for as long as the file that is returned is open.

    Raises:
        OutputError: another server has it: both would carry out the same jobs.
    """
    file = path.open("ab")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise OutputError(f"{path.parent} is in use by another ipse serve: give another --folder") from None
    return file


def _write(path: Path, body: dict[str, Any]) -> None:
    """Replace a record in one step."""
    write_bytes(path, json.dumps(plain(body)).encode(), overwrite=True)
