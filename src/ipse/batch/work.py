"""errand ↦ record on a Dask worker: the fit leaves at its next step once nobody wants it any more."""

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

EVERY = 1.0  # seconds between two moments that are told


class Again(Exception):  # noqa: N818 - what Dask is asked to do
    """A fit failed in a way that another try may not; holds the record of the failure."""

    @property
    def record(self) -> Record:
        """What went wrong."""
        return self.args[0]


def dask_setup(_worker: "Worker") -> None:
    """Leave a terminal's Ctrl-C, which every process of its group gets, to whoever started the worker.

    Dask calls this where the module is preloaded.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def work(errand: Errand, topic: str) -> Record | None:
    """Carry an errand out on the worker that this runs on.

    Args:
        errand: with absolute paths, on storage that all workers share.
        topic: of the events in which it tells where it stands.

    Returns:
        The record; None where it was cancelled, its state saved.

    Raises:
        Again: it failed in a way that nobody foresaw.
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
    """Return a record, unless another try may give a better one.

    Raises:
        Again: what went wrong is not the picture's fault.
    """
    if not record.foreseen:
        raise Again(record)
    return record


def wanted(worker: "Worker", key: str) -> bool:
    """Whether somebody still waits for a task: a client that is gone, however it went, does not."""
    task = worker.state.tasks.get(key)
    return task is not None and task.state != "cancelled" and worker.status.name in ("running", "paused")


def threads_of(worker: "Worker") -> int:
    """Return the cores that each of a worker's fits has: those of its process, shared out."""
    from dask.system import CPU_COUNT

    return max(1, CPU_COUNT // worker.state.nthreads)


def tell(worker: "Worker", topic: str, kind: str, said: Any) -> None:
    """Send an event to whoever listens."""
    worker.log_event(topic, {"kind": kind, "said": said})


def heard(said: dict[str, Any]) -> Moment:
    """Return the moment that an event tells."""
    return Moment(**said)
