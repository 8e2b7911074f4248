"""What the server does, as numbers in Prometheus' text format; see https://prometheus.io/docs/instrumenting/exposition_formats."""

import logging
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ipse.web.hub import Listener
from ipse.web.process import Process
from ipse.web.records import OVER
from ipse.web.store import Store

KIND = "text/plain; version=0.0.4; charset=utf-8"
STATUS = "/proc/{}/status"
LOG = logging.getLogger("ipse.web")


class Counts(Listener):
    """Counts and logs jobs as they begin and end.

    Args:
        store: where the jobs are.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.states: dict[str, str] = {}
        self.begun: dict[str, float] = {}
        self.ended: Counter[tuple[str, str]] = Counter()  #: by task and state
        self.seconds: Counter[str] = Counter()  #: from a job's start to its end, by task

    def watch(self) -> None:
        """Note the jobs that are there at the start, which do not count."""
        self.states = {job.id: job.state for job in self.store.jobs.values()}

    def tell(self, name: str) -> None:
        """Note a change of a job."""
        job = self.store.jobs.get(name)
        if job is None or self.states.get(name) == job.state:
            if job is None:
                self.states.pop(name, None)
            return
        self.states[name] = job.state
        said: dict[str, object] = {"job": name, "task": job.task, "state": job.state}
        if job.state == "running":
            self.begun.setdefault(name, time.monotonic())
        elif job.state in OVER:
            taken = time.monotonic() - self.begun.pop(name, time.monotonic())
            self.ended[job.task, job.state] += 1
            self.seconds[job.task] += taken  # pyright: ignore[reportArgumentType] - a Counter adds floats too
            said["seconds"] = round(taken, 3)
        LOG.info("job %s", job.state, extra=said)


def text(counts: Counts, store: Store, waiting: int, workers: Mapping[str, Process | None], kept: int) -> str:
    """Return the metrics.

    Args:
        counts: of jobs.
        store: where pictures and jobs are.
        waiting: number of queued jobs.
        workers: processes by what they do.
        kept: bytes of the server's folder.
    """
    states = Counter(job.state for job in store.jobs.values())
    lines: list[str] = []
    lines += family("ipse_queue_length", "gauge", "Jobs that wait.", [("", waiting)])
    lines += family("ipse_fits_running", "gauge", "Jobs that are computed now.", [("", states["running"])])
    lines += family("ipse_pictures", "gauge", "Pictures that are kept.", [("", len(store.pictures))])
    lines += family("ipse_kept_bytes", "gauge", "Size of all that is kept.", [("", kept)])
    ended = [
        (f'{{task="{task}",state="{state}"}}', count) for (task, state), count in sorted(counts.ended.items())
    ]
    lines += family("ipse_jobs_total", "counter", "Jobs that have ended since the start.", ended)
    spent = [(f'{{task="{task}"}}', round(float(value), 3)) for task, value in sorted(counts.seconds.items())]
    lines += family("ipse_job_seconds_total", "counter", "Seconds from start to end of these jobs.", spent)
    sizes = [(f'{{process="{name}"}}', size) for name, size in memory(workers)]
    lines += family("ipse_memory_bytes", "gauge", "Resident memory of the server and its workers.", sizes)
    return "\n".join(lines) + "\n"


def family(name: str, kind: str, said: str, samples: Sequence[tuple[str, float]]) -> list[str]:
    """The lines of one metric; labels and value of each sample."""
    return [
        f"# HELP {name} {said}",
        f"# TYPE {name} {kind}",
        *(f"{name}{labels} {value}" for labels, value in samples),
    ]


def memory(workers: Mapping[str, Process | None]) -> Iterator[tuple[str, int]]:
    """The resident memory of the server and of each worker, where the system reports it."""
    numbers = {"server": "self"}
    numbers |= {name: str(one.inner.pid) for name, one in workers.items() if one is not None and one.alive}
    for name, number in numbers.items():
        try:
            found = re.search(r"VmRSS:\s+(\d+) kB", Path(STATUS.format(number)).read_text())
        except OSError:
            continue
        if found:
            yield name, 1024 * int(found[1])
