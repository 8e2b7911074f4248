"""c = round(DCT(x) / q): a JPEG file's quantisation tables and coefficients.

Each component is cut into 8×8 blocks; each coefficient of a block is known up to half a step of the
quantisation table q, so the picture before compression lies in q (c − ½) ≤ DCT(x) ≤ q (c + ½).

Wallace, "The JPEG still picture compression standard" (1992), https://doi.org/10.1109/30.125072.
"""

import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipse.errors import PictureError

Table = NDArray[np.uint16]
Coefficients = NDArray[np.int16]

# ITU-T T.81, annex K: the tables that are scaled by IJG's quality.
LUMINANCE = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
    "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 "
    "49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"
)
CHROMINANCE = (
    "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99 "
    + "99 " * 32
)
# Position, in natural (row-major) order, of the k-th coefficient of the file's zigzag order.
ZIGZAG = np.array(sorted(range(64), key=lambda k: (s := k // 8 + k % 8, (k // 8 if s % 2 else k % 8))))

FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}


@dataclass(frozen=True, eq=False)
class JpegComponent:
    """One component: its quantisation ``table`` (8, 8), natural order; sampling factors h, v in 1 … 4."""

    table: Table
    h: int
    v: int


@dataclass(frozen=True, eq=False)
class JpegInfo:
    """The quantisation of a JPEG file.

    Attributes:
        size: (height, width) in pixels.
        components: in the order of the file: (Y,), (Y, Cb, Cr), (R, G, B), (C, M, Y, K) or (Y, Cb, Cr, K).
        colours: "gray", "ycc", "rgb", "cmyk" or "ycck".
        progressive: sent in several scans.
        quality: the IJG quality, 1 … 100, with the most similar tables.
        data: the file's bytes.
    """

    size: tuple[int, int]
    components: tuple[JpegComponent, ...]
    colours: str
    progressive: bool
    quality: int
    data: bytes

    @cached_property
    def coefficients(self) -> tuple[Coefficients, ...]:
        """Quantised DCT coefficients of each component, (blocks down, blocks across, 8, 8), natural order.

        Raises:
            PictureError: if they cannot be read (arithmetic coding, damage).
        """
        return _read_coefficients(self.data, len(self.components))

    def crop(self, rows: slice, columns: slice) -> "JpegInfo":
        """Return the quantisation of a part of the picture, which must begin at multiples of 32 pixels."""
        largest = max(part.v for part in self.components), max(part.h for part in self.components)
        part = replace(self, size=(rows.stop - rows.start, columns.stop - columns.start))
        part.__dict__["coefficients"] = tuple(
            numbers[_blocks(rows, 8 * largest[0] // own.v), _blocks(columns, 8 * largest[1] // own.h)]
            for own, numbers in zip(self.components, self.coefficients, strict=True)
        )
        return part


def _blocks(place: slice, side: int) -> slice:
    """The blocks of ``side`` pixels that cover a slice."""
    return slice(place.start // side, -(-place.stop // side))


def standard_table(quality: int, *, chrominance: bool = False) -> Table:
    """Return IJG's quantisation table (8, 8) for a quality in 1 … 100."""
    base = np.array((CHROMINANCE if chrominance else LUMINANCE).split(), np.int64).reshape(8, 8)
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((base * scale + 50) // 100, 1, 255).astype(np.uint16)


def jpeg_info(data: bytes, *, name: str = "the JPEG file") -> JpegInfo:
    """Read tables and sampling factors; coefficients are read when needed.

    Args:
        data: a complete JPEG file.
        name: name of the file for error messages.

    Raises:
        PictureError: it is not a JPEG file, or truncated before its frame header.
    """
    try:
        return _parse(data)
    except (struct.error, IndexError, KeyError, ValueError):
        raise PictureError(
            f"{name}: no complete JPEG header was found; expected a baseline or progressive JPEG; copy it again"
        ) from None


def _parse(data: bytes) -> JpegInfo:
    tables: dict[int, Table] = {}
    transform: int | None = None
    frame = b""
    kind = 0
    for marker, body in segments(data):
        if marker == 0xDB:
            tables.update(_tables(body))
        elif marker == 0xEE and body[:5] == b"Adobe":
            transform = body[11]
        elif marker in FRAMES:
            kind, frame = marker, body
    height, width, count = struct.unpack(">xHHB", frame[:6])
    rows = [frame[6 + 3 * k : 9 + 3 * k] for k in range(count)]
    parts = tuple(JpegComponent(tables[row[2]], row[1] >> 4, row[1] & 15) for row in rows)
    colours = _colours([row[0] for row in rows], transform, jfif=b"JFIF\x00" in data[:32])
    return JpegInfo((height, width), parts, colours, kind in PROGRESSIVE, _quality(parts), data)


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (marker, body) up to the first scan that has a frame before it."""
    at = 2
    if data[:2] != b"\xff\xd8":
        raise ValueError
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ValueError
        marker = data[at + 1]
        if marker in (0x01, 0xFF) or 0xD0 <= marker <= 0xD8:  # padding and markers without a body
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xDA, 0xD9):
            return
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length


def _tables(body: bytes) -> Iterator[tuple[int, Table]]:
    while body:
        wide, slot = body[0] >> 4, body[0] & 15
        length = 128 if wide else 64
        values = np.frombuffer(body[1 : 1 + length], ">u2" if wide else "u1")
        table = np.zeros(64, np.uint16)
        table[ZIGZAG] = values
        yield slot, table.reshape(8, 8)
        body = body[1 + length :]


def _colours(names: list[int], transform: int | None, *, jfif: bool) -> str:
    """Colour model by libjpeg's rules: JFIF, then Adobe's marker, then the components' names."""
    if len(names) == 1:
        return "gray"
    if len(names) == 4:
        return "ycck" if transform == 2 else "cmyk"
    if jfif or transform == 1:
        return "ycc"
    return "rgb" if transform == 0 or names == [82, 71, 66] else "ycc"


def _quality(parts: tuple[JpegComponent, ...]) -> int:
    def distance(quality: int) -> float:
        luma = np.abs(parts[0].table.astype(float) - standard_table(quality)).sum()
        chroma = standard_table(quality, chrominance=True)
        return float(luma + (np.abs(parts[1].table - chroma.astype(float)).sum() if len(parts) == 3 else 0.0))

    return min(range(100, 0, -1), key=distance)


def _read_coefficients(data: bytes, count: int) -> tuple[Coefficients, ...]:
    # A compiled reader, loaded only when coefficients are needed.
    import jpeglib  # pyright: ignore[reportMissingTypeStubs]

    with tempfile.TemporaryDirectory(prefix="ipse-") as folder:
        path = Path(folder) / "picture.jpg"
        path.write_bytes(data)
        try:
            found: Any = jpeglib.read_dct(str(path))
            parts = (found.Y, found.Cb, found.Cr, found.K)[:count]
        except (OSError, RuntimeError, ValueError, IndexError):
            parts = (None,)
    if any(part is None for part in parts):
        raise PictureError(
            "the JPEG file's coefficients cannot be read; expected Huffman coding; save it again"
        )
    return tuple(np.array(part, np.int16) for part in parts)
