"""errands ↦ Dask tasks ↦ records: run a batch in processes on this machine or on the workers of a scheduler.

Each fit is one task. The number of tasks submitted at a time is limited, so that the cost does not grow with the batch.
Dask: Rocklin, "Dask: Parallel Computation with Blocked algorithms and Task Scheduling" (2015),
https://doi.org/10.25080/Majora-7b98e3ed-013.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ipse.batch.carried import PAUSE, Source, Stream
from ipse.batch.errands import Errand
from ipse.batch.fits import failed
from ipse.batch.local import local_cluster, mend, threads_of_each
from ipse.batch.records import Moment, Record
from ipse.batch.work import Again, heard, work
from ipse.errors import OptionError, RunError, one_line

if TYPE_CHECKING:
    from distributed import Client, Future

WINDOW = 512  # maximum number of errands at the scheduler
TOGETHER = 64  # number of errands per message to the scheduler
RETRIES = 2  # retries after an unexpected failure
DEATHS = 20  # number of workers that may die on a picture before the picture counts as the cause
MEND = 5.0  # seconds between two checks of the workers
PATIENCE = 10.0  # timeout in seconds for a scheduler to answer, and for fits to stop
INSTALL = "Dask is not installed: pip install 'ipse[dask]'"


@dataclass(frozen=True)
class Dask:
    """Where fits run: in ``workers`` processes on this machine, or on the workers of ``scheduler``.

    Raises:
        OptionError: neither or both are given, or Dask is not installed.
    """

    workers: int | None = None
    scheduler: str | None = None  #: an address, or the path of a scheduler file
    device: str = "auto"  #: a fit on "cuda…" uses one unit of the worker's resource "GPU"
    retries: int = RETRIES

    def __post_init__(self) -> None:
        if (self.workers is None) == (self.scheduler is None):
            raise OptionError("give either workers on this machine or a scheduler")
        if self.workers is not None and self.workers < 1:
            raise OptionError(f"workers must be 1 or more, got {self.workers}")
        try:
            import_module("distributed")
        except ImportError as error:
            raise OptionError(INSTALL) from error

    def __call__(self, source: Source) -> Stream:
        """Run errands.

        Raises:
            OptionError: the scheduler does not answer.
            RunError: the connection to the scheduler was lost; run the same command to continue.
        """
        threads = None if self.workers is None else threads_of_each(self.workers)
        with self.client() as client:
            yield from Flight(client, self.retries, self.resources(client), threads).events(source)

    @contextmanager
    def client(self) -> "Generator[Client]":
        """Connect to the scheduler, or start one with its workers."""
        from distributed import Client

        if self.scheduler is None:
            with local_cluster(self.workers or 1, self.device) as cluster, Client(cluster) as client:
                yield client
            return
        file = self.scheduler if Path(self.scheduler).is_file() else None
        try:
            given: dict[str, Any] = {"scheduler_file": file} if file else {"address": self.scheduler}
            client = Client(**given, timeout=PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise OptionError(
                f"scheduler {self.scheduler} does not answer ({one_line(str(error))[:120]}): "
                "start one with 'dask scheduler', and give the address it prints"
            ) from error
        with client:
            yield client

    def resources(self, client: "Client") -> dict[str, float]:
        """Return the Dask resources that a fit needs.

        Raises:
            OptionError: no worker has them, so the fits would wait forever.
        """
        if not self.device.startswith("cuda"):
            return {}
        there = client.scheduler_info(n_workers=-1)["workers"].values()
        if there and not any("GPU" in one["resources"] for one in there):
            raise OptionError(
                f"device {self.device!r}: no worker has a GPU: start them with --resources GPU=1, "
                "each with its own CUDA_VISIBLE_DEVICES"
            )
        return {"GPU": 1}


@dataclass
class Flight:
    """The errands at the scheduler, and the messages about them."""

    client: "Client"
    retries: int
    resources: dict[str, float]
    threads: int | None  #: default number of threads per fit; None leaves it to the worker
    task: Callable[..., Record | None] = work  #: called with an errand and the topic for its events
    topic: str = field(default_factory=lambda: f"ipse-{uuid4().hex}")
    heard: "SimpleQueue[Any]" = field(default_factory=SimpleQueue)
    flying: dict[str, tuple["Future[Any]", Errand, int]] = field(default_factory=dict[str, Any])
    fitting: set[str] = field(default_factory=set[str])  #: keys of the errands that a worker has started
    #: records that arrived as events before the scheduler reported the end of the task, so none need be fetched
    records: dict[str, Record] = field(default_factory=dict[str, Record])
    more: bool = True  #: whether the source may have more errands
    count: int = 0
    looked: float = field(default_factory=time.monotonic)

    def events(self, source: Source) -> Stream:
        """Submit errands and yield events and records. Stop iterating to cancel them."""
        self.client.subscribe_topic(self.topic, self.heard.put)
        errands = iter(source)
        try:
            while self.more or self.flying:
                yield from self.fill(errands)
                yield self.next()
        finally:
            self.call_back()

    def fill(self, errands: Iterator[Errand | Record | None]) -> Iterator[Record]:
        """Submit errands up to ``WINDOW``, as soon as there is room for a full message."""
        if not self.more or len(self.flying) > WINDOW - TOGETHER:
            return
        sent: list[tuple[Errand, int]] = []
        while len(self.flying) + len(sent) < WINDOW:
            errand = next(errands, self)
            self.more = errand is not self
            if isinstance(errand, Errand):
                sent.append((replace(absolute(errand), threads=errand.threads or self.threads), 0))
            elif isinstance(errand, Record):
                yield errand
            else:
                break
        self.send(sent)

    def send(self, errands: Sequence[tuple[Errand, int]]) -> None:
        """Submit errands, each with the number of workers that have died on it."""
        if not errands:
            return
        first, self.count = self.count, self.count + len(errands)
        keys = [
            f"{self.topic}-{first + index:09}" for index in range(len(errands))
        ]  # the scheduler starts them in this order
        given: dict[str, Any] = {"key": keys, "retries": self.retries, "resources": self.resources or None}
        futures: Any = self.client.map(
            self.task, [errand for errand, _ in errands], topic=self.topic, pure=False, **given
        )
        for future, (errand, deaths) in zip(futures, errands, strict=True):
            self.flying[str(future.key)] = future, errand, deaths
            future.add_done_callback(self.heard.put)

    def next(self) -> Moment | Record | None:
        """Wait briefly for the next message."""
        if time.monotonic() - self.looked > MEND:
            self.looked = time.monotonic()
            mend(self.client)
        try:
            said = self.heard.get(timeout=PAUSE)
        except Empty:
            return None
        return self.told(said[1]) if isinstance(said, tuple) else self.landed(said)

    def told(self, event: dict[str, Any]) -> Moment | None:
        """Handle a worker's event."""
        said = event["said"]
        if event["kind"] == "moment":
            return heard(said)
        if event["kind"] == "begun":
            self.fitting.add(said)
            return None
        self.fitting.discard(said["key"])
        if said["record"] is not None and said["key"] in self.flying:
            self.records[said["key"]] = Record(**said["record"])
        return None

    def landed(self, future: "Future[Any]") -> Record | None:
        """Handle a finished task. If its worker has died, submit the errand again.

        Raises:
            RunError: the connection to the scheduler was lost.
        """
        key = str(future.key)
        _, errand, deaths = self.flying.pop(key)
        self.fitting.discard(key)
        made = self.records.pop(key, None)
        if made is not None:  # valid even if the worker died right after it
            return made
        if future.status == "finished":
            return future.result()
        error = future.exception() if future.status == "error" else None
        if isinstance(error, Again):
            return error.record
        if error is None:
            raise RunError(
                "the connection to the scheduler was lost; finished pictures are kept: run the same command to continue"
            )
        if type(error).__name__ == "KilledWorker" and deaths < DEATHS:
            self.send([(errand, deaths + 1)])
            return None
        said = f"{errand.source}: {type(error).__name__}: {one_line(str(error))[:200]}"
        return failed(errand, time.perf_counter(), said, foreseen=False)

    def call_back(self) -> None:
        """Cancel the submitted errands, and wait until all fits have stopped writing."""
        with suppress(Exception):  # the scheduler may be gone
            self.client.cancel([future for future, *_ in self.flying.values()], force=True)
        give_up = time.monotonic() + PATIENCE
        while self.flying and self.fitting and time.monotonic() < give_up:
            with suppress(Empty):
                said = self.heard.get(timeout=PAUSE)
                if isinstance(said, tuple):
                    self.told(said[1])
        with suppress(Exception):
            self.client.unsubscribe_topic(self.topic)


def absolute(errand: Errand) -> Errand:
    """Return the errand with absolute paths, for workers with another working folder."""
    job = errand.job
    options = {
        key: value.absolute() if isinstance(value, Path) else value for key, value in job.options.items()
    }
    paths = {"source": errand.source.absolute(), "target": errand.target.absolute()}
    return replace(errand, job=replace(job, options=options, **paths))
