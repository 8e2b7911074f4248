"""Read a picture from a file; the format is detected from the content."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from PIL import Image
from tifffile import TiffFileError

from ipse.errors import PictureError
from ipse.pictures.arrays import NUMPY, read_array
from ipse.pictures.cut_jpeg import check_kind, whole
from ipse.pictures.files import Source, first_bytes, read_bytes
from ipse.pictures.heif import heif_image
from ipse.pictures.jpeg import JpegInfo, jpeg_info
from ipse.pictures.levels import levels_of
from ipse.pictures.metadata import packed
from ipse.pictures.picture import Picture
from ipse.pictures.pillow import from_pil
from ipse.pictures.png import SIGNATURE, carried_chunks, decode_deep, is_deep_colour
from ipse.pictures.strange import what_it_is
from ipse.pictures.tiff import MAGIC, read_tiff, tiff_size

# More could not be fitted: 2^28 pixels with three float32 channels take 3 GiB, without any network.
LIMIT = 2**28

HEADER = 2**20  # number of bytes that always contain a file's header

HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
REFUSED = {
    "EPS",
    "WMF",
    "MPEG",
    "BUFR",
    "GRIB",
    "HDF5",
}  # drawings and films, or formats that Pillow decodes with other programs
JPEG = b"\xff\xd8\xff"
STARTS = (SIGNATURE, JPEG, b"RIFF", b"GIF8", b"BM", *MAGIC)
ALPHA = (".png", ".tga", ".heic", ".heif")  # suffixes of formats with alpha
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    AttributeError,
    RuntimeError,  # imagecodecs' errors, libheif's
    struct.error,
    zlib.error,
    TiffFileError,
    Image.DecompressionBombError,
)


def read(source: Source) -> Picture:
    """Read a picture from a path, an open binary file, or "-", standard input.

    PNG, JPEG, TIFF, WebP, AVIF, HEIC (with pillow-heif), BMP and what else Pillow reads. Pixels stay as
    stored: orientation is a tag that is carried. Of several frames or pages the first is taken; ``frames``
    counts them.

    Raises:
        PictureError: if there is no file, no picture in it, a broken or too large one, or NaN or
            infinite samples.
    """
    data, name = read_bytes(source)
    with warnings.catch_warnings():
        # Decoders warn about oddities in metadata that do not affect pixels; sizes are checked here.
        warnings.simplefilter("ignore")
        picture = _decode(data, name)
    levels_of(picture.samples, name=name)
    return picture


def size_in(data: bytes, *, name: str) -> tuple[int, int]:
    """Return (H, W) from the header of a picture's bytes.

    Raises:
        PictureError: they are not a picture, or a damaged one.
    """
    try:
        return tiff_size(data)[:2]
    except DAMAGE:  # not a TIFF
        pass
    with _opened(data, name) as image:
        return image.height, image.width


def able(path: Path, suffix: str) -> str:
    """Return the suffix, or that of a format that can store the picture, according to its header, if it cannot."""
    try:
        with _opened(first_bytes(path, HEADER), str(path)) as image:
            mode = image.mode
    except PictureError:  # reading the picture will report the error
        return suffix
    fine = mode == "F" or (mode == "I" and image.format != "PPM")  # for PPM, mode I has 16 bits
    deep = fine or mode.startswith("I") or (mode.endswith("A") and suffix.lower() not in ALPHA)
    return ".tif" if fine else ".png" if deep else suffix


def _decode(data: bytes, name: str) -> Picture:
    if data.startswith(NUMPY):
        return read_array(data, name)
    if data[:4] in MAGIC:
        picture = _read_tiff(data, name)
        if picture is not None:
            return picture
    with _opened(data, name) as image:
        check_size(image.height, image.width, name=name)
        if image.format == "JPEG":
            check_kind(data, name=name)
        try:
            frames = getattr(image, "n_frames", 1)
            shown, notes = whole(image, data)
            rgb = (
                shown.convert("RGB") if shown.mode == "YCbCr" else shown
            )  # the colour model of old TIFF files
            picture = replace(from_pil(rgb, name=name), format=_format(image), frames=frames, notes=notes)
        except DAMAGE as error:
            raise _damaged(name, error) from None
        return _completed(picture, image, data)


def _format(image: Image.Image) -> str | None:
    """The file's format; MPO, a JPEG with further pictures, counts as JPEG."""
    return "JPEG" if image.format == "MPO" else image.format


def _completed(picture: Picture, image: Image.Image, data: bytes) -> Picture:
    """Add what Pillow leaves out or truncates."""
    meta = picture.metadata
    if data.startswith(SIGNATURE):
        picture = replace(picture, metadata=replace(meta, png=carried_chunks(data)))
        if is_deep_colour(data):
            samples, alpha = decode_deep(data)
            model = "gray" if samples.ndim == 2 else "rgb"  # Pillow shows gray with alpha as colour
            picture = replace(picture, samples=samples, alpha=alpha, model=model, levels=None)
    elif picture.format == "PPM" and picture.dtype.name == "int32":  # 16-bit gray in Pillow's wider type
        picture = replace(picture, samples=picture.samples.astype("uint16"), levels=None)
    elif picture.format == "JPEG":
        picture = replace(picture, jpeg=_jpeg(data))
    if meta.exif is None and picture.format not in ("PNG", "JPEG"):
        picture = replace(picture, metadata=replace(picture.metadata, exif=packed(image.getexif())))
    return picture


def _jpeg(data: bytes) -> JpegInfo | None:
    try:
        return jpeg_info(data)
    except PictureError:  # Pillow can read it nevertheless; continue without the tables
        return None


def check_size(height: int, width: int, samples: int = 1, *, name: str) -> None:
    """Reject pictures that are too large to restore, before decoding.

    Raises:
        PictureError: more than 2^28 pixels, or 2^30 samples.
    """
    if height * width * samples > 4 * LIMIT >= 4 * height * width:
        raise PictureError(
            f"{name}: {width}×{height} pixels of {samples} samples are {height * width * samples / 1e6:.0f} million; "
            f"expected at most {4 * LIMIT / 1e6:.0f} million; crop it or leave channels out"
        )
    if height * width > LIMIT:
        raise PictureError(
            f"{name}: {width}×{height} is {height * width / 1e6:.0f} million pixels; "
            f"expected at most {LIMIT / 1e6:.0f} million; crop it or make it smaller"
        )


def _opened(data: bytes, name: str) -> Image.Image:
    """Find the decoder by the content and read the header."""
    if data[4:8] == b"ftyp" and data[8:12] in HEIC and b"avif" not in data[8:64]:
        return _open_heif(data, name)
    for kind in _decoders():
        factory, accepts = Image.OPEN[kind]
        try:
            # A string explains why a format is not available. Image.open is not used because its check for
            # decompression bombs does not report sizes, and is set for the whole process.
            if accepts is None or accepts(data[:16]) is True:
                return factory(io.BytesIO(data), name)
        except Image.DecompressionBombError as error:
            raise _damaged(name, error) from None
        except DAMAGE:
            continue
    if data.startswith(JPEG):
        check_kind(data, name=name)
    if data.startswith(STARTS):
        raise _damaged(name, None)
    raise PictureError(
        f"{name}: is not a picture that ipse can read ({what_it_is(data)}); "
        "expected PNG, JPEG, TIFF, WebP, AVIF, HEIC or BMP; convert it to one"
    )


def _decoders() -> Iterator[str]:
    """Pillow's formats, the common ones first, because loading the others takes longer than reading a file."""
    Image.preinit()
    first = [kind for kind in Image.ID if kind not in REFUSED]
    yield from first
    Image.init()
    yield from (kind for kind in Image.ID if kind not in REFUSED and kind not in first)


def _open_heif(data: bytes, name: str) -> Image.Image:
    try:
        file = heif_image(data, name=name)
        check_size(file.size[1], file.size[0], name=name)
        image: Image.Image = file.to_pillow()
    except DAMAGE as error:
        raise _damaged(name, error) from None
    image.format = "HEIF"
    return image


def _read_tiff(data: bytes, name: str) -> Picture | None:
    """Decode with tifffile; None if it cannot but Pillow may (some old compressions)."""
    try:
        check_size(*tiff_size(data), name=name)
        return read_tiff(data, name=name)
    except PictureError:
        raise
    except DAMAGE as error:
        if "truncat" in str(error) or "corrupt" in str(error):
            raise _damaged(name, error) from None
        return None


def _damaged(name: str, error: Exception | None) -> PictureError:
    """A one-line message instead of the decoder's own."""
    if isinstance(error, Image.DecompressionBombError):
        return PictureError(
            f"{name}: a picture in it claims to have too many pixels; expected at most "
            f"{LIMIT / 1e6:.0f} million; it is damaged, or malicious"
        )
    said = (str(error).splitlines() or [""])[0] if error is not None else "incomplete header"
    return PictureError(
        f"{name}: is damaged or cut short ({said or 'undecodable'}); expected a whole file; copy it again"
    )
