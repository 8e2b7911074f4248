"""(picture x, folder of masks) ↦ the mask of x: match files by their stems.

For the picture ``x.png`` and the option ``mask``, these stems are tried in turn: ``x_mask``, ``x-mask``, ``x``.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ipse.errors import PictureError
from ipse.pictures.large.open import is_zarr


def folders(options: Mapping[str, Any]) -> dict[str, Path]:
    """Return the options that are folders with one file per picture."""
    return {
        name: value
        for name, value in options.items()
        if isinstance(value, Path) and value.is_dir() and not is_zarr(value)
    }


def matched(options: Mapping[str, Any], source: Path, inside: Path) -> dict[str, Any]:
    """Return the options with each folder replaced by the file that matches the picture.

    Args:
        options: the task's own options.
        source: the picture.
        inside: its path relative to the given folder, which a folder of masks may mirror.

    Raises:
        PictureError: no file matches, or more than one.
    """
    found = {name: partner(folder, name, source, inside) for name, folder in folders(options).items()}
    return dict(options) | found


def partner(folder: Path, name: str, source: Path, inside: Path) -> Path:
    """Return the file in ``folder`` that matches a picture."""
    stems = [f"{source.stem}_{name}", f"{source.stem}-{name}", source.stem]
    for place in dict.fromkeys((folder / inside.parent, folder)):
        found = by_stem(place, place.stat().st_mtime_ns) if place.is_dir() else {}
        for stem in stems:
            fit = [
                path
                for path in found.get(stem, ())
                if (path.is_file() or is_zarr(path)) and not same(path, source)
            ]
            if len(fit) > 1:
                raise PictureError(
                    f"{source}: {name} may be {fit[0]} or {fit[1]}; expected one; move the other"
                )
            if fit:
                return fit[0]
    expected = ", ".join(f"{stem}.*" for stem in stems)
    raise PictureError(f"{source}: no matching {name} in {folder}; expected one of {expected}; add it")


@lru_cache(maxsize=4)
def by_stem(folder: Path, _changed: int) -> dict[str, list[Path]]:
    """Return a folder's files by stem, cached until the folder changes."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        found.setdefault(path.stem, []).append(path)
    return found


def same(one: Path, other: Path) -> bool:
    """Whether two paths refer to the same file."""
    return one.absolute() == other.absolute()
