"""jobs ↦ fits, one at a time: each in a process of its own, in the order in which they came.

A paused fit keeps its process and leaves its place; it goes on when it is its turn again. What was under way
when a server ended is queued again, and goes on from its checkpoint.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import asdict, replace
from typing import Any

from ipse.errors import RunError
from ipse.web.form import told_settings
from ipse.web.heard import ended, stepped
from ipse.web.hub import Hub
from ipse.web.places import CHECKPOINT
from ipse.web.pool import Pool
from ipse.web.process import Process
from ipse.web.records import JobRecord, Progress
from ipse.web.store import Store, used_by

YEAR = 3.2e7  # seconds: a clock of the system goes no further
AGAIN = 2  # times that a job goes on by itself after its process has died: it may die of the job


class Queue:
    """The jobs under way.

    Args:
        store: where jobs are kept.
        pool: where workers come from.
        hub: who is told of changes.
        limit: fits at a time.
        longest: seconds of a job; then the best so far is kept.
    """

    def __init__(self, store: Store, pool: Pool, hub: Hub, *, limit: int = 1, longest: float = YEAR) -> None:
        self.store, self.pool, self.hub, self.limit = store, pool, hub, limit
        self.longest = min(longest, YEAR)
        self.waiting: list[str] = []
        self.running: set[str] = set()
        self.processes: dict[str, Process] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.closing = False

    def revive(self) -> None:
        """Queue what was not over when the server ended; what was paused waits to be told."""
        for job in self.store.jobs.values():
            if job.state in ("queued", "running"):
                self.change(replace(job, state="queued"), keep=True)
                self.waiting.append(job.id)
        self.dispatch()

    def submit(self, job: JobRecord) -> None:
        """Take a new job.

        Raises:
            RunError: it cannot be written down.
        """
        self.store.put_job(job)
        self.waiting.append(job.id)
        self.dispatch()

    def place(self, name: str) -> int | None:
        """How many are before a job that waits."""
        return self.waiting.index(name) if name in self.waiting else None

    def on(self, picture: str) -> list[str]:
        """The jobs that read a picture."""
        return [job.id for job in self.store.jobs.values() if picture in used_by(job)]

    def change(self, job: JobRecord, *, keep: bool = False) -> None:
        """Note what a job has become, and tell; ``keep`` writes it down."""
        job = replace(job, changed=max(job.changed + 1, time.time_ns() // 1000))  # also after a restart
        self.store.jobs[job.id] = job
        if keep:
            try:
                self.store.put_job(job)
            except RunError as error:  # a full disk: what is known stays in memory, and the fit goes on
                logging.getLogger("ipse.web").warning("%s", error)
        self.hub.changed(job.id)

    def dispatch(self) -> None:
        """Start what there is room for."""
        while self.waiting and len(self.running) < self.limit and not self.closing:
            name = self.waiting.pop(0)
            self.running.add(name)
            job = replace(self.store.jobs[name], state="running")
            self.change(job, keep=True)
            if name in self.processes:
                self.processes[name].send({"kind": "resume"})
            else:
                self.spawn(self.carry(job))
        for name in self.waiting:
            self.hub.changed(name)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; it is kept alive, and awaited at the end."""
        self.tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self.tasks.discard)

    async def carry(self, job: JobRecord) -> None:
        """Run a job in a worker, and hear what comes of it."""
        name = job.id
        process = await self.pool.take()
        late = asyncio.get_running_loop().call_later(self.longest, self.overdue, name, process)
        try:
            if name in self.running and name not in self.processes and not self.closing:
                self.processes[name] = process
                async for message in process.work(self.order(job)):
                    if not self.closing and self.processes.get(name) is process:
                        self.heard(name, message)
        finally:
            late.cancel()
            if self.processes.get(name) is process:
                self.leave(name)
            await (process.close() if self.closing else self.pool.back(process))

    def overdue(self, name: str, process: Process) -> None:
        """End a job that has had its hours, and keep the best so far; one that is paused takes nothing."""
        if name in self.running and self.processes.get(name) is process:
            self.stop(name)

    def order(self, job: JobRecord) -> dict[str, Any]:
        """What a worker is told."""
        return {
            "kind": "fit",
            "folder": str(self.store.job_folder(job.id)),
            "task": job.task,
            "source": str(self.store.picture_path(job.picture)),
            "settings": asdict(told_settings(job.settings)),
            "options": {key: self.told(value) for key, value in job.options.items()},
            "region": job.region,
            "names": self.names(job),
        }

    def told(self, value: Any) -> Any:
        """A value as a worker is told it: of a file, where it lies."""
        return {"file": str(self.store.picture_path(value["picture"]))} if isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType]

    def names(self, job: JobRecord) -> dict[str, str]:
        """What users call the files that a job reads, by where they lie."""
        return {str(self.store.picture_path(one)): self.store.pictures[one].name for one in used_by(job)}

    def heard(self, name: str, message: dict[str, Any]) -> None:
        """Take one message of a worker."""
        job = self.store.jobs[name]
        now = job.progress
        match message["say"]:
            case "found":
                job = replace(job, estimates=message["estimates"])
            case "pilot" | "refined":
                told = {key: message[key] for key in ("tile", "tiles", "left")}
                job = replace(job, progress=replace(now, pilots=message["index"], **told))
            case "step":
                job = stepped(job, message)
            case "preview":
                job = replace(job, progress=replace(now, preview=now.preview + 1))
            case "writing":
                job = replace(job, progress=replace(now, writing=True))
            case "failed" if message["code"] == "Gone" and self.can_go_on(job):
                self.go_on(job)
                return
            case "done" | "failed":
                job = ended(job, message)
            case _:
                return
        self.change(job, keep=job.over)
        if job.over:
            self.leave(name)

    def can_go_on(self, job: JobRecord) -> bool:
        """Whether a job whose process has died is tried once more: its checkpoint is whole."""
        return job.again < AGAIN and (self.store.job_folder(job.id) / CHECKPOINT).exists()

    def go_on(self, job: JobRecord) -> None:
        """Queue a job whose process has died, before the others; one that was paused waits to be told."""
        self.processes.pop(job.id, None)
        self.running.discard(job.id)
        state = job.state if job.state == "paused" else "queued"
        self.change(replace(job, state=state, again=job.again + 1), keep=True)
        if state == "paused":
            return
        self.waiting.insert(0, job.id)
        self.dispatch()

    def leave(self, name: str) -> None:
        """Give a job's place to the next."""
        self.processes.pop(name, None)
        self.running.discard(name)
        self.dispatch()

    def pause(self, name: str) -> None:
        """Hold a job; another may go on meanwhile."""
        job = self.store.jobs[name]
        if job.state not in ("queued", "running"):
            return
        if name in self.processes:  # else its worker is about to start, and finds that its place is gone
            self.processes[name].send({"kind": "pause"})
        if name in self.waiting:
            self.waiting.remove(name)
        self.running.discard(name)
        self.change(replace(job, state="paused"), keep=True)
        self.dispatch()

    def resume(self, name: str) -> None:
        """Let a paused job go on, or one that failed try again, before those that have not begun."""
        job = self.store.jobs[name]
        if job.state not in ("paused", "failed"):
            return
        fresh: dict[str, Any] = {"again": 0, "ended": None, "error": None, "progress": Progress()}
        fresh = fresh if job.state == "failed" else {}
        self.change(replace(job, state="queued", **fresh), keep=True)
        self.waiting.insert(0, name)
        self.dispatch()

    def stop(self, name: str) -> None:
        """End a job and keep the best so far; one that has not begun has none, and is cancelled."""
        job = self.store.jobs[name]
        if name in self.processes:
            if name in self.waiting:
                self.waiting.remove(name)
            self.running.add(name)
            self.change(replace(job, state="running"), keep=True)
            self.processes[name].send({"kind": "stop"})
        elif not job.over:
            self.spawn(self.cancel(name))

    async def cancel(self, name: str) -> None:
        """End a job now; nothing is kept but its last preview."""
        job = self.store.jobs[name]
        if job.over:
            return
        process = self.processes.pop(name, None)
        if name in self.waiting:
            self.waiting.remove(name)
        self.change(replace(job, state="cancelled", ended=time.time()), keep=True)
        self.running.discard(name)
        if process is not None:
            await process.kill()
        self.store.drop_checkpoint(name)
        self.dispatch()

    async def close(self) -> None:
        """Let all fits save and leave."""
        self.closing = True
        await asyncio.gather(*(process.close() for process in list(self.processes.values())))
        await asyncio.gather(*self.tasks, return_exceptions=True)
