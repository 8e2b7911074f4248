"""files, folders, globs ↦ the pictures that are meant, each once, and where each lies below what was named.

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
    """A picture that is to be restored."""

    source: Path
    inside: Path  #: its path below the folder that was named, which the output mirrors


@dataclass(frozen=True)
class Scan:
    """How a folder is looked through."""

    output: Path  #: the output folder
    recursive: bool = False
    pairs: frozenset[Path] = frozenset()  #: folders of masks and the like, absolute
    words: tuple[str, ...] = ()  #: what ends the names of pictures' companions: "mask" for x_mask.png


@dataclass
class Listing:
    """What was found."""

    found: list[Found] = field(default_factory=list[Found])
    others: int = 0  #: files that are no pictures
    own: int = 0  #: outputs of this program
    seen: set[str] = field(default_factory=set[str], repr=False)
    folders: dict[Path, str] = field(default_factory=dict[Path, str], repr=False)  #: where they really are

    def add(self, source: Path, inside: Path) -> None:
        """Take a picture, the first time it is met."""
        folder = source.parent
        if folder not in self.folders:  # a glob follows links, round and round
            self.folders[folder] = os.path.realpath(folder)
        place = os.path.join(self.folders[folder], source.name)  # noqa: PTH118 - a million paths are no cheap objects
        if place not in self.seen:
            self.seen.add(place)
            self.found.append(Found(source, inside))


def listed(named: Sequence[Path], scan: Scan) -> Listing:
    """List the pictures that are meant, in order, each once.

    Args:
        named: files, folders and globs, as they were given.
        scan: how folders are looked through.

    Raises:
        PictureError: a file that is not there, or a glob that matches nothing.
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
    """Take a file that was named."""
    if path.absolute().parent == scan.output.absolute() and is_there(beside(path)):
        listing.own += 1
    else:
        listing.add(path, Path(path.name))


def match(pattern: Path, scan: Scan, listing: Listing) -> None:
    """Take what matches a glob; a folder that does is looked through where folders within folders are."""
    root = fixed(pattern)
    matches = sorted(map(Path, glob(str(pattern), recursive=True)), key=depth)  # noqa: PTH207 - it takes absolute ones
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
    """What paths are sorted by: of two ways to one file, the shorter comes first."""
    return len(path.parts), path


def fixed(pattern: Path) -> Path:
    """Return the folder that a glob starts from: all of it before the first part with a wildcard."""
    parts: list[str] = []
    for part in pattern.parts[:-1]:
        if has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def look(folder: Path, root: Path, scan: Scan, listing: Listing) -> None:
    """Look through a folder."""
    for path in walked(folder, scan):
        take(path, path.relative_to(root), scan, listing)


def walked(folder: Path, scan: Scan) -> Iterator[Path]:
    """Yield a folder's files by name, then those of its folders; links to folders are not followed."""
    barred = {scan.output.absolute(), *scan.pairs} - {folder.absolute()}
    for place, folders, files in os.walk(folder, onerror=unreadable):
        here = Path(place)
        shown = [name for name in sorted(folders) if not name.startswith(".")]
        files += [name for name in shown if not is_folder(here / name)]
        wanted = (name for name in shown if scan.recursive and is_folder(here / name))
        folders[:] = [name for name in wanted if (here / name).absolute() not in barred]
        yield from (here / name for name in sorted(files) if not name.startswith("."))


def is_there(path: Path) -> bool:
    """Whether there is something; not where the name is one that the system does not take."""
    return os.path.exists(path)  # noqa: PTH110 - ``Path.exists`` raises


def is_folder(path: Path) -> bool:
    """Whether pictures may lie in a path; a zarr store is a picture itself."""
    return os.path.isdir(path) and not is_zarr(path)  # noqa: PTH112 - a name too long is none


def unreadable(error: OSError) -> None:
    """Refuse to leave out what a folder holds; one that has gone meanwhile holds nothing.

    Raises:
        PictureError: names it.
    """
    if not isinstance(error, FileNotFoundError):
        said = (error.strerror or str(error)).lower()
        raise PictureError(
            f"{error.filename}: cannot be read ({said}); expected a readable folder; "
            "change its permissions, or name what is to be taken"
        )


def take(path: Path, inside: Path, scan: Scan, listing: Listing) -> None:
    """Take a file that was come upon, or count it."""
    if is_own(path):
        listing.own += 1
    elif path.suffix.lower() not in suffixes() or is_companion(path, scan):
        listing.others += 1
    else:
        listing.add(path, inside)


def is_own(path: Path) -> bool:
    """Whether a file is something that this program wrote."""
    signs = (".ipse.", f"{SUFFIX}.", ".disagreement.")
    return path.name == MANIFEST or any(sign in path.name for sign in signs) or is_there(beside(path))


def is_companion(path: Path, scan: Scan) -> bool:
    """Whether a file is a mask or the like that lies among the pictures."""
    among = any(pairs == path.absolute().parent for pairs in scan.pairs)
    return among and path.stem.endswith(tuple(f"{sign}{word}" for word in scan.words for sign in "_-"))


@cache
def suffixes() -> frozenset[str]:
    """The suffixes of what can be read, in lower case."""
    read = {suffix for suffix, form in Image.registered_extensions().items() if form in Image.OPEN}
    refused = {suffix for suffix, form in Image.registered_extensions().items() if form in REFUSED}
    return frozenset((read | set(BY_SUFFIX) | {ZARR}) - refused)
