"""X = M (i, j, 0, 1)ᵀ: the georeference of a GeoTIFF, and GDAL's metadata.

It is copied unchanged; for an enlarged picture, pixel size and tie points are adapted.

OGC GeoTIFF 1.1, https://docs.ogc.org/is/19-008r4/19-008r4.html.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

SCALE, TIES, MATRIX, KEYS = 33550, 33922, 34264, 34735
KINDS = {SCALE: "d", TIES: "d", MATRIX: "d", KEYS: "H", 34736: "d", 34737: "s", 42112: "s", 42113: "s"}
TIE, CELLS = 6, 16  # number of values of a tie point, (i, j, k, x, y, z), and of a matrix
RASTER_TYPE, IS_POINT = 1025, 2  # key and value that define whether (0, 0) is a pixel's corner or its centre


@dataclass(frozen=True)
class GeoTag:
    """A tag: its code, and its text or numbers."""

    code: int
    value: str | tuple[float, ...]

    def packed(self) -> tuple[Any, ...]:
        """The tag in tifffile's format."""
        count = 0 if isinstance(self.value, str) else len(self.value)
        return self.code, KINDS[self.code], count, self.value, True


def geo_tags(tags: Any) -> tuple[GeoTag, ...]:
    """The georeferencing tags of a page, without damaged ones."""
    found = ((code, kind, tags.get(code)) for code, kind in KINDS.items())
    made = (_tag(code, kind, tag.value) for code, kind, tag in found if tag is not None)
    return tuple(tag for tag in made if tag is not None)


def _tag(code: int, kind: str, value: Any) -> GeoTag | None:
    if kind == "s":
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return GeoTag(code, text) if isinstance(text, str) and text.isascii() else None
    try:
        numbers = np.atleast_1d(np.asarray(value, float)).ravel()
    except (TypeError, ValueError):
        return None
    whole = kind != "H" or bool(((numbers >= 0) & (numbers < 2**16)).all())
    if not len(numbers) or not whole:
        return None
    return GeoTag(code, tuple(int(n) if kind == "H" else float(n) for n in numbers))


def enlarged(tags: tuple[GeoTag, ...], across: float, down: float) -> tuple[GeoTag, ...]:
    """The tags for a picture that is enlarged by the given factors."""
    keys = next((tag.value for tag in tags if tag.code == KEYS), ())
    middle = 0.5 if _is_point(keys) else 0.0
    return tuple(_enlarged(tag, np.array([across, down]), middle) for tag in tags)


def _enlarged(tag: GeoTag, factors: Any, middle: float) -> GeoTag:
    if tag.code not in (SCALE, TIES, MATRIX) or isinstance(tag.value, str):
        return tag
    numbers = np.array(tag.value)
    if tag.code == SCALE and len(numbers) >= 2:
        numbers[:2] /= factors
    elif tag.code == TIES and len(numbers) % TIE == 0:
        pixels = numbers.reshape(-1, TIE)[:, :2]
        pixels[:] = factors * (pixels + middle) - middle
    elif tag.code == MATRIX and len(numbers) == CELLS:
        matrix = numbers.reshape(4, 4)
        matrix[:, 3] += matrix[:, :2] @ (middle / factors - middle)
        matrix[:, :2] /= factors
    return replace(tag, value=tuple(numbers.tolist()))


def _is_point(keys: str | tuple[float, ...]) -> bool:
    entries = [keys[at : at + 4] for at in range(4, len(keys) - 3, 4)]
    return any(tuple(entry[:2]) == (RASTER_TYPE, 0) and entry[3] == IS_POINT for entry in entries)
