"""Several clients of `ipse serve` at once: is a job lost, does memory grow, does the page answer meanwhile?

    python bench/clients.py --minutes 10 --clients 8 --task enhance --preset good

Every client puts a small picture in, asks for a restoration, waits, takes the result and deletes all of it,
again and again. Printed: jobs, failures, memory of the server after the first minute and at the end, and how
long the page's own requests took meanwhile.
"""

import argparse
import io
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image


@dataclass
class Log:
    """What the clients put in, and what came of it."""

    pictures: list[bytes]
    task: str
    preset: str
    done: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])


def picture(seed: int) -> bytes:
    """A small noisy PNG."""
    rng = np.random.default_rng(seed)
    x = 128 + 60 * np.sin(np.add.outer(np.arange(64), 2 * np.arange(64)) / 9)
    stream = io.BytesIO()
    Image.fromarray((x + rng.normal(0, 20, x.shape)).clip(0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def client(address: str, seed: int, end: float, log: Log) -> None:
    """Put in, wait, take, delete, until the end."""
    with httpx.Client(base_url=f"{address}/api/v1", timeout=120) as http:
        while time.monotonic() < end:
            try:
                name = http.post("/pictures", content=log.pictures[seed]).raise_for_status().json()["id"]
                wanted = {"picture": name, "task": log.task, "settings": {"preset": log.preset, "seed": seed}}
                job = http.post("/jobs", json=wanted).raise_for_status().json()
                while job["state"] not in ("done", "failed", "cancelled"):
                    time.sleep(0.2)
                    job = http.get(f"/jobs/{job['id']}").raise_for_status().json()
                result = http.get(f"/jobs/{job['id']}/result").raise_for_status().content
                Image.open(io.BytesIO(result)).load()
                http.delete(f"/pictures/{name}").raise_for_status()
                log.done.append(job["id"])
            except (httpx.HTTPError, OSError, KeyError) as error:
                log.failed.append(repr(error))


def resident(pid: int) -> float:
    """MiB of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--task", default="enhance")
    parser.add_argument("--preset", default="good")
    args = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    command = [
        Path(sys.executable).with_name("ipse"),
        "serve",
        "--no-browser",
        "--no-token",
        "--port",
        "0",
        "--folder",
        folder.name,
    ]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    said = re.search(r"http://[\d.:]+", server.stderr.readline())
    if said is None:
        raise SystemExit("ipse serve did not say where it is")
    address = said.group()
    log = Log([picture(seed) for seed in range(args.clients)], args.task, args.preset)
    waits: list[float] = []
    memory: list[tuple[float, float]] = []
    start = time.monotonic()
    end = start + 60 * args.minutes
    threads = [
        threading.Thread(target=client, args=(address, seed, end, log)) for seed in range(args.clients)
    ]
    for thread in threads:
        thread.start()
    page = httpx.Client(base_url=address, timeout=60)
    while any(thread.is_alive() for thread in threads):
        for path in ("/", "/api/v1/jobs"):
            began = time.perf_counter()
            page.get(path).raise_for_status()
            waits.append(time.perf_counter() - began)
        memory.append((time.monotonic() - start, resident(server.pid)))
        time.sleep(0.5)
    early = [size for at, size in memory if at > 60] or [size for _, size in memory]
    slow = np.quantile(waits, [0.5, 0.99, 1]) * 1000
    print(f"{args.clients} clients, {args.minutes:g} minutes of {args.task}:")
    print(f"{len(log.done)} jobs done, {len(log.failed)} failed")
    print(f"memory of the server: {early[0]:.0f} MiB after a minute, {memory[-1][1]:.0f} MiB at the end")
    print(f"the page answered in {slow[0]:.0f} ms (median), {slow[1]:.0f} ms (99 %), {slow[2]:.0f} ms (most)")
    print("\n".join(log.failed[:5]))
    server.send_signal(2)
    server.wait(30)
    folder.cleanup()
    return 1 if log.failed else 0


if __name__ == "__main__":
    sys.exit(main())
