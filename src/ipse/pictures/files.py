"""Whole files: read at once, written at once or not at all."""

import errno
import os
import secrets
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ipse.errors import IpseError, OutputError, PictureError, RunError

STREAM = "-"
Source = str | Path | BinaryIO


def is_stream(target: object) -> bool:
    """Whether "-" is meant: standard input or output."""
    return isinstance(target, str | Path) and str(target) == STREAM


def read_bytes(source: Source) -> tuple[bytes, str]:
    """Read all of a path, "-" (standard input) or an open binary file.

    Returns:
        Its bytes and what to call it in messages.

    Raises:
        PictureError: if there is nothing that can be read.
    """
    if isinstance(source, str | Path) and not is_stream(source):
        data, name = _read_path(Path(source)), str(source)
    else:
        stream = sys.stdin.buffer if isinstance(source, str | Path) else source
        name = (
            "standard input" if isinstance(source, str | Path) else str(getattr(source, "name", "the stream"))
        )
        try:
            data = stream.read()
        except OSError as error:
            raise PictureError(f"{name}: cannot be read ({_reason(error)}); expected a picture") from None
    if not data:
        raise PictureError(f"{name}: is empty; expected a picture file; check that it was copied whole")
    return data, name


def _read_path(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PictureError(f"{path}: no such file; expected one there; check the path") from None
    except IsADirectoryError:
        raise PictureError(f"{path}: is a folder; expected a picture file; name a file in it") from None
    except PermissionError:
        raise PictureError(
            f"{path}: may not be read; expected a readable file; check its permissions"
        ) from None
    except (OSError, ValueError) as error:
        raise PictureError(f"{path}: cannot be read ({_reason(error)}); expected a picture file") from None


def first_bytes(path: Path, most: int) -> bytes:
    """Return what a file begins with; nothing of one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError):
        return b""


def is_special(path: Path) -> bool:
    """Whether a device or pipe is at ``path``: written to directly, and never in the way."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def stamp(path: Path) -> tuple[int, int] | None:
    """Return the size of a file and its date, which change while it is written; None where there is none.

    Of a folder it is the sums of all that is in it.
    """
    try:
        told = [one.stat() for one in (path, *(path.rglob("*") if path.is_dir() else ()))]
    except OSError:
        return None
    return sum(one.st_size for one in told), sum(one.st_mtime_ns for one in told)


def check_place(path: Path, *, overwrite: bool = False) -> None:
    """Check that a file can be put at ``path``, and touch nothing.

    Raises:
        OutputError: for an existing file without ``overwrite``, for a folder, or if its folder is missing
            or not writable.
    """
    if is_special(path):
        return
    try:
        path.lstat()
        taken = True
    except (FileNotFoundError, NotADirectoryError):
        taken = False
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: is no usable path ({_reason(error)}); choose another name") from None
    if taken and path.is_dir():
        raise OutputError(f"{path}: is a folder; expected a file name; add one")
    if taken and not overwrite:
        raise OutputError(f"{path}: exists already; expected a new name; choose one or allow --overwrite")
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"{path}: the folder {folder} does not exist; expected an existing one; create it")
    if not os.access(folder, os.W_OK):
        raise OutputError(
            f"{path}: the folder {folder} is not writable; choose another or change permissions"
        )


def write_bytes(path: str | Path, data: bytes, *, overwrite: bool = False, sync: bool = True) -> None:
    """Write one file, as ``write_files`` does."""
    write_files(Content(Path(path), data, overwrite=overwrite), sync=sync)


@dataclass(frozen=True)
class Content:
    """A file that is to be written."""

    path: Path
    data: bytes
    overwrite: bool = True  #: whether a file that is there may be replaced


def write_files(*contents: Content, sync: bool = True) -> None:
    """Write files that belong together: at no time is there half a file, and a failure leaves nothing behind.

    Temporary files beside the targets are written and synchronised; only when all are whole is each given its name, in
    order. Without ``overwrite`` that step fails if the name has been taken meanwhile. A device or pipe is written to
    directly.

    Args:
        contents: the files.
        sync: whether they must outlive a power cut once this returns.

    Raises:
        OutputError: if there can be no file at a place (see ``check_place``).
        RunError: if writing fails midway, for instance because the disk is full.
    """
    plain = [one for one in contents if not is_special(one.path)]
    for one in plain:
        check_place(one.path, overwrite=one.overwrite)
    targets = [one.path.resolve() for one in plain]  # through a symbolic link, as a plain write would go
    drafts = [target.with_name(f".ipse-{secrets.token_hex(6)}.tmp") for target in targets]
    path = Path()
    try:
        for path, data in [(one.path, one.data) for one in contents if one not in plain]:
            path.write_bytes(data)
        for one, draft in zip(plain, drafts, strict=True):
            path = one.path
            _write_draft(draft, one.data, sync=sync)
        for one, draft, target in zip(plain, drafts, targets, strict=True):
            path = one.path
            publish(draft, target, overwrite=one.overwrite)
        for folder in {target.parent for target in targets} if sync else ():
            sync_folder(folder)
    except OSError as error:
        raise _failure(path, error) from None
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


def to_stdout(data: bytes) -> None:
    """Write all of a file to standard output.

    Raises:
        RunError: it is closed, or full.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise RunError(f"standard output cannot be written ({_reason(error)}): give a file with -o") from None


def _write_draft(draft: Path, data: bytes, *, sync: bool) -> None:
    # 0o666 less the user's umask, the rights that any new file gets.
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())


def publish(draft: Path, target: Path, *, overwrite: bool) -> None:
    """Give a whole file its name in one step; raises what the system raises, ``FileExistsError`` where it is taken."""
    if overwrite:
        if target.exists():
            shutil.copymode(target, draft)
        draft.replace(target)
    else:
        try:
            os.link(draft, target)  # unlike a rename, it fails if the name is taken
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: the moment between look and rename is left
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, "exists already") from None
            draft.rename(target)


def sync_folder(folder: Path) -> None:
    """Make new names last through a power cut, where the system lets a folder be synchronised."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)


def _failure(path: Path, error: OSError) -> IpseError:
    if isinstance(error, FileExistsError):
        return OutputError(f"{path}: exists already; expected a new name; choose one or allow --overwrite")
    if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError) or error.errno in (
        errno.EROFS,
        errno.ENAMETOOLONG,
    ):
        return OutputError(f"{path}: cannot be written ({_reason(error)}); choose another place")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunError(f"{path}: the disk is full; nothing was written; free some space and run again")
    return RunError(f"{path}: writing failed ({_reason(error)}); nothing was written; run again or elsewhere")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).splitlines()[0].lower()
