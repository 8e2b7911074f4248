"""N processes on this machine: one fit each at a time, on cores/N threads, with its own GPU where there are any."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ipse.errors import RunError, one_line

if TYPE_CHECKING:
    from distributed import Client, SpecCluster

SILENT = 50  # logging.CRITICAL: a worker that dies is the batch's business, and shows in its records
ALONE = "127.0.0.1:0"  # where Dask answers over HTTP: to nobody else, at any free port
FAILURES = 3  # deaths of a fit's workers, before the scheduler hands it back


@contextmanager
def local_cluster(workers: int, device: str) -> "Generator[SpecCluster]":
    """Start a scheduler and so many workers, for this machine alone, without a page or limits of memory.

    Raises:
        RunError: they do not start.
    """
    from distributed import Nanny, Scheduler, SpecCluster

    graphics, offers = gpus(device), {"GPU": 1} if device.startswith("cuda") else {}
    common = {
        "nthreads": 1,
        "memory_limit": 0,
        "host": "127.0.0.1",
        "dashboard": False,
        "dashboard_address": ALONE,
        "silence_logs": SILENT,
        "resources": offers,
        "preload": ["ipse.batch.work"],
    }
    spec = {
        index: {"cls": Nanny, "options": common | environment(index, workers, graphics)}
        for index in range(workers)
    }
    options = {
        "host": "127.0.0.1",
        "port": 0,
        "dashboard": False,
        "dashboard_address": ALONE,
        "allowed_failures": FAILURES,
    }
    scheduler = {"cls": Scheduler, "options": options}
    told: dict[str, Any] = {"workers": spec, "scheduler": scheduler, "silence_logs": SILENT}
    try:
        cluster = SpecCluster(**told)
    except (RuntimeError, OSError, TimeoutError) as error:
        raise RunError(
            f"{workers} workers could not be started ({one_line(str(error))}): run it again, or with fewer"
        ) from error
    try:
        yield cluster
    finally:
        cluster.close()


def mend(client: "Client") -> None:
    """Start workers again whose keepers have given up, where they are this process's own."""
    cluster: Any = client.cluster
    if cluster is not None:
        cluster.scale(len(cluster.worker_spec))


def environment(index: int, workers: int, graphics: int) -> dict[str, Any]:
    """Return what one of several workers is to be told: its threads, and which GPU is its own."""
    threads = str(threads_of_each(workers))
    room = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE"}
    if graphics:
        room["CUDA_VISIBLE_DEVICES"] = str(index % graphics)
    return {"env": room, "name": str(index)}


def threads_of_each(workers: int) -> int:
    """Return the cores that each of several workers on this machine has."""
    from dask.system import CPU_COUNT

    return max(1, CPU_COUNT // workers)


def gpus(device: str) -> int:
    """Return how many GPUs are to be shared out; one that was named by number is not."""
    if device not in ("auto", "cuda"):
        return 0
    import torch

    return torch.cuda.device_count()
