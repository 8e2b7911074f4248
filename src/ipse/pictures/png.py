"""PNG: chunks that Pillow does not preserve, and 16-bit colour, which it reduces to 8 bits."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, cast

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ipse.pictures.levels import Samples
from ipse.pictures.metadata import Metadata
from ipse.pictures.picture import Picture
from ipse.pictures.pillow import to_pil

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP = b"XML:com.adobe.xmp"
INCH = 0.0254  # metres

# Chunks about colour and text are copied unchanged. The profile, EXIF, XMP and resolution are handled for all formats
# elsewhere; a time stamp and a histogram would no longer be correct.
CARRIED = {b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"tEXt", b"zTXt", b"iTXt"}


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (type, payload) of each complete chunk."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def carried_chunks(data: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Return the chunks to copy unchanged."""
    return tuple(
        (kind, body) for kind, body in png_chunks(data) if kind in CARRIED and not body.startswith(XMP)
    )


def is_deep_colour(data: bytes) -> bool:
    """Whether a PNG has 16 bits per sample and colour or alpha."""
    return data[24:25] == b"\x10" and data[25:26] in (b"\x02", b"\x04", b"\x06")


def decode_deep(data: bytes) -> tuple[Samples, Samples | None]:
    """Decode a 16-bit PNG to its colours, (H, W) or (H, W, 3), and alpha (H, W) or None."""
    array = _with_vips(data) if data[28] else imagecodecs.png_decode(_bare(data))
    if array.ndim == 3 and array.shape[2] in (2, 4):
        colours, alpha = array[..., :-1], array[..., -1]
        return (colours[..., 0] if colours.shape[2] == 1 else colours), alpha
    return array, None


def _bare(data: bytes) -> bytes:
    """The file without chunks that do not affect the samples, since the decoder would warn about odd profiles."""
    needed = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
    return SIGNATURE + b"".join(_chunk(kind, body) for kind, body in png_chunks(data) if kind in needed)


def _with_vips(data: bytes) -> NDArray[Any]:
    """Decode an interlaced file with pyvips, since the other decoder would print warnings."""
    import pyvips  # imported here because the library is large and such files are rare

    return cast("Any", pyvips).Image.new_from_buffer(data, "").numpy()


def encode_png(picture: Picture) -> bytes:
    """Encode losslessly with all metadata."""
    if picture.dtype == np.uint16:
        samples = picture.samples
        if picture.alpha is not None:
            samples = np.dstack([samples, picture.alpha])
        plain = bytes(imagecodecs.png_encode(np.ascontiguousarray(samples), level=6))
    else:
        plain = _with_pillow(picture)
    head = len(SIGNATURE) + 25  # the header chunk comes first
    return plain[:head] + b"".join(_chunk(*chunk) for chunk in _metadata(picture.metadata)) + plain[head:]


def _with_pillow(picture: Picture) -> bytes:
    image: Image.Image = to_pil(picture)
    options = {key: image.info[key] for key in ("transparency",) if key in image.info}
    image.info.clear()  # the metadata is written below, in the same way for all depths
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def _metadata(meta: Metadata) -> Iterator[tuple[bytes, bytes]]:
    if meta.icc:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(meta.icc)
    yield from (chunk for chunk in meta.png if not (meta.icc and chunk[0] in (b"sRGB", b"iCCP")))
    if meta.dpi:
        x, y = (round(value / INCH) for value in meta.dpi)
        yield b"pHYs", struct.pack(">IIB", x, y, 1)
    if meta.xmp:
        yield b"iTXt", XMP + b"\0" * 5 + meta.xmp
    if meta.exif:
        yield b"eXIf", meta.exif


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
