"""N worker processes on this machine: one fit at a time each, with cores/N threads, and a GPU each if there are any."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ipse.errors import RunError, one_line

if TYPE_CHECKING:
    from distributed import Client, SpecCluster

SILENT = 50  # logging.CRITICAL: the batch itself handles dead workers and reports them in its records
ALONE = "127.0.0.1:0"  # Dask's HTTP address: local only, any free port
FAILURES = 3  # number of workers that may die on a fit before the scheduler gives it up


@contextmanager
def local_cluster(workers: int, device: str) -> "Generator[SpecCluster]":
    """Start a scheduler and workers on this machine only, without a dashboard and without memory limits.

    Raises:
        RunError: they could not be started.
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
    """Restart workers whose nannies have given up, if this process started them."""
    cluster: Any = client.cluster
    if cluster is not None:
        cluster.scale(len(cluster.worker_spec))


def environment(index: int, workers: int, graphics: int) -> dict[str, Any]:
    """Return the options of a worker: its number of threads and its GPU."""
    threads = str(threads_of_each(workers))
    room = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE"}
    if graphics:
        room["CUDA_VISIBLE_DEVICES"] = str(index % graphics)
    return {"env": room, "name": str(index)}


def threads_of_each(workers: int) -> int:
    """Return the number of cores per worker on this machine."""
    from dask.system import CPU_COUNT

    return max(1, CPU_COUNT // workers)


def gpus(device: str) -> int:
    """Return the number of GPUs to distribute among the workers; 0 if a device was given by number."""
    if device not in ("auto", "cuda"):
        return 0
    import torch

    return torch.cuda.device_count()
