"""The job queue: jobs run in the order in which they were submitted, each in its own process.

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
from ipse.web.heard import ended, estimated, stepped
from ipse.web.hub import Hub
from ipse.web.places import CHECKPOINT
from ipse.web.pool import Pool
from ipse.web.process import Process
from ipse.web.records import JobRecord, Progress
from ipse.web.store import Store, used_by

YEAR = 3.2e7  # longest timeout in seconds that timers accept
AGAIN = 2  # number of times that a job is resumed after its process has died, since the job may be the cause


class Queue:
    """The queued and running jobs.

    Args:
        store: where jobs are kept.
        pool: provides the workers.
        hub: is notified of changes.
        limit: number of fits at a time.
        longest: maximum seconds per job; then the best result so far is kept.
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
        """Queue the jobs that were unfinished when the server ended; paused jobs stay paused."""
        for job in self.store.jobs.values():
            if job.state in ("queued", "running"):
                self.change(replace(job, state="queued"), keep=True)
                self.waiting.append(job.id)
        self.dispatch()

    def submit(self, job: JobRecord) -> None:
        """Add a new job.

        Raises:
            RunError: it cannot be written down.
        """
        self.store.put_job(job)
        self.waiting.append(job.id)
        self.dispatch()

    def place(self, name: str) -> int | None:
        """The number of jobs ahead of a queued job."""
        return self.waiting.index(name) if name in self.waiting else None

    def on(self, picture: str) -> list[str]:
        """The jobs that use a picture."""
        return [job.id for job in self.store.jobs.values() if picture in used_by(job)]

    def change(self, job: JobRecord, *, keep: bool = False) -> None:
        """Update a job and notify listeners; ``keep`` also saves it."""
        job = replace(job, changed=max(job.changed + 1, time.time_ns() // 1000))  # also after a restart
        self.store.jobs[job.id] = job
        if keep:
            try:
                self.store.put_job(job)
            except RunError as error:  # the disk is full: keep the record in memory and continue the fit
                logging.getLogger("ipse.web").warning("%s", error)
        self.hub.changed(job.id)

    def dispatch(self) -> None:
        """Start queued jobs, up to the limit."""
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
        """Run a background task; keep a reference to it, and await it at shutdown."""
        self.tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self.tasks.discard)

    async def carry(self, job: JobRecord) -> None:
        """Run a job in a worker and handle its messages."""
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
        """Stop a job at its time limit and keep the best result so far; paused time does not count."""
        if name in self.running and self.processes.get(name) is process:
            self.stop(name)

    def order(self, job: JobRecord) -> dict[str, Any]:
        """The order for a worker."""
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
        """An option's value for a worker; files are replaced by their paths."""
        return {"file": str(self.store.picture_path(value["picture"]))} if isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType]

    def names(self, job: JobRecord) -> dict[str, str]:
        """The user's names of the files that a job reads, by path."""
        return {str(self.store.picture_path(one)): self.store.pictures[one].name for one in used_by(job)}

    def heard(self, name: str, message: dict[str, Any]) -> None:
        """Handle one message of a worker."""
        now = (job := self.store.jobs[name]).progress
        match message["say"]:
            case "found":
                job = replace(job, estimates=message["estimates"])
            case "pilot" | "refined":
                job = estimated(job, message)
            case "step":
                job = stepped(job, message)
            case "left":
                job = replace(job, progress=replace(now, left=message["left"], share=message["share"]))
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
        """Whether to resume a job whose process has died, from its checkpoint."""
        return job.again < AGAIN and (self.store.job_folder(job.id) / CHECKPOINT).exists()

    def go_on(self, job: JobRecord) -> None:
        """Queue a job whose process has died before all others; a paused job stays paused."""
        self.processes.pop(job.id, None)
        self.running.discard(job.id)
        state = job.state if job.state == "paused" else "queued"
        self.change(replace(job, state=state, again=job.again + 1), keep=True)
        if state == "paused":
            return
        self.waiting.insert(0, job.id)
        self.dispatch()

    def leave(self, name: str) -> None:
        """Free a job's slot for the next one."""
        self.processes.pop(name, None)
        self.running.discard(name)
        self.dispatch()

    def pause(self, name: str) -> None:
        """Pause a job; another one can run meanwhile."""
        job = self.store.jobs[name]
        if job.state not in ("queued", "running"):
            return
        if name in self.processes:  # otherwise its worker is about to start, and will notice the pause
            self.processes[name].send({"kind": "pause"})
        if name in self.waiting:
            self.waiting.remove(name)
        self.running.discard(name)
        self.change(replace(job, state="paused"), keep=True)
        self.dispatch()

    def resume(self, name: str) -> None:
        """Resume a paused job or retry a failed one, before jobs that have not started."""
        job = self.store.jobs[name]
        if job.state not in ("paused", "failed"):
            return
        fresh: dict[str, Any] = {"again": 0, "ended": None, "error": None, "progress": Progress()}
        fresh = fresh if job.state == "failed" else {}
        self.change(replace(job, state="queued", **fresh), keep=True)
        self.waiting.insert(0, name)
        self.dispatch()

    def stop(self, name: str) -> None:
        """Stop a job and keep the best result so far; a job that has not started is cancelled."""
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
        """Cancel a job at once; only its last preview is kept."""
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
        """Let all fits save their state and stop."""
        self.closing = True
        await asyncio.gather(*(process.close() for process in list(self.processes.values())))
        await asyncio.gather(*self.tasks, return_exceptions=True)
