"""errands ↦ Dask's tasks ↦ records: an engine of processes on this machine, or of whatever a scheduler has.

One fit is one task. Only so many are with the scheduler at a time: what it costs does not grow with the batch.
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

WINDOW = 512  # errands that are with the scheduler at a time
TOGETHER = 64  # errands that are sent at once: what a message costs is shared
RETRIES = 2  # of a fit that failed in a way that nobody foresaw
DEATHS = 20  # of workers, before a picture is thought to be the cause
MEND = 5.0  # seconds between two looks after the workers
PATIENCE = 10.0  # seconds for a scheduler to answer, and for fits to leave
INSTALL = "Dask is not installed: pip install 'ipse[dask]'"


@dataclass(frozen=True)
class Dask:
    """Where fits run: in ``workers`` processes on this machine, or on the workers of ``scheduler``.

    Raises:
        OptionError: neither or both are given, or Dask is not installed.
    """

    workers: int | None = None
    scheduler: str | None = None  #: an address, or the path of a scheduler file
    device: str = "auto"  #: a fit on "cuda…" takes one of a worker's resource GPU
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
        """Carry errands out.

        Raises:
            OptionError: the scheduler does not answer.
            RunError: the scheduler was lost; the same command goes on.
        """
        threads = None if self.workers is None else threads_of_each(self.workers)
        with self.client() as client:
            yield from Flight(client, self.retries, self.resources(client), threads).events(source)

    @contextmanager
    def client(self) -> "Generator[Client]":
        """Connect, or start processes to connect to."""
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
        """Return what a fit takes of its worker.

        Raises:
            OptionError: no worker there is has it: the fits would wait for ever.
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
    """Errands that are with the scheduler, and what is heard of them."""

    client: "Client"
    retries: int
    resources: dict[str, float]
    threads: int | None  #: of a fit that was told nothing else; None leaves it to the worker
    task: Callable[..., Record | None] = work  #: of an errand and the topic of its events
    topic: str = field(default_factory=lambda: f"ipse-{uuid4().hex}")
    heard: "SimpleQueue[Any]" = field(default_factory=SimpleQueue)
    flying: dict[str, tuple["Future[Any]", Errand, int]] = field(default_factory=dict[str, Any])
    fitting: set[str] = field(default_factory=set[str])  #: keys of those that a worker has begun
    #: what fits that have ended have said, until the scheduler says the same: a record need not be fetched
    records: dict[str, Record] = field(default_factory=dict[str, Record])
    more: bool = True  #: whether the source may have errands yet
    count: int = 0
    looked: float = field(default_factory=time.monotonic)

    def events(self, source: Source) -> Stream:
        """Send errands out, and yield what comes back; stop pulling to call them back."""
        self.client.subscribe_topic(self.topic, self.heard.put)
        errands = iter(source)
        try:
            while self.more or self.flying:
                yield from self.fill(errands)
                yield self.next()
        finally:
            self.call_back()

    def fill(self, errands: Iterator[Errand | Record | None]) -> Iterator[Record]:
        """Send so many at once that there are ``WINDOW`` out, once enough have come back that it is worth it."""
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
        """Send errands to the scheduler, each with the deaths that it has seen."""
        if not errands:
            return
        first, self.count = self.count, self.count + len(errands)
        keys = [
            f"{self.topic}-{first + index:09}" for index in range(len(errands))
        ]  # in this order they are begun
        given: dict[str, Any] = {"key": keys, "retries": self.retries, "resources": self.resources or None}
        futures: Any = self.client.map(
            self.task, [errand for errand, _ in errands], topic=self.topic, pure=False, **given
        )
        for future, (errand, deaths) in zip(futures, errands, strict=True):
            self.flying[str(future.key)] = future, errand, deaths
            future.add_done_callback(self.heard.put)

    def next(self) -> Moment | Record | None:
        """Wait a moment for the next that is heard."""
        if time.monotonic() - self.looked > MEND:
            self.looked = time.monotonic()
            mend(self.client)
        try:
            said = self.heard.get(timeout=PAUSE)
        except Empty:
            return None
        return self.told(said[1]) if isinstance(said, tuple) else self.landed(said)

    def told(self, event: dict[str, Any]) -> Moment | None:
        """Note what a worker says."""
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
        """Take a record; an errand whose worker has died is sent again.

        Raises:
            RunError: the scheduler is gone.
        """
        key = str(future.key)
        _, errand, deaths = self.flying.pop(key)
        self.fitting.discard(key)
        made = self.records.pop(key, None)
        if made is not None:  # even where the worker died right after
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
        """Cancel what is out, and wait until no fit writes any more."""
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
    """Return an errand that means the same wherever a worker stands."""
    job = errand.job
    options = {
        key: value.absolute() if isinstance(value, Path) else value for key, value in job.options.items()
    }
    paths = {"source": errand.source.absolute(), "target": errand.target.absolute()}
    return replace(errand, job=replace(job, options=options, **paths))
