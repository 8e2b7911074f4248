"""Read and write complete files; writing is atomic."""

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
from ipse.pictures.turns import alone_in

STREAM = "-"
Source = str | Path | BinaryIO


def is_stream(target: object) -> bool:
    """Whether the path is "-": standard input or output."""
    return isinstance(target, str | Path) and str(target) == STREAM


def read_bytes(source: Source) -> tuple[bytes, str]:
    """Read all of a path, "-" (standard input) or an open binary file.

    Returns:
        Its bytes and what to call it in messages.

    Raises:
        PictureError: nothing can be read.
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
            f"{path}: permission denied; expected a readable file; check its permissions"
        ) from None
    except (OSError, ValueError) as error:
        raise PictureError(f"{path}: cannot be read ({_reason(error)}); expected a picture file") from None


def first_bytes(path: Path, most: int) -> bytes:
    """Return the first bytes of a file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError):
        return b""


def is_special(path: Path) -> bool:
    """Whether ``path`` is a device or pipe, which is written to directly and may exist."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def stamp(path: Path) -> tuple[int, int] | None:
    """Return size and modification time of a file, which change while it is written; None if it does not exist.

    For a folder, these are the sums over all files in it.
    """
    try:
        told = [one.stat() for one in (path, *(path.rglob("*") if path.is_dir() else ()))]
    except OSError:
        return None
    return sum(one.st_size for one in told), sum(one.st_mtime_ns for one in told)


def check_place(path: Path, *, overwrite: bool = False) -> None:
    """Check that a file can be written to ``path``, without changing anything.

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
        raise OutputError(f"{path}: is not a valid path ({_reason(error)}); choose another name") from None
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
    """A file to write."""

    path: Path
    data: bytes
    overwrite: bool = True  #: whether an existing file may be replaced


def write_files(*contents: Content, sync: bool = True) -> None:
    """Write files that belong together. No file is ever incomplete, and after a failure none is left.

    Temporary files beside the targets are written and synchronised; only when all are whole is each given its name, in
    order. Without ``overwrite`` that step fails if the name has been taken meanwhile. A device or pipe is written to
    directly.

    Args:
        contents: the files.
        sync: whether to synchronise them, so that they survive a power failure.

    Raises:
        OutputError: a path cannot be written (see ``check_place``).
        RunError: writing fails midway, for instance because the disk is full.
    """
    plain = [one for one in contents if not is_special(one.path)]
    for one in plain:
        check_place(one.path, overwrite=one.overwrite)
    targets = [one.path.resolve() for one in plain]  # follow symbolic links, like an ordinary write
    drafts = [target.with_name(f".ipse-{secrets.token_hex(6)}.tmp") for target in targets]
    path = Path()
    try:
        for path, data in [(one.path, one.data) for one in contents if one not in plain]:
            path.write_bytes(data)
        for one, draft in zip(plain, drafts, strict=True):
            path = one.path
            _write_draft(draft, one.data, sync=sync)
        with alone_in(target.parent for target in targets):
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
    """Write a complete file to standard output.

    Raises:
        RunError: standard output is closed or full.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise RunError(f"standard output cannot be written ({_reason(error)}): give a file with -o") from None


def _write_draft(draft: Path, data: bytes, *, sync: bool) -> None:
    # 0o666 without the user's umask, the permissions of any new file.
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())


def publish(draft: Path, target: Path, *, overwrite: bool) -> None:
    """Move a complete file to its name atomically; raises the system's error, such as ``FileExistsError``."""
    if overwrite:
        if target.exists():
            shutil.copymode(target, draft)
        draft.replace(target)
    else:
        try:
            os.link(draft, target)  # unlike a rename, this fails if the name exists
        except FileExistsError:
            raise
        except OSError:  # no hard links on this file system: a race between check and rename remains
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, "exists already") from None
            draft.rename(target)


def sync_folder(folder: Path) -> None:
    """Synchronise a folder, if the system allows it, so that new names survive a power failure."""
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
