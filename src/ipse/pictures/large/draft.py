"""x*[rows]: a result in progress, stored as raw rows in a file; each row is written once, when it is final.

The draft lies beside what it will become. It lets a stream of tiles end in any format, whose encoder then pulls its
own tiles, and a kill in mid-run lose no row that a checkpoint counts.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from ipse.errors import RunError
from ipse.pictures.large.source import bands
from ipse.pictures.levels import Samples


class Draft:
    """Rows (H, W, S) of samples in a file.

    Args:
        path: the file.
        shape: (H, W, S).
        dtype: type of the samples.
        resume: continue an existing file instead of creating a new one.
        kept: keep the file if the process is killed; otherwise, if the system allows, it has no name and disappears
            with the process.

    Raises:
        RunError: the file cannot be created, or there is none to resume.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        *,
        resume: bool = False,
        kept: bool = False,
    ) -> None:
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype)
        self.name = f"the draft in {path.parent}"
        self.row = shape[1] * shape[2] * self.dtype.itemsize
        there = path.exists()
        try:
            # An existing file is overwritten, not truncated, because another run of the job may be writing to it.
            self.file = path.open("r+b" if resume or there else "w+b")
            try:
                self.file.truncate(shape[0] * self.row)
            except OSError:
                self.close(remove=not there)
                raise
            if not kept and Path("/dev/fd").is_dir():
                path.unlink()
                self.path = Path(f"/dev/fd/{self.file.fileno()}")
        except OSError as error:
            raise RunError(f"{path}: cannot be written ({error.strerror}); choose another place") from error

    def write(self, start: int, samples: Samples) -> None:
        """Write rows (h, W, S), starting at row ``start``.

        Raises:
            RunError: the disk is full, or fails.
        """
        try:
            self.file.seek(start * self.row)
            self.file.write(np.ascontiguousarray(samples, self.dtype).data)
            self.file.flush()
        except OSError as error:
            raise RunError(
                f"{self.name}: writing failed ({error.strerror}); free some space and run again"
            ) from error

    def read(self, rows: slice) -> Samples:
        """Read rows (h, W, S)."""
        self.file.seek(rows.start * self.row)
        count = (rows.stop - rows.start) * self.shape[1] * self.shape[2]
        return np.fromfile(self.file, self.dtype, count).reshape(-1, *self.shape[1:])

    def sha256(self, channels: int, *, alpha: bool) -> str:
        """The hash of what is seen, as of a picture in memory: the first channels are colours, alpha follows."""
        height, width, _ = self.shape
        digest = hashlib.sha256()
        shape = (height, width) if channels == 1 else (height, width, channels)
        digest.update(f"{self.dtype.str}{shape};".encode())
        for rows in bands(height):
            digest.update(self.read(rows)[..., :channels].tobytes())
        digest.update(f"{self.dtype.str}{(height, width)};".encode() if alpha else b"none;")
        for rows in bands(height) if alpha else ():
            digest.update(self.read(rows)[..., channels:].tobytes())
        return digest.hexdigest()

    def sync(self) -> None:
        """Synchronise the file, so that it survives a power failure."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self, *, remove: bool = True) -> None:
        """Close the file, and remove it unless it will be resumed."""
        named = self.path.parent != Path("/dev/fd")
        self.file.close()
        if remove and named:
            self.path.unlink(missing_ok=True)
