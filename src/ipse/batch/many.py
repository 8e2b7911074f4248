"""restore_many: batch restoration as a function, like the command with folders."""

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
    """Restore many pictures, and yield a record of each when it is finished. Leave the loop to cancel the rest.

    An error of one picture is in its record. Pictures that an earlier call has finished have the state "earlier".

    Args:
        pictures: files, folders and globs; or jobs, each with its own task, output and settings.
        task: the task for files. With jobs, only the parameters from ``threads`` on apply.
        output: the folder for the outputs and the manifest.
        settings: settings for all files.
        options: the task's own options; if an option is a folder, its files are matched by stem.
        suffix: suffix for output names.
        recursive: whether to include subfolders.
        overwrite: whether to replace existing outputs that ipse did not write.
        threads: threads per fit.
        workers: number of processes on this machine. A script that uses them must have its own code under
            ``if __name__ == "__main__":``, since each imports it.
        scheduler: the address or the scheduler file of a Dask scheduler.
        together: pictures of one size that are fitted at once in this process, as far as memory allows; None is as
            many as pay: on a GPU up to 8, else 1.

    Raises:
        InputError: a file is missing, two files have the same output, or Dask is missing; nothing was started.
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
    """Choose where to run the fits.

    Raises:
        OptionError: both workers and a scheduler are given, Dask is not installed, or only some fits need a GPU.
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
        OptionError: the job reads or writes a stream.
    """
    if job.source is None or job.target is None:
        raise OptionError(f"a job of {job.task} has no source or no target: give files for both")
    return Errand(replace(job, checkpoint=None), Path(job.source.name), threads=threads)


def records(errands: Iterable[Errand], engine: Engine, manifest: Manifest | None) -> Iterator[Record]:
    """Run errands, and yield their records."""
    with closing(carried(errands, engine, manifest)) as events:
        for event in events:
            if isinstance(event, Record):
                yield event
