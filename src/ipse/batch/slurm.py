"""A batch as one SLURM job, whose allocation runs a Dask scheduler, its workers, and the command as their client.

The script needs nothing but Dask on the nodes. It stops the fits a minute before the time is up; submitted again, it
goes on from their checkpoints. Options: https://slurm.schedmd.com/sbatch.html.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from shlex import join, quote

from ipse.errors import OptionError, RunError, one_line

NOTICE = 60  # seconds before the time limit at which the fits are stopped and saved
TIME = re.compile(r"\d+|\d+:\d\d(:\d\d)?|\d+-\d+(:\d\d){0,2}")  # minutes, m:s, h:m:s, days-h:m:s
UNITS = {"": 1, "M": 1, "G": 1024, "T": 1024**2}
WORD = re.compile(r"[\w.,@/-]+")


@dataclass(frozen=True)
class Slurm:
    """The options of a SLURM job.

    Raises:
        OptionError: a value that sbatch would not accept.
    """

    partition: str | None = None
    account: str | None = None
    walltime: str = "1:00:00"  #: in sbatch's format: h:m:s, days-h:m:s, minutes
    workers: int = 1  #: number of fits at a time
    cores: int = 1  #: cores per worker
    memory: str = "4G"  #: memory per worker
    gpus: int = 0  #: GPUs per worker

    def __post_init__(self) -> None:
        if TIME.fullmatch(self.walltime) is None:
            raise OptionError(
                f"walltime {self.walltime!r} is not a valid time: give h:mm:ss or days-hh:mm:ss"
            )
        if re.fullmatch(r"\d+[MGT]?", self.memory) is None:
            raise OptionError(
                f"memory {self.memory!r} is not a valid size: give MiB, or a number with M, G or T"
            )
        if self.workers < 1 or self.cores < 1 or self.gpus not in (0, 1):
            raise OptionError("workers and cores must be 1 or more, and gpus per worker 0 or 1")
        for name in (self.partition, self.account):
            if name is not None and WORD.fullmatch(name) is None:
                raise OptionError(f"{name!r} is not a name that sbatch accepts: use letters and digits")

    @classmethod
    def parse(cls, text: str) -> "Slurm":
        """Read ``"partition=gpu,walltime=2:00:00,workers=4"``.

        Raises:
            OptionError: an unknown key or an invalid value.
        """
        known = {f.name: f.type for f in fields(cls)}
        told: dict[str, str | int] = {}
        for part in filter(None, text.split(",")):
            key, sign, value = (piece.strip() for piece in part.partition("="))
            if key not in known or not sign or not value:
                raise OptionError(
                    f"--slurm {part!r} is not valid: give key=value with a key of {', '.join(known)}"
                )
            if known[key] is int and not value.isdecimal():
                raise OptionError(f"--slurm {key}={value} is not a whole number: give one")
            told[key] = int(value) if known[key] is int else value
        return cls(**told)  # pyright: ignore[reportArgumentType]

    @property
    def mebibytes_per_core(self) -> int:
        """Memory per core, in MiB."""
        unit = self.memory[-1] if self.memory[-1].isalpha() else ""
        return -(-int(self.memory.removesuffix(unit)) * UNITS[unit] // self.cores)


def script(asked: Slurm, command: Sequence[str], output: Path, *, name: str) -> str:
    """Return the job script.

    Args:
        asked: the options of the SLURM job.
        command: the command line of the batch, without ``--slurm``; ``--scheduler`` is added to it.
        output: the output folder, on storage that all nodes share.
        name: name of the job.
    """
    here, folder = Path.cwd(), output.absolute()
    told = {
        "job-name": name,
        "chdir": f'"{here}"',
        "output": f'"{folder}/ipse-slurm-%j.log"',
        "partition": asked.partition,
        "account": asked.account,
        "time": asked.walltime,
        "ntasks": asked.workers,
        "cpus-per-task": asked.cores,
        "mem-per-cpu": f"{asked.mebibytes_per_core}M",
        "gpus-per-task": asked.gpus or None,
        "signal": f"B:TERM@{NOTICE}",
    }
    options = "\n".join(f"#SBATCH --{key}={value}" for key, value in told.items() if value is not None)
    return BODY.format(
        options=options,
        file=quote(f"{folder}/.ipse-scheduler-"),
        python=quote(sys.executable),
        cores=asked.cores,
        resources=" --resources GPU=1" if asked.gpus else "",
        command=line(command, asked.cores),
    )


def line(command: Sequence[str], cores: int) -> str:
    """Return the client's command line. The script fills in the scheduler's file when it runs."""
    end = command.index("--")
    return f'{join(command[:end])} --scheduler "$file" --threads {cores} {join(command[end:])}'


BODY = """#!/bin/bash
{options}
set -u
file={file}"$SLURM_JOB_ID".json
export OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS={cores} MKL_NUM_THREADS={cores}
trap 'rm -f "$file"; kill $(jobs -p) 2>/dev/null' EXIT

{python} -m distributed.cli.dask_scheduler --port 0 --no-dashboard --scheduler-file "$file" &
until [ -s "$file" ]; do sleep 1; done
srun --cpus-per-task={cores} {python} -m distributed.cli.dask_worker --scheduler-file "$file" --nthreads 1 \\
  --memory-limit 0 --no-dashboard --death-timeout 300{resources} &

{command} &
client=$!
trap 'kill -TERM "$client"' TERM
wait "$client"
code=$?
if kill -0 "$client" 2>/dev/null; then  # the trap ended the first wait: the fits are being saved
  wait "$client"
  code=$?
fi
exit "$code"
"""


def submit(text: str) -> str:
    """Submit a script with sbatch, and return its answer.

    Raises:
        OptionError: sbatch is not installed.
        RunError: sbatch refused the job.
    """
    try:
        said = subprocess.run(["sbatch"], input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise OptionError(
            "sbatch is not installed here: run this on a login node, or add --dry-run to print the script"
        ) from None
    if said.returncode:
        raise RunError(f"sbatch refused the job: {one_line(said.stderr)}: correct --slurm and run again")
    return one_line(said.stdout)
