"""One process at a time gives the files of a folder their names, so that those of two runs are not mixed."""

import os
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def alone_in(folders: Iterable[Path]) -> Generator[None]:
    """Wait until no other process names files in these folders; where the system has no locks, do not wait."""
    with ExitStack() as held:
        for folder in sorted(set(folders)):  # in order: two that wait for each other would wait for ever
            handle = _locked(folder)
            if handle is not None:
                held.callback(os.close, handle)
        yield


def _locked(folder: Path) -> int | None:
    """A handle that holds the lock of a folder; None where there are no such locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        os.close(handle)
        return None
    return handle
