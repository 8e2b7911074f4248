"""Works × pictures × methods × seeds, one process after the other, each row written as soon as it is there."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from bench import rows
from bench.child import Job
from bench.methods import Method
from bench.rows import Key, Row
from bench.works import Work
from ipse.devices import processor
from ipse.errors import RunError

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    works: Sequence[Work]
    methods: Sequence[Method]
    data: Path
    only: str = ""
    seeds: int = 1
    stops: bool = False
    reference: bool = True


def jobs(plan: Plan) -> Iterator[Job]:
    """All of it, in order: a picture's methods one after the other, so that a cut run has whole pictures."""
    for work in plan.works:
        for path in work.paths(plan.data, plan.only):
            for method in (one for one in plan.methods if one.fits(work)):
                for seed in range(plan.seeds if method.random else 1):
                    yield Job(work.name, str(path), method.name, seed=seed)
            ours = [one.name for one in plan.methods if one.ours]
            if plan.stops:
                yield from (Job(work.name, str(path), name, "stops") for name in ours)
            if plan.reference and ours:
                yield Job(work.name, str(path), "paper", "reference")


def run(plan: Plan, out: Path, *, again: bool = False) -> Iterator[Row | RunError]:
    """Measure what is not in ``out`` yet; a measurement that fails is yielded as its error, and the rest goes on."""
    known = {} if again else rows.read(out)
    for job in jobs(plan):
        if _done(job, known):
            continue
        try:
            row = replace(measured(job), commit=commit(), machine=machine())
        except RunError as error:
            yield error
            continue
        if row.key in known:
            continue
        known[row.key] = row
        rows.append(out, row)
        yield row


def _done(job: Job, known: dict[Key, Row]) -> bool:
    """Whether the job's row is there; a step of the paper's network is timed once for each work and size."""
    name = Path(job.path).stem.removesuffix("_real")
    if job.kind == "reference":
        sizes = {row.size for row in known.values() if (row.kind, row.work) == ("reference", job.work)}
        same = [row for row in known.values() if (row.work, row.case, row.kind) == (job.work, name, "result")]
        return any(row.size in sizes for row in same)
    return (job.kind, job.work, name, job.method, job.seed) in known


def measured(job: Job) -> Row:
    """Measure in a fresh process.

    Raises:
        RunError: it failed; the message ends with what it said last.
    """
    command = [sys.executable, "-m", "bench.child", json.dumps(asdict(job))]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise RunError(f"{job.work} {Path(job.path).name} {job.method}: {last}")
    return Row(**json.loads(done.stdout))


def told(found: Iterable[Row | RunError]) -> int:
    """Say each row as it comes; return how many failed."""
    failed = 0
    for row in found:
        if isinstance(row, RunError):
            failed += 1
            print(f"failed: {row}", file=sys.stderr, flush=True)
        elif row.kind == "reference":
            line = f"a step of the published recipe takes {row.seconds:.2f} s, and it has {row.steps}"
            print(f"{row.work:11} {row.case:24} {line}", flush=True)
        else:
            best = "" if row.best_psnr is None else f"  best step {row.best_step}: {row.best_psnr:.2f} dB"
            line = f"{row.psnr:7.2f} dB {row.seconds:9.2f} s {row.memory:7.0f} MiB{best}"
            print(f"{row.work:11} {row.case:24} {row.method:14} {line}", flush=True)
    return failed


@cache
def commit() -> str:
    """The project's commit, with a + where files differ from it; nothing where git is not there."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


@cache
def machine() -> str:
    """The processor, the cores this process may use, and the threads it was told to."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return f"{processor()}; {cores} cores; threads: {threads}"
