"""Memory limits of workers: work that exceeds its limit fails, without affecting the rest of the machine."""

import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ipse.devices import memory_available

BASE = 2 << 30  # bytes for any picture, enough to analyse a crop
TIMES = 16  # bytes per byte of the decoded picture, for two copies in float32 and the displayed one
SHARE = 0.9  # fraction of the free memory that may be used; the rest is left to the server and other programs
STATUS = Path("/proc/self/status")


def allowance(weight: int) -> int:
    """The memory limit in bytes for work on a picture, given its decoded size in bytes."""
    return BASE + TIMES * weight


@contextmanager
def bounded(allowed: int | None) -> Generator[None]:
    """Limit this process's memory to ``most`` bytes and to what is free; None means only the latter.

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
    """The size in bytes of this process's data; None if the system does not report it."""
    try:
        found = re.search(r"VmData:\s+(\d+) kB", STATUS.read_text())
    except OSError:
        return None
    return None if found is None else int(found[1]) * 1024
