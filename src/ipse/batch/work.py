"""errand ↦ record on a Dask worker. The fit stops at its next step if the task is cancelled."""

import signal
import time
from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from ipse.batch.errands import Errand
from ipse.batch.fits import fit
from ipse.batch.records import Moment, Record

if TYPE_CHECKING:
    from distributed import Worker

EVERY = 1.0  # seconds between two progress events


class Again(Exception):  # noqa: N818 - a request to Dask to retry
    """A fit failed in a way that may not recur; contains the record of the failure."""

    @property
    def record(self) -> Record:
        """The error message."""
        return self.args[0]


def dask_setup(_worker: "Worker") -> None:
    """Ignore Ctrl-C, which a terminal sends to all processes of its group; the parent process handles it.

    Dask calls this when it preloads the module.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def work(errand: Errand, topic: str) -> Record | None:
    """Run an errand on this worker.

    Args:
        errand: an errand with absolute paths, on storage that all workers share.
        topic: topic of the progress events.

    Returns:
        The record; None where it was cancelled, its state saved.

    Raises:
        Again: it failed with an unexpected error.
    """
    from distributed import get_worker

    worker: Worker = get_worker()
    key, name, told = str(worker.get_current_task()), str(worker.name), -EVERY
    threads = errand.threads or threads_of(worker)
    tell(worker, topic, "begun", key)
    made: Record | None = None
    try:
        with closing(fit(replace(errand, threads=threads))) as events:
            for event in events:
                if isinstance(event, Record):
                    made = checked(replace(event, worker=name))
                    return made
                if not wanted(worker, key):
                    return None
                if time.monotonic() - told >= EVERY:
                    told = time.monotonic()
                    tell(worker, topic, "moment", asdict(replace(event, worker=name)))
        return None
    finally:
        tell(worker, topic, "ended", {"key": key, "record": made and asdict(made)})


def checked(record: Record) -> Record:
    """Return the record, unless the errand should be retried.

    Raises:
        Again: the failure was not caused by the picture.
    """
    if not record.foreseen:
        raise Again(record)
    return record


def wanted(worker: "Worker", key: str) -> bool:
    """Whether a client still waits for the task; False if the client has disconnected."""
    task = worker.state.tasks.get(key)
    return task is not None and task.state != "cancelled" and worker.status.name in ("running", "paused")


def threads_of(worker: "Worker") -> int:
    """Return the number of cores for each of a worker's fits."""
    from dask.system import CPU_COUNT

    return max(1, CPU_COUNT // worker.state.nthreads)


def tell(worker: "Worker", topic: str, kind: str, said: Any) -> None:
    """Send an event to the client."""
    worker.log_event(topic, {"kind": kind, "said": said})


def heard(said: dict[str, Any]) -> Moment:
    """Return the moment contained in an event."""
    return Moment(**said)
