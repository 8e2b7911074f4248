"""(θ_t, Adam_t, best_t, …) ↦ file: the state of a fit, from which another process can resume bit-exactly.

A restoration's state goes into one file every few seconds, atomically: a kill at any moment leaves the last
whole one. It holds tensors and plain data only, and is read as no more than that.
"""

import os
import struct
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from zipfile import is_zipfile

import numpy as np

from ipse.errors import InputError, OutputError, lack
from ipse.runs.receipt import plain, sha256

if TYPE_CHECKING:
    from ipse.streams.stream import Stream

KIND = "ipse checkpoint"
SCHEMA = 2
UNREADABLE = (OSError, RuntimeError, EOFError, ValueError, LookupError, UnpicklingError, struct.error)


class Checkpoint:
    """A restoration's state in a file.

    Args:
        path: the file.
        fingerprint: what the state depends on (task, options, settings, the picture's SHA-256), as plain data; a
            checkpoint with another one is refused.
        every: seconds between checkpoints.
    """

    def __init__(self, path: Path, fingerprint: Mapping[str, Any], *, every: float = 30.0) -> None:
        self.path = path
        self.fingerprint = cast(dict[str, Any], plain(fingerprint))
        self.every = every
        self.last = time.monotonic()

    def check(self, *, resume: bool, overwrite: bool) -> None:
        """Check before the fit that the file can be written and no earlier work is lost.

        Raises:
            OutputError: the folder cannot be written, or the file exists and may not be resumed or replaced.
        """
        folder = self.path.absolute().parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise OutputError(
                f"checkpoint {self.path}: {folder} is not a writable folder: choose another path"
            )
        if self.path.exists() and not (resume or overwrite):
            raise OutputError(
                f"checkpoint {self.path} exists: add --resume to continue from it, or --overwrite to start again"
            )

    def resume(self, restoration: "Stream") -> dict[str, Any] | None:
        """Restore the saved state of a restoration, before its first event.

        Returns:
            What was saved beside the state; None where there is no file yet.

        Raises:
            InputError: the file is no checkpoint, or one of something else; the message says of what.
        """
        from ipse.devices import find_device

        try:
            file = self.path.open(
                "rb"
            )  # kept open, because another run of the same job may end and remove it
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._damaged() from error
        with file:
            saved = self._load(file, find_device(restoration.settings.device))
        theirs, mine = saved["fingerprint"], self.fingerprint
        for key in sorted(theirs.keys() | mine.keys()):
            if theirs.get(key) != mine.get(key):
                raise InputError(
                    f"checkpoint {self.path} is of another fit: its {key} is {theirs.get(key)!r}, "
                    f"this one's is {mine.get(key)!r}; give the same, or another --checkpoint"
                )
        restoration.load_state_dict(saved["state"])
        return cast(dict[str, Any], saved["beside"])

    def _damaged(self) -> InputError:
        said = "it is not an ipse checkpoint, or damaged; delete it"
        return InputError(f"checkpoint {self.path} cannot be read: {said}")

    def _load(self, file: BinaryIO, device: str) -> dict[str, Any]:
        """Read the file safely, allowing only tensors and plain data."""
        import torch

        try:
            if not is_zipfile(file):
                raise ValueError("no archive")
            file.seek(0)
            loaded: object = torch.load(file, map_location=device, weights_only=True)
        except UNREADABLE as error:
            raise self._damaged() from error
        saved = cast(dict[str, Any], loaded) if isinstance(loaded, dict) else {}
        if saved.get("kind") != KIND or saved.get("schema") != SCHEMA:
            raise InputError(
                f"checkpoint {self.path} was not written by this version of ipse: give another file, or delete it"
            )
        return saved

    def due(self) -> bool:
        """Whether the next checkpoint is due."""
        return time.monotonic() - self.last >= self.every

    def save(self, restoration: "Stream", beside: Mapping[str, Any] | None = None) -> None:
        """Save the restoration's current state; call this between two events.

        Raises:
            OutputError: it cannot be written (a full disk).
        """
        import torch

        body = {
            "kind": KIND,
            "schema": SCHEMA,
            "fingerprint": self.fingerprint,
            "state": storable(restoration.state_dict()),
            "beside": dict(beside or {}),
        }
        part, folder = None, self.path.absolute().parent
        try:
            folder.mkdir(exist_ok=True)  # the first of two runs of a batch to end removes it
            handle, name = tempfile.mkstemp(dir=folder, prefix=_prefix(self.path), suffix=".tmp")
            part = Path(name)
            with os.fdopen(handle, "wb") as file:
                torch.save(body, file)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):  # another run of the same job has ended, and removed both
                part.replace(self.path)
        except (OSError, RuntimeError) as error:
            said = lack(error) or f"free some space, or choose another path ({error})"
            raise OutputError(f"checkpoint {self.path} cannot be written: {said}") from error
        finally:
            if part is not None:
                part.unlink(missing_ok=True)
        self.last = time.monotonic()

    def remove(self) -> None:
        """Delete the file, once the result is written, and what a killed run left beside it."""
        remove(self.path)


def remove(path: Path) -> None:
    """Delete a checkpoint, and the drafts of it that killed runs left."""
    path.unlink(missing_ok=True)
    for draft in path.absolute().parent.glob(f"{_prefix(path)}*.tmp"):
        draft.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    """What the names of its drafts begin with: a digest, since a whole name and more may be too long."""
    return f".ipse-{sha256(os.fsencode(path.name))[:12]}-"


def storable(state: Any) -> Any:
    """Convert NumPy numbers and arrays in a state to plain data and tensors."""
    if isinstance(state, Mapping):
        return {key: storable(value) for key, value in cast(Mapping[Any, Any], state).items()}
    if isinstance(state, list | tuple):
        return type(state)(storable(value) for value in cast(Sequence[Any], state))
    return state.tolist() if isinstance(state, np.generic | np.ndarray) else state
