"""What Dask costs, and what it gives.

python -m bench.cluster speedup [--fits 12] [--side 128] [--rounds 3]    two workers against one, one thread a fit
python -m bench.cluster overhead [--tasks 1000] [--seconds 0.1]          what a task costs beside its fit
python -m bench.cluster growth [--most 100000] [--png docs/images/scheduler.png]     the same, of more and more tasks

For the last two a fit sleeps: what is left of the time is the scheduler's, the client's and the manifest's.
Scheduler and client are this process, whose processor time is given too: it does not hang on what else runs.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster

from bench.many import pictures
from bench.table import markdown
from ipse.batch.carried import carried
from ipse.batch.cluster import Dask, Flight
from ipse.batch.errands import Errand, Order
from ipse.batch.local import local_cluster
from ipse.batch.records import Manifest, Record
from ipse.job import Job
from ipse.settings import Settings

Row = tuple[int, float, float]  # tasks, seconds, seconds of the processor
SLEEPERS = 16  # fits that sleep at a time, on each of two workers


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


def sleeping(errand: Errand, _topic: str) -> Record:
    """Stand in for a fit: sleep for as long as the option says."""
    time.sleep(errand.job.options["seconds"])
    return Record(errand.job.task, str(errand.source), str(errand.target), "done", output_sha256="0")


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


def slept(client: Client, tasks: int, pause: float, folder: Path) -> tuple[float, float]:
    """Send out so many sleeping fits, write the manifest, and return the seconds, and those of the processor here."""
    job = Job("sleep", Path("x.png"), folder / "x.png", options={"seconds": pause})
    errands = [Errand(job, Path("x.png")) for _ in range(tasks)]
    flight = Flight(client, 0, {}, None, sleeping)
    start, used = time.perf_counter(), time.process_time()
    with closing(carried(errands, flight.events, Manifest(folder / f"{tasks}.jsonl"))) as events:
        assert sum(isinstance(event, Record) for event in events) == tasks
    return time.perf_counter() - start, time.process_time() - used


def overhead(told: argparse.Namespace) -> None:
    """What a task costs beside its fit, on workers that do one at a time."""
    with tempfile.TemporaryDirectory() as name, local_cluster(2, "cpu") as cluster, Client(cluster) as client:
        slept(client, 20, 0.0, Path(name))
        took, _ = slept(client, told.tasks, told.seconds, Path(name))
    ideal = told.tasks * told.seconds / 2
    print(f"{told.tasks} fits of {told.seconds:g} s on two workers: {took:.1f} s, {ideal:.1f} s without any cost: "
          f"{1000 * (took - ideal) * 2 / told.tasks:.1f} ms a fit, {took / ideal - 1:.1%} of it")  # fmt: skip


def growth(told: argparse.Namespace) -> None:
    """What a task costs, of more and more of them."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name, sleepers() as client:
        slept(client, 20, 0.0, Path(name))
        count = 100
        while count <= told.most:
            rows.append((count, *slept(client, count, told.seconds, Path(name))))
            print(f"{count} tasks: {rows[-1][1]:.1f} s, {rows[-1][2]:.1f} s of processor", file=sys.stderr)
            if told.png is not None:
                plot(rows, told.png)
            count *= 10
    said = [[f"{tasks:,}", f"{took:.1f}", f"{1000 * used / tasks:.2f}"] for tasks, took, used in rows]
    print(markdown(["tasks", "seconds", "ms of processor a task"], said))


def plot(rows: list[Row], path: Path) -> None:
    """Draw it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.add_subplot()
    axes.loglog([tasks for tasks, *_ in rows], [1000 * used / tasks for tasks, _, used in rows], "o-")
    axes.set_ylim(0.1, 100)
    axes.set_xlabel("tasks")
    axes.set_ylabel("ms of processor a task")
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, dpi=120)


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["speedup", "overhead", "growth"])
    parser.add_argument("--fits", type=int, default=12)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--png", type=Path)
    told = parser.parse_args(args)
    {"speedup": speedup, "overhead": overhead, "growth": growth}[told.what](told)


if __name__ == "__main__":
    main()
