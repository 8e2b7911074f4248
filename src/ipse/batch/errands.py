"""(pictures, task, options, settings) ↦ errands: every picture with its output, determined before anything starts."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ipse.batch.listing import MANIFEST, Found, Listing, Scan, listed
from ipse.batch.pairs import folders
from ipse.errors import OptionError, OutputError
from ipse.runs.job import SUFFIX, Job, default_target
from ipse.runs.receipt import sha256

LONG = 160  # longest file name in bytes to which suffixes can be added; most systems allow 255
HIDDEN = ".ipse"  # folder beside the outputs for checkpoints


@dataclass(frozen=True)
class Errand:
    """One restoration from file to file. It can be sent to another process or machine."""

    job: Job  #: options may be folders, in which the file for the picture is found by its stem
    inside: Path  #: the picture's path relative to the folder given by the user
    skip_existing: bool = False
    threads: int | None = None  #: threads per fit; None keeps PyTorch's default

    @property
    def source(self) -> Path:
        """The picture."""
        assert self.job.source is not None
        return self.job.source

    @property
    def target(self) -> Path:
        """The output."""
        assert self.job.target is not None
        return self.job.target

    @property
    def label(self) -> str:
        """Prefix of the file names of its checkpoint and note: the output's name, shortened if it is too long."""
        name = self.target.name
        return name if len(os.fsencode(name)) <= LONG else f"{name[:40]}-{sha256(os.fsencode(name))[:16]}"

    @property
    def hidden(self) -> Path:
        """The folder of its checkpoint, which is removed at the end of the batch."""
        return self.target.parent / HIDDEN


@dataclass(frozen=True)
class Order:
    """Pictures, and how to restore all of them.

    Raises:
        OutputError: the output folder is a file.
        OptionError: an invalid suffix or number of threads.
    """

    pictures: tuple[Path, ...]  #: files, folders and globs
    output: Path  #: output folder; created if missing
    job: Job  #: the job without source and target
    suffix: str = SUFFIX  #: suffix of the outputs' names
    recursive: bool = False
    skip_existing: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        if os.path.lexists(self.output) and not self.output.is_dir():
            raise OutputError(
                f"{self.output}: is a file; expected a folder for the outputs; choose another one"
            )
        if self.threads is not None and self.threads < 1:
            raise OptionError(f"threads must be 1 or more, got {self.threads}")
        if os.sep in self.suffix or "/" in self.suffix:
            raise OptionError(
                f"suffix {self.suffix!r} contains a folder separator: give a suffix for file names only"
            )

    @property
    def manifest(self) -> Path:
        """The path of the manifest."""
        return self.output / MANIFEST

    def make_output(self) -> None:
        """Create the output folder.

        Raises:
            OutputError: it cannot be made, or nothing can be put into it.
        """
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            raise OutputError(
                f"{self.output}: cannot be created ({said}); choose another --output"
            ) from error
        if not os.access(self.output, os.W_OK):
            raise OutputError(
                f"{self.output}: is not writable; choose another --output, or change its permissions"
            )

    def listing(self) -> Listing:
        """Find the pictures.

        Raises:
            PictureError: a file that is not there, or a glob that matches nothing.
        """
        pairs = folders(self.job.options)
        places = frozenset(place.absolute() for place in pairs.values())
        return listed(self.pictures, Scan(self.output, self.recursive, places, tuple(pairs)))

    def errand(self, found: Found) -> Errand:
        """Return the errand for one picture."""
        name = default_target(self.job.task, found.source, suffix=self.suffix).name
        target = self.output / found.inside.parent / name
        job = replace(self.job, source=found.source, target=target)
        return Errand(job, found.inside, skip_existing=self.skip_existing, threads=self.threads)

    def errands(self, listing: Listing) -> list[Errand]:
        """Return the errands for all pictures.

        Raises:
            OutputError: two pictures have one output, or an output is a picture that is to be restored.
        """
        errands = [self.errand(found) for found in listing.found]
        check_apart(errands)
        return errands


def check_apart(errands: Iterable[Errand]) -> None:
    """Check that no errand overwrites the picture or the output of another.

    Raises:
        OutputError: one does; the message names both.
    """
    takers: dict[str, Path] = {}
    errands = list(errands)
    for errand in errands:
        first = takers.setdefault(place(errand.target), errand.source)
        if first is not errand.source:
            raise OutputError(
                f"{first} and {errand.source} would both become {errand.target}: rename one, or restore it separately"
            )
    for errand in errands:
        if place(errand.source) in takers:
            raise OutputError(
                f"{errand.source}: would be overwritten by an output; expected outputs separate from pictures; "
                "choose another --output or --suffix"
            )


def place(path: Path) -> str:
    """Return the path in the form in which the file system compares names."""
    return os.path.normcase(path.absolute())
