"""What a piece of work may take, in bytes: what it would take beyond fails, and the machine goes on."""

import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ipse.devices import memory_available

BASE = 2 << 30  # bytes for any picture: what looking at a piece of it takes
TIMES = 16  # bytes for each that a picture has decoded: as float32, twice, and as the page shows it
SHARE = 0.9  # of the memory that is free: the rest is the server's, and of whoever works here
STATUS = Path("/proc/self/status")


def allowance(weight: int) -> int:
    """Bytes for work on a picture that has so many decoded."""
    return BASE + TIMES * weight


@contextmanager
def bounded(allowed: int | None) -> Generator[None]:
    """Take no more memory than that, and no more than is free; None is as much as is free.

    Counted are the process's own data, not address space: GPU drivers reserve terabytes of that. Where the
    system does not count them nothing is bounded.
    """
    held = _data()
    if sys.platform == "win32" or held is None:
        yield
        return
    import resource

    free = memory_available()
    rooms = [room for room in (allowed, None if free is None else int(SHARE * free)) if room is not None]
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = [held + min(rooms)] if rooms else []
    most += [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(most, default=soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data() -> int | None:
    """Bytes of this process's data; None where the system does not tell."""
    try:
        found = re.search(r"VmData:\s+(\d+) kB", STATUS.read_text())
    except OSError:
        return None
    return None if found is None else int(found[1]) * 1024
