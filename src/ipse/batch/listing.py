"""files, folders, globs ↦ the pictures to restore, each once, with its path relative to the given folder.

A file that was named is taken whatever it is, but for an output that lies in the output folder with its receipt: a
shell's ``*.png`` names those too. A scan takes what has a picture's suffix and counts the rest; hidden files, the
output folder and earlier outputs are never taken.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from glob import glob, has_magic
from pathlib import Path

from PIL import Image

from ipse.errors import PictureError
from ipse.pictures.formats import BY_SUFFIX
from ipse.pictures.large.open import is_zarr
from ipse.pictures.read import REFUSED
from ipse.runs.job import SUFFIX, ZARR
from ipse.runs.receipt import beside

MANIFEST = "ipse-manifest.jsonl"


@dataclass(frozen=True)
class Found:
    """A picture to restore."""

    source: Path
    inside: Path  #: path relative to the given folder, which the output mirrors


@dataclass(frozen=True)
class Scan:
    """How to scan a folder."""

    output: Path  #: the output folder
    recursive: bool = False
    pairs: frozenset[Path] = frozenset()  #: absolute paths of folders with masks and similar files
    words: tuple[str, ...] = ()  #: endings of the names of such files: "mask" for x_mask.png


@dataclass
class Listing:
    """The result of a scan."""

    found: list[Found] = field(default_factory=list[Found])
    others: int = 0  #: number of files that are not pictures
    own: int = 0  #: number of outputs of ipse
    seen: set[str] = field(default_factory=set[str], repr=False)
    folders: dict[Path, str] = field(default_factory=dict[Path, str], repr=False)  #: where they really are

    def add(self, source: Path, inside: Path) -> None:
        """Add a picture, unless it is listed already."""
        folder = source.parent
        if folder not in self.folders:  # a glob follows links, even in circles
            self.folders[folder] = os.path.realpath(folder)
        place = os.path.join(self.folders[folder], source.name)  # noqa: PTH118 - a million Path objects are expensive
        if place not in self.seen:
            self.seen.add(place)
            self.found.append(Found(source, inside))


def listed(named: Sequence[Path], scan: Scan) -> Listing:
    """List the pictures in order, each once.

    Args:
        named: files, folders and globs, as given.
        scan: how to scan folders.

    Raises:
        PictureError: a file does not exist, or a glob matches nothing.
    """
    listing = Listing()
    for path in named:
        if is_folder(path):
            look(path, path, scan, listing)
        elif os.path.lexists(path):
            name(path, scan, listing)
        elif has_magic(str(path)):
            match(path, scan, listing)
        else:
            raise PictureError(f"{path}: no such file or folder; expected pictures; check the path")
    return listing


def name(path: Path, scan: Scan, listing: Listing) -> None:
    """Add a file that was given by name."""
    if path.absolute().parent == scan.output.absolute() and is_there(beside(path)):
        listing.own += 1
    else:
        listing.add(path, Path(path.name))


def match(pattern: Path, scan: Scan, listing: Listing) -> None:
    """Add the files that match a glob; matching folders are scanned if subfolders are included."""
    root = fixed(pattern)
    matches = sorted(map(Path, glob(str(pattern), recursive=True)), key=depth)  # noqa: PTH207 - it accepts absolute patterns
    if not matches:
        raise PictureError(f"{pattern}: matches no file; expected pictures; check the pattern")
    for path in matches:
        if scan.output.absolute() in path.absolute().parents and scan.output.absolute() != root.absolute():
            listing.own += 1
        elif not is_folder(path):
            take(path, path.relative_to(root), scan, listing)
        elif scan.recursive:
            look(path, root, scan, listing)


def depth(path: Path) -> tuple[int, Path]:
    """Sort key of paths: of two paths to the same file, the shorter comes first."""
    return len(path.parts), path


def fixed(pattern: Path) -> Path:
    """Return the part of a glob before the first component with a wildcard."""
    parts: list[str] = []
    for part in pattern.parts[:-1]:
        if has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def look(folder: Path, root: Path, scan: Scan, listing: Listing) -> None:
    """Scan a folder."""
    for path in walked(folder, scan):
        take(path, path.relative_to(root), scan, listing)


def walked(folder: Path, scan: Scan) -> Iterator[Path]:
    """Yield a folder's files by name, then those of its subfolders. Links to folders are not followed."""
    barred = {scan.output.absolute(), *scan.pairs} - {folder.absolute()}
    for place, folders, files in os.walk(folder, onerror=unreadable):
        here = Path(place)
        shown = [name for name in sorted(folders) if not name.startswith(".")]
        files += [name for name in shown if not is_folder(here / name)]
        wanted = (name for name in shown if scan.recursive and is_folder(here / name))
        folders[:] = [name for name in wanted if (here / name).absolute() not in barred]
        yield from (here / name for name in sorted(files) if not name.startswith("."))


def is_there(path: Path) -> bool:
    """Whether the path exists; False for a name that the system does not allow."""
    return os.path.exists(path)  # noqa: PTH110 - ``Path.exists`` raises


def is_folder(path: Path) -> bool:
    """Whether the path is a folder that may contain pictures; a zarr store is a picture itself."""
    return os.path.isdir(path) and not is_zarr(path)  # noqa: PTH112 - False for names that are too long


def unreadable(error: OSError) -> None:
    """Handle a folder that cannot be read; ignore it if it no longer exists.

    Raises:
        PictureError: the folder exists but cannot be read.
    """
    if not isinstance(error, FileNotFoundError):
        said = (error.strerror or str(error)).lower()
        raise PictureError(
            f"{error.filename}: cannot be read ({said}); expected a readable folder; "
            "change its permissions, or name what is to be taken"
        )


def take(path: Path, inside: Path, scan: Scan, listing: Listing) -> None:
    """Add a file found by scanning, or count it as something else."""
    if is_own(path):
        listing.own += 1
    elif path.suffix.lower() not in suffixes() or is_companion(path, scan):
        listing.others += 1
    else:
        listing.add(path, inside)


def is_own(path: Path) -> bool:
    """Whether a file was written by ipse."""
    signs = (".ipse.", f"{SUFFIX}.", ".disagreement.", ".residual.")
    return path.name == MANIFEST or any(sign in path.name for sign in signs) or is_there(beside(path))


def is_companion(path: Path, scan: Scan) -> bool:
    """Whether a file is a mask or a similar file among the pictures."""
    among = any(pairs == path.absolute().parent for pairs in scan.pairs)
    return among and path.stem.endswith(tuple(f"{sign}{word}" for word in scan.words for sign in "_-"))


@cache
def suffixes() -> frozenset[str]:
    """The suffixes of readable formats, in lower case."""
    read = {suffix for suffix, form in Image.registered_extensions().items() if form in Image.OPEN}
    refused = {suffix for suffix, form in Image.registered_extensions().items() if form in REFUSED}
    return frozenset((read | set(BY_SUFFIX) | {ZARR}) - refused)
