"""restore_many: what the command does with folders, as a function."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from ipse.batch.abreast import Abreast
from ipse.batch.carried import Engine, carried
from ipse.batch.errands import Errand, Order, check_apart
from ipse.batch.records import Manifest, Record
from ipse.errors import OptionError
from ipse.runs.job import SUFFIX, Job
from ipse.settings import Settings


def restore_many(
    pictures: Sequence[str | Path] | Sequence[Job],
    *,
    task: str | None = None,
    output: str | Path | None = None,
    settings: Settings = Settings(),
    options: Mapping[str, Any] | None = None,
    suffix: str = SUFFIX,
    recursive: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    together: int | None = None,
) -> Iterator[Record]:
    """Restore many pictures, and yield a record of each as it is finished; leave the loop to cancel the rest.

    Errors of one picture are in its record; what an earlier call has finished comes as state "earlier".

    Args:
        pictures: files, folders and globs; or jobs, each with its own task, output and settings.
        task: of files; ``restore_many`` of jobs takes of what follows only how they are to run.
        output: the folder for the outputs, which also gets the manifest.
        settings: of all files.
        options: the task's own; an option that names a folder is matched by stem.
        suffix: ends the names of the outputs.
        recursive: folders within folders too.
        overwrite: whether outputs that are not this program's own may be replaced.
        threads: of a fit.
        workers: processes on this machine; a script that asks for them keeps its own work under
            ``if __name__ == "__main__":``, since each imports it.
        scheduler: the address of a Dask scheduler, or its file.
        together: pictures of one size that are fitted at once in this process, as far as memory allows; None is as
            many as pay: on a GPU up to 8, else 1.

    Raises:
        InputError: a file that is not there, two with one output, or no Dask; nothing was started.
        RunError: the disk is full, or the manifest cannot be written.
    """
    devices = {one.settings.device for one in pictures if isinstance(one, Job)} or {settings.device}
    jobs = [one for one in pictures if isinstance(one, Job)]
    carries = engine(workers, scheduler, devices, together)
    manifest, errands = None, [of_job(job, threads) for job in jobs]
    check_apart(errands)
    paths = tuple(Path(one) for one in pictures if not isinstance(one, Job))
    if paths:
        if task is None or output is None or jobs:
            raise OptionError("files need task=… and output=…, and cannot be combined with jobs: give both")
        job = Job(task, None, None, settings, options or {}, overwrite=overwrite)
        order = Order(paths, Path(output), job, suffix=suffix, recursive=recursive, threads=threads)
        errands = order.errands(order.listing())
        order.make_output()
        manifest = Manifest(order.manifest)
    return records(errands, carries, manifest)


def engine(workers: int | None, scheduler: str | None, devices: set[str], together: int | None) -> Engine:
    """Choose where the fits run.

    Raises:
        OptionError: two places are named, Dask is not installed, or some fits want a GPU and some none.
    """
    if workers is None and scheduler is None:
        return Abreast(together)
    if together is not None:
        raise OptionError(f"together {together} works in one process only: remove workers and scheduler")
    if len(devices) > 1:
        raise OptionError(
            f"devices {', '.join(sorted(devices))}: one call can use one kind of device only, make one call for each"
        )
    from ipse.batch.cluster import Dask

    return Dask(workers=workers, scheduler=scheduler, device=devices.pop())


def of_job(job: Job, threads: int | None) -> Errand:
    """Return a job as an errand.

    Raises:
        OptionError: it reads or writes a stream.
    """
    if job.source is None or job.target is None:
        raise OptionError(f"a job of {job.task} has no source or no target: give files for both")
    return Errand(replace(job, checkpoint=None), Path(job.source.name), threads=threads)


def records(errands: Iterable[Errand], engine: Engine, manifest: Manifest | None) -> Iterator[Record]:
    """Carry errands out, and yield what became of them."""
    with closing(carried(errands, engine, manifest)) as events:
        for event in events:
            if isinstance(event, Record):
                yield event
