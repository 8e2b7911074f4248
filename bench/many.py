"""Many small pictures in one run: memory, and what a kill costs.

python -m bench.many [--pictures 1000] [--side 32] [--steps 5]         peak memory at picture 50 and at the last
python -m bench.many --kill run [--kills 2] [--workers 2]              kill -9 of the run at random moments
python -m bench.many --kill worker --workers 2 [--every 10]            kill -9 of a worker every so many seconds
python -m bench.many --kill both --workers 2 [--every 10] [--kills 2]  both, in one run

A worker is killed only once an output has come since the last was: one slower to start than --every would never work.
With --kill the outputs are compared, byte by byte, with those of an undisturbed run.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from bench.child import peak_memory
from ipse.batch import restore_many
from ipse.batch.records import read
from ipse.settings import Settings

PATIENCE = 60.0  # seconds for workers whose run was killed
EARLY = 50  # picture at which memory is read first: by then all is imported


def pictures(folder: Path, count: int, side: int) -> None:
    """Write small noisy pictures, each its own."""
    folder.mkdir()
    ramp = np.linspace(40, 215, side)[None, :, None] * np.ones((side, 1, 3))
    for index in range(count):
        noise = np.random.default_rng(index).normal(0, 20, ramp.shape)
        samples = np.clip(np.rint(ramp + noise), 0, 255).astype(np.uint8)
        Image.fromarray(samples).save(folder / f"{index:04}.png")


def memory(folder: Path, told: argparse.Namespace) -> None:
    """Restore all in this process, and print its peak memory on the way."""
    marks: dict[int, float] = {}
    started = time.perf_counter()
    settings = Settings(preset="fast", steps=told.steps)
    records = restore_many([folder / "in"], task="denoise", output=folder / "out", settings=settings)
    for count, record in enumerate(records, 1):
        assert record.state == "done", record
        if count in (EARLY, told.pictures):
            marks[count] = peak_memory()
            print(f"picture {count}: peak {marks[count]:.1f} MiB, {time.perf_counter() - started:.0f} s")
    if len(marks) == 2:
        print(f"ratio {marks[told.pictures] / marks[EARLY]:.4f}")


def command(output: str, told: argparse.Namespace) -> list[str]:
    """The batch as a command."""
    words = ["denoise", "in", "-o", output, "--preset", "fast", "--steps", str(told.steps), "--rule", "last"]
    words += ["--quiet", "--threads", "1", "--checkpoint-every", "0.5"]
    words += [] if told.workers is None or output == "whole" else ["--workers", str(told.workers)]
    return [sys.executable, "-m", "ipse", *words]


class Killer:
    """Starts the run, kills it at random moments and its workers now and then, and starts it again.

    Args:
        folder: where the run is.
        told: the benchmark's options.
    """

    def __init__(self, folder: Path, told: argparse.Namespace) -> None:
        self.folder, self.told = folder, told
        self.begun = self.last = time.monotonic()
        self.workers = self.runs = 0  #: that were killed
        self.before = 0  #: outputs when something was killed
        self.random = random.Random(told.seed)
        runs = told.kills if told.kill in ("run", "both") else 0
        places = range(1, max(2, told.pictures))
        #: outputs at which the run is killed
        self.ends = sorted(self.random.sample(places, min(runs, len(places))))

    def __call__(self) -> int:
        """Let the run be killed as often as was asked, then end; its exit code."""
        for end in self.ends:
            process = self.accompanied(end)
            if process.poll() is None:
                self.kill(process)
        code = self.accompanied(self.told.pictures + 1).wait()
        self.say(f"the run ended with exit code {code}")
        return code

    def accompanied(self, end: int) -> "subprocess.Popen[bytes]":
        """Start the run, and kill a worker every so many seconds, until there are so many outputs, or it ends."""
        process = subprocess.Popen(command("out", self.told), cwd=self.folder)
        late, self.before = self.random.uniform(0, 1.0), self.there()
        while process.poll() is None:
            time.sleep(0.05)
            if self.there() >= end:
                time.sleep(late)  # somewhere within a fit
                break
            working = self.told.kill != "run" and self.there() > self.before  # else none would ever start
            if working and time.monotonic() - self.last >= self.told.every:
                self.kill_worker(process)
        return process

    def kill_worker(self, process: "subprocess.Popen[bytes]") -> None:
        """Kill one of the workers, once they compute."""
        workers = workers_of(process.pid)
        if workers:
            self.random.choice(workers).kill()
            self.workers, self.last, self.before = self.workers + 1, time.monotonic(), self.there()
            self.say("a worker killed")

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """Kill the run, and wait until its workers have noticed."""
        orphans = workers_of(process.pid)
        process.kill()
        process.wait()
        self.runs += 1
        _, alive = psutil.wait_procs(orphans, timeout=PATIENCE)
        self.say(
            f"the run killed; {len(alive)} of its {len(orphans)} workers outlived it by {PATIENCE:.0f} s"
        )

    def there(self) -> int:
        """How many outputs there are."""
        return sum(1 for _ in (self.folder / "out").glob("*.png"))

    def say(self, what: str) -> None:
        """Print what was done, and when."""
        print(f"{time.monotonic() - self.begun:6.1f} s, {self.there():4} outputs: {what}", flush=True)


def workers_of(pid: int) -> list[psutil.Process]:
    """The processes that compute for another."""
    try:
        return [one for one in psutil.Process(pid).children() if "spawn_main" in " ".join(one.cmdline())]
    except psutil.Error:
        return []


def compared(folder: Path, told: argparse.Namespace) -> int:
    """Compare with an undisturbed run in one process."""
    subprocess.run(command("whole", told), cwd=folder, check=True)
    there, whole = (
        {path.name: path.read_bytes() for path in (folder / name).glob("*.png")} for name in ("out", "whole")
    )
    missing = sorted(whole.keys() - there.keys())
    wrong = [name for name in whole.keys() & there.keys() if there[name] != whole[name]]
    bare = [name for name in there if not (folder / "out" / f"{name}.ipse.json").exists()]
    left = sorted(path.name for path in (folder / "out").rglob(".*"))
    states = [record.state for record in read(folder / "out" / "ipse-manifest.jsonl")]
    print(f"{len(whole)} outputs undisturbed: {len(missing)} of them missing, {len(wrong)} other, "
          f"{len(bare)} without receipt; manifest: {len(states)} records, {states.count('failed')} failed; "
          f"left behind: {left or 'nothing'}")  # fmt: skip
    return int(bool(missing or wrong or bare) or len(states) != len(whole))


def main(args: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--kill", choices=["run", "worker", "both"])
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--workers", type=int)
    told = parser.parse_args(args)
    if told.kill in ("worker", "both") and told.workers is None:
        parser.error("workers that are to be killed must be there: give --workers")
    with tempfile.TemporaryDirectory(prefix="ipse-many-") as name:
        folder = Path(name)
        pictures(folder / "in", told.pictures, told.side)
        if told.kill is None:
            memory(folder, told)
            return 0
        killer = Killer(folder, told)
        code = killer()
        print(f"killed: the run {killer.runs} times, a worker {killer.workers} times")
        return compared(folder, told) or code


if __name__ == "__main__":
    sys.exit(main())
