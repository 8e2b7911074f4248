"""Metadata of picture files, which is preserved in the output."""

import struct
from dataclasses import dataclass, replace
from typing import cast

from PIL import Image
from PIL.ExifTags import IFD, Base

from ipse.pictures.geo import GeoTag, enlarged

PREFIX = b"Exif\x00\x00"
WIDTH_TAG, HEIGHT_TAG = 0xA002, 0xA003  # PixelXDimension, PixelYDimension
UNREADABLE = (
    SyntaxError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    OSError,
    ArithmeticError,
    struct.error,
)


@dataclass(frozen=True)
class Metadata:
    """Metadata that is copied from the input file to the output file.

    Attributes:
        icc: the ICC colour profile.
        exif: the EXIF block, starting with "II" or "MM". It contains the orientation.
        xmp: the XMP packet.
        dpi: resolution (x, y) in pixels per inch.
        comment: the comment of a JPEG or GIF file.
        png: further PNG chunks (gamma, primaries, text) as (type, payload).
        premultiplied: True if the file's colours are stored multiplied by alpha.
        geo: the georeference of a GeoTIFF.
        planar: True if a TIFF's channels are stored one after the other.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    png: tuple[tuple[bytes, bytes], ...] = ()
    premultiplied: bool = False
    geo: tuple[GeoTag, ...] = ()
    planar: bool = False

    @property
    def orientation(self) -> int:
        """The EXIF orientation, 1 to 8; 1 (upright) if there is none. It is preserved, never applied."""
        value = exif_of(self.exif).get(Base.Orientation, 1)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1

    def resized(self, width: int, height: int, *, of: tuple[int, int]) -> "Metadata":
        """Return the metadata for a new size, given the old size ``of`` = (H, W); updates EXIF and georeference."""
        moved = replace(self, geo=enlarged(self.geo, width / of[1], height / of[0]))
        exif = exif_of(self.exif)
        told = exif.get_ifd(IFD.Exif)
        if WIDTH_TAG not in told and HEIGHT_TAG not in told:
            return moved
        told[WIDTH_TAG], told[HEIGHT_TAG] = width, height
        return replace(moved, exif=packed(exif) or self.exif)


def bare_exif(block: bytes | None) -> bytes | None:
    """Strip the "Exif\\0\\0" that some containers put before the block; None for an empty one."""
    return (block or b"").removeprefix(PREFIX) or None


def packed(exif: Image.Exif) -> bytes | None:
    """Return an EXIF block; None if it is empty, or has a damaged value that cannot be written again."""
    try:
        return bare_exif(exif.tobytes()) if len(exif) else None
    except UNREADABLE:
        return None


def oriented(orientation: int) -> bytes | None:
    """Return an EXIF block with an orientation; None for 1."""
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    return packed(exif) if orientation != 1 else None


def exif_of(block: bytes | None) -> Image.Exif:
    """Parse an EXIF block; a broken one is treated as empty, but still copied as it is."""
    exif = Image.Exif()
    if block:
        try:
            exif.load(block)
            exif.get_ifd(IFD.Exif)
        except UNREADABLE:
            return Image.Exif()
    return exif


def metadata_of(image: Image.Image) -> Metadata:
    """Collect the metadata that Pillow found in a file."""
    info = image.info
    xmp, comment = info.get("xmp"), info.get("comment")
    return Metadata(
        icc=info.get("icc_profile") or None,
        exif=bare_exif(info.get("exif")),
        xmp=xmp.encode() if isinstance(xmp, str) else xmp or None,
        dpi=_dpi(info.get("dpi")),
        comment=comment.encode() if isinstance(comment, str) else comment or None,
    )


def _dpi(value: object) -> tuple[float, float] | None:
    try:
        x, y = (float(v) for v in cast("tuple[float, float]", value))
    except UNREADABLE:
        return None
    return (x, y) if 0.0 < x < 1e6 and 0.0 < y < 1e6 else None
