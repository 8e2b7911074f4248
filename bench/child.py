"""One measurement in a process of its own, so that its seconds and its peak memory are its own.

python -m bench.child JSON    a ``Job`` in, a row as JSON out
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases import Case, case
from bench.methods import Method
from bench.peers import PEERS
from bench.rows import Kind, Row
from bench.works import work

FOR_THE_TERMINAL = ("ipse.cli", "ipse.__main__")
ON_FIRST_USE = ("scipy.ndimage", "skimage.restoration.inpaint", "skimage.restoration.non_local_means")
Answer = tuple[NDArray[np.floating], dict[str, Any]]


@dataclass(frozen=True)
class Job:
    """What to measure."""

    work: str
    path: str  #: of the clean picture
    method: str
    kind: Kind = "result"
    seed: int = 0


def measured(job: Job) -> Row:
    """Do it."""
    doing, picture = work(job.work), case(work(job.work), Path(job.path))
    start = time.perf_counter()
    answer = prepared(job, picture)
    imports = time.perf_counter() - start
    start, cpu = time.perf_counter(), cpu_seconds()
    pixels, found = answer()
    seconds, cpu = time.perf_counter() - start, cpu_seconds() - cpu
    memory = peak_memory()  # before the comparison, which needs some too
    row: dict[str, Any] = {
        "psnr": picture.psnr(pixels), "ssim": picture.ssim(pixels), "seconds": seconds, "cpu_seconds": cpu,
        "memory": memory, "imports": imports, **found,
    }  # fmt: skip
    name = picture.size if job.kind == "reference" else picture.name
    return Row(
        work=doing.name, case=name, method=job.method, kind=job.kind, seed=job.seed, size=picture.size, **row
    )


def prepared(job: Job, picture: Case) -> Callable[[], Answer]:
    """All that is imported once; what remains to be done is what is timed."""
    method = Method(job.method)
    if not method.ours:
        peer = PEERS[job.method]
        peer.load()
        return lambda: (peer.restore(picture, job.seed), {})
    import ipse

    for module in walk_packages(ipse.__path__, "ipse."):
        if not module.name.startswith(FOR_THE_TERMINAL):
            import_module(module.name)
    for module in ON_FIRST_USE:
        import_module(module)
    from bench import ours

    way = {"result": ours.result, "stops": ours.stops, "reference": ours.reference}[job.kind]
    return lambda: way(picture, method.settings(job.seed))


def cpu_seconds() -> float:
    """User and system time of this process, its threads and its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_memory() -> float:
    """MiB that were resident at most.

    Linux hands ``ru_maxrss`` down from the parent, so the process's own mark is asked for first.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def main() -> None:
    """Read the job, write the row; what libraries print goes to the error stream."""
    out, sys.stdout = sys.stdout, sys.stderr
    row = measured(Job(**json.loads(sys.argv[1])))
    out.write(json.dumps(asdict(row)) + "\n")
    out.flush()
    os._exit(0)  # some libraries wait for their threads


if __name__ == "__main__":
    main()
