"""What Dask costs, and what it gives.

python -m bench.cluster speedup [--fits 12] [--side 128] [--rounds 3]    two workers against one, one thread a fit
python -m bench.cluster overhead [--tasks 1000] [--seconds 0.1]          what a task costs beside its fit
python -m bench.cluster growth [--most 100000] [--png docs/images/scheduler.png]     the same, of more and more tasks

For the last two a fit sleeps: what is left of the time is the scheduler's, the client's and the manifest's.
Scheduler and client are this process. Its processor time and memory are given too: they hang little on what else runs.
Beside the plot lies its CSV. Progress goes to standard error.
"""

import argparse
import csv
import statistics
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from distributed import Client, LocalCluster, get_worker

from bench.many import pictures
from bench.table import markdown
from ipse.batch.carried import carried
from ipse.batch.cluster import Dask, Flight
from ipse.batch.errands import Errand, Order
from ipse.batch.local import local_cluster
from ipse.batch.records import Manifest, Record
from ipse.batch.work import tell
from ipse.runs.job import Job
from ipse.settings import Settings

EVERY = 10.0  # seconds between two lines of progress
SLEEPERS = 16  # fits that sleep at a time, on each of two workers


@dataclass(frozen=True)
class Row:
    """What so many tasks took."""

    tasks: int
    seconds: float
    used: float  #: seconds of the processor, of this process
    memory: float  #: MiB of this process, at the end

    @property
    def cost(self) -> float:
        """Milliseconds of the processor a task."""
        return 1000 * self.used / self.tasks


def seconds(errands: list[Errand], address: str) -> float:
    """Time errands on a cluster that is warm."""
    start = time.perf_counter()
    with closing(carried(errands, Dask(scheduler=address))) as events:
        states = [event.state for event in events if isinstance(event, Record)]
    assert states == ["done"] * len(errands), states
    return time.perf_counter() - start


def speedup(told: argparse.Namespace) -> None:
    """Two workers against one, in turn."""
    ratios: list[float] = []
    with tempfile.TemporaryDirectory(prefix="ipse-speedup-") as name:
        folder = Path(name)
        pictures(folder / "in", told.fits, told.side)
        for number in range(told.rounds):
            took: dict[int, float] = {}
            for workers in (1, 2):
                with local_cluster(workers, "cpu") as cluster:
                    warm = order(folder, f"warm{number}{workers}")[: 2 * workers]
                    seconds(warm, cluster.scheduler_address)
                    took[workers] = seconds(order(folder, f"{number}{workers}"), cluster.scheduler_address)
            ratios.append(took[1] / took[2])
            print(f"{told.fits} fits: one worker {took[1]:.1f} s, two {took[2]:.1f} s: {ratios[-1]:.2f}×")
    print(f"median {statistics.median(ratios):.2f}×")


def order(folder: Path, output: str) -> list[Errand]:
    """The default fast fit of every picture, with one thread."""
    job = Job("denoise", None, None, Settings(preset="fast", rule="last"))
    asked = Order((folder / "in",), folder / output, job, threads=1)
    return asked.errands(asked.listing())


def sleeping(errand: Errand, topic: str) -> Record:
    """Stand in for a fit: sleep for as long as the option says, and tell the same events."""
    worker = get_worker()
    key = str(worker.get_current_task())
    tell(worker, topic, "begun", key)
    time.sleep(errand.job.options["seconds"])
    made = Record(errand.job.task, str(errand.source), str(errand.target), "done", output_sha256="0")
    tell(worker, topic, "ended", {"key": key, "record": asdict(made)})
    return made


@contextmanager
def sleepers() -> Generator[Client]:
    """A scheduler whose workers sleep many fits at a time."""
    given: dict[str, Any] = {
        "n_workers": 2,
        "threads_per_worker": SLEEPERS,
        "dashboard_address": "127.0.0.1:0",
        "memory_limit": 0,
    }
    with LocalCluster(**given) as cluster, Client(cluster) as client:
        yield client


def slept(client: Client, tasks: int, pause: float, folder: Path) -> Row:
    """Send out so many sleeping fits, and write the manifest."""
    job = Job("sleep", Path("x.png"), folder / "x.png", options={"seconds": pause})
    errands = (Errand(job, Path("x.png")) for _ in range(tasks))
    flight = Flight(client, 0, {}, None, sleeping)
    start, used, said, done = time.perf_counter(), time.process_time(), time.monotonic(), 0
    with closing(carried(errands, flight.events, Manifest(folder / f"{tasks}.jsonl"))) as events:
        for event in events:
            done += isinstance(event, Record)
            if time.monotonic() - said >= EVERY:
                said = time.monotonic()
                took = time.perf_counter() - start
                print(
                    f"  {done:,} of {tasks:,}, {took:.0f} s, {memory():.0f} MiB", file=sys.stderr, flush=True
                )
    assert done == tasks
    return Row(tasks, time.perf_counter() - start, time.process_time() - used, memory())


def memory() -> float:
    """MiB of this process."""
    return psutil.Process().memory_info().rss / 2**20


def overhead(told: argparse.Namespace) -> None:
    """What a task costs beside its fit, on workers that do one at a time."""
    with tempfile.TemporaryDirectory() as name, local_cluster(2, "cpu") as cluster, Client(cluster) as client:
        slept(client, 20, 0.0, Path(name))
        pause = 0.1 if told.seconds is None else told.seconds
        took = slept(client, told.tasks, pause, Path(name)).seconds
    ideal = told.tasks * pause / 2
    print(f"{told.tasks} fits of {pause:g} s on two workers: {took:.1f} s, {ideal:.1f} s without any cost: "
          f"{1000 * (took - ideal) * 2 / told.tasks:.1f} ms a fit, {took / ideal - 1:.1%} of it")  # fmt: skip


def growth(told: argparse.Namespace) -> None:
    """What a task costs, of more and more of them."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name, sleepers() as client:
        slept(client, 20, 0.0, Path(name))
        for count in counts(told.most):
            pause = 0.01 if told.seconds is None else told.seconds
            rows.append(slept(client, count, pause, Path(name)))
            print(f"{count:,} tasks: {rows[-1].seconds:.1f} s", file=sys.stderr, flush=True)
            if told.png is not None:
                save(rows, told.png)
    said = [[f"{row.tasks:,}", f"{row.seconds:.1f}", f"{row.cost:.2f}", f"{row.memory:.0f}"] for row in rows]
    print(markdown(["tasks", "seconds", "ms of processor a task", "memory, MiB"], said))


def counts(most: int) -> list[int]:
    """100, 300, 1000, 3000, … up to the most."""
    found = [lead * 10**power for power in range(2, 9) for lead in (1, 3)]
    return [*(count for count in found if count < most), most]


def save(rows: list[Row], png: Path) -> None:
    """Write the figures as CSV, and draw them."""
    from matplotlib.figure import Figure

    with png.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tasks", "seconds", "processor_seconds", "memory_mib"])
        writer.writerows(
            [row.tasks, round(row.seconds, 2), round(row.used, 2), round(row.memory, 1)] for row in rows
        )
    figure, tasks = Figure(figsize=(8, 3.2), layout="constrained"), [row.tasks for row in rows]
    left, right = figure.subplots(1, 2)
    left.plot(tasks, [row.cost for row in rows], "o-", color="#b03a2e")
    left.set(title="processor time a task, ms", ylim=(0, 1.3 * max(row.cost for row in rows)))
    right.plot(tasks, [row.memory for row in rows], "o-", color="#5d6d7e")
    right.set(title="memory of scheduler and client, MiB", ylim=(0, 1.3 * max(row.memory for row in rows)))
    for axes in (left, right):
        axes.set(xscale="log", xlabel="tasks")
        axes.grid(visible=True, alpha=0.25)
    figure.savefig(png, dpi=120)


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["speedup", "overhead", "growth"])
    parser.add_argument("--fits", type=int, default=12)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--seconds", type=float, help="of a sleeping fit; 0.1, for growth 0.01")
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--png", type=Path)
    told = parser.parse_args(args)
    {"speedup": speedup, "overhead": overhead, "growth": growth}[told.what](told)


if __name__ == "__main__":
    main()
