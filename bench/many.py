"""Many small pictures in one run: memory, and what a kill costs.

python -m bench.many [--pictures 1000] [--side 32] [--steps 5]         peak memory at picture 50 and at the last
python -m bench.many --kill run [--kills 2] [--workers 2]              kill -9 of the run at random moments
python -m bench.many --kill worker --workers 2 [--every 10]            kill -9 of a worker every so many seconds

With --kill the outputs are compared, byte by byte, with those of an undisturbed run.
"""

import argparse
import random
import signal
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


def killed_run(folder: Path, told: argparse.Namespace) -> None:
    """Kill the run at random moments, then let it finish."""
    for _ in range(told.kills):
        process = subprocess.Popen(command("out", told), cwd=folder)
        before = len(list((folder / "out").glob("*.png")))
        while len(list((folder / "out").glob("*.png"))) == before and process.poll() is None:
            time.sleep(0.05)
        time.sleep(random.uniform(0, told.every))
        process.kill()
        process.wait()
        print(f"killed with {len(list((folder / 'out').glob('*.png')))} of {told.pictures} outputs there")
    subprocess.run(command("out", told), cwd=folder, check=True)


def killed_workers(folder: Path, told: argparse.Namespace) -> None:
    """Kill a worker every so many seconds while the run goes on."""
    process, kills, last = subprocess.Popen(command("out", told), cwd=folder), 0, time.monotonic()
    while process.poll() is None:
        time.sleep(0.1)
        workers = workers_of(process.pid)
        begun = any((folder / "out").glob("*.png"))
        if begun and time.monotonic() - last >= told.every and workers:
            random.choice(workers).send_signal(signal.SIGKILL)
            kills, last = kills + 1, time.monotonic()
    print(f"{kills} workers killed, exit code {process.returncode}")


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
    wrong = [name for name in whole if there.get(name) != whole[name]]
    states = [record.state for record in read(folder / "out" / "ipse-manifest.jsonl")]
    print(f"{len(whole)} outputs, {len(wrong)} of them other than undisturbed; manifest: {len(states)} records, "
          f"{states.count('failed')} failed")  # fmt: skip
    return int(bool(wrong) or len(there) != len(whole))


def main(args: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--kill", choices=["run", "worker"])
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--workers", type=int)
    told = parser.parse_args(args)
    with tempfile.TemporaryDirectory(prefix="ipse-many-") as name:
        folder = Path(name)
        pictures(folder / "in", told.pictures, told.side)
        if told.kill is None:
            memory(folder, told)
            return 0
        (killed_run if told.kill == "run" else killed_workers)(folder, told)
        return compared(folder, told)


if __name__ == "__main__":
    sys.exit(main())
