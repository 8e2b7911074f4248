"""Persistent storage: a folder for each picture and each job, which survives reloads, restarts and crashes."""

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
MARK = ".ipse-server"  # file that marks a folder as created by ipse serve
R = TypeVar("R", PictureRecord, JobRecord)
PARTS = ("pictures", "jobs", "incoming")
ASIDE = "unreadable"  # folder for records that cannot be read, which are moved rather than deleted
NAME = re.compile(r"[0-9a-f]{16}")  # names of the folders of pictures and jobs


class Store:
    """The pictures and jobs of a server.

    Args:
        root: the folder for all of them; created if missing.

    Raises:
        OutputError: the folder cannot be created or written.
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
        """Unlock the folder for another server."""
        self.held.close()

    def load(self) -> None:
        """Read all records; remove incomplete uploads, and jobs whose pictures are gone."""
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
        """All folders with their records, the oldest first; other files are left alone."""
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
        """The folder of a picture."""
        return self.root / "pictures" / name

    def job_folder(self, name: str) -> Path:
        """The folder of a job."""
        return self.root / "jobs" / name

    def new_picture(self) -> str:
        """Create a folder for a picture, and return its name."""
        name = fresh()
        self.picture_folder(name).mkdir()
        return name

    def new_job(self) -> str:
        """Create a folder for a job, and return its name."""
        name = fresh()
        self.job_folder(name).mkdir()
        return name

    def put_picture(self, record: PictureRecord) -> None:
        """Save the record of a picture."""
        self.pictures[record.id] = record
        _write(self.picture_folder(record.id) / RECORD, body_of(record))

    def put_job(self, record: JobRecord) -> None:
        """Save the record of a job."""
        self.jobs[record.id] = record
        _write(self.job_folder(record.id) / RECORD, body_of(record))

    def picture_path(self, name: str) -> Path:
        """The uploaded file."""
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
        """Remove a job and its files."""
        self.jobs.pop(name, None)
        shutil.rmtree(self.job_folder(name), ignore_errors=True)

    def drop_checkpoint(self, name: str) -> None:
        """Remove the checkpoint of a cancelled job."""
        for path in self.job_folder(name).glob(f"{CHECKPOINT}*"):
            path.unlink(missing_ok=True)

    def reclaim(self, *, days: float) -> list[str]:
        """Remove jobs that ended, and unused pictures uploaded, more than ``days`` days ago; return the jobs."""
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
    """The pictures that a job uses."""
    return {job.picture} | {value["picture"] for value in job.options.values() if isinstance(value, dict)}


def _claim(root: Path) -> None:
    """Mark a folder as created by ipse serve.

    Raises:
        OutputError: the folder is not empty and not marked.
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
    root.chmod(0o700)  # on a shared machine, other users must not see the photographs


def _aside(folder: Path, place: Path) -> None:
    """Move away a folder whose record cannot be read."""
    place.mkdir(parents=True, exist_ok=True)
    folder.rename(place / f"{folder.name}-{secrets.token_hex(2)}")


def fresh() -> str:
    """Return a random name that cannot be guessed."""
    return secrets.token_hex(8)


def held(path: Path) -> IO[bytes]:
    """Lock a folder for this server, for as long as the returned file is open.

    Raises:
        OutputError: another server uses the folder; both would run the same jobs.
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
    """Replace a record atomically."""
    write_bytes(path, json.dumps(plain(body)).encode(), overwrite=True)
