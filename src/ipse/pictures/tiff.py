"""TIFF: any type, any number of channels, interleaved or planar; EXIF and GPS directories are preserved."""

import io
import struct
from typing import Any, BinaryIO, cast

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ipse.pictures.geo import geo_tags
from ipse.pictures.lab import signs_turned
from ipse.pictures.levels import Samples, full_scale, unpacked
from ipse.pictures.metadata import UNREADABLE, Metadata, exif_of, packed
from ipse.pictures.picture import CHANNELS, Picture
from ipse.pictures.raw import check_developed
from ipse.pictures.ycbcr import as_rgb, left_to_pillow

MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
CLASSIC, BIG = b"II*\0" + bytes(4), b"II+\0\x08" + bytes(11)  # file headers, with the first directory at 0
ORIENTATION, XMP = 274, 700
# ASCII tags that describe the picture: description, make, model, software, date, artist, host, copyright.
ASCII = (270, 271, 272, 305, 306, 315, 316, 33432)
DIRECTORIES = (IFD.Exif, IFD.GPSInfo)
SCALE = {2: 1.0, 3: 2.54}  # resolution unit: factor to pixels per inch
MODELS = {2: "rgb", 5: "cmyk", 6: "rgb", 8: "lab"}  # JPEG-compressed YCbCr arrives as RGB
LAB = 8
# Beginnings of descriptions of a whole stack.
STACKED = (b"ImageJ=", b"SCIFIO=", b"<?xml", b"<OME", b'{"shape"', b'{"axes"')
DESCRIPTION = 270
PHOTOMETRIC = {"rgb": "rgb", "palette": "palette", "cmyk": "separated", "lab": "cielab"}


def tiff_size(data: bytes) -> tuple[int, int, int]:
    """Return (H, W) and the samples per pixel from the header of the first page."""
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        page = _first(tif)
        return int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel)


def read_tiff(data: bytes, *, name: str) -> Picture:
    """Decode the first page of a TIFF file; raises what tifffile raises.

    Raises:
        TiffFileError: a colour model that tifffile does not convert (most YCbCr without JPEG).
    """
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        page = _first(tif)
        check_developed(page, name=name)
        if left_to_pillow(page):
            raise tifffile.TiffFileError("YCbCr without JPEG")
        extras = tuple(int(extra) for extra in page.extrasamples)
        samples, alpha = _interleaved(page), None
        if samples.ndim == 3 and extras in ((1,), (2,)):
            samples, alpha = samples[..., :-1], samples[..., -1]
            samples = samples[..., 0] if samples.shape[2] == 1 else samples
        samples, model, palette = _colours(page, samples)
        return Picture(
            samples,
            alpha=alpha,
            model=model,
            palette=palette,
            metadata=metadata_of(io.BytesIO(data), page, premultiplied=extras == (1,)),
            format="TIFF",
            frames=len(tif.pages),
            name=name,
        )


def _colours(page: tifffile.TiffPage, samples: Samples) -> tuple[Samples, str, NDArray[np.uint8] | None]:
    """The samples with white as the largest value, their model and palette."""
    photometric = int(page.photometric)
    if photometric == 0:  # WhiteIsZero
        samples = ~samples if samples.dtype.kind == "b" else full_scale(samples.dtype) - samples
        return samples.astype(page.dtype, copy=False), "gray", None
    if photometric == 3:
        palette = (np.asarray(page.colormap).T >> 8).astype(np.uint8)
        return (samples, "palette", palette) if samples.dtype == np.uint8 else (palette[samples], "rgb", None)
    if samples.ndim == 2:
        return samples, "gray", None
    model, samples = MODELS.get(photometric, "channels"), as_rgb(page, samples)
    if photometric == LAB and samples.shape[2] == CHANNELS["lab"]:
        samples = signs_turned(samples)
    return samples, model if samples.shape[2] == CHANNELS.get(model) else "channels", None


def _first(tif: tifffile.TiffFile) -> tifffile.TiffPage:
    return cast("tifffile.TiffPage", tif.pages[0])


def _interleaved(page: tifffile.TiffPage) -> Samples:
    """Decode to (H, W) or (H, W, C)."""
    array = np.asarray(page.asarray())
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if page.axes.startswith("S"):
        array = np.moveaxis(array, 0, -1)
    array = array.reshape(page.imagelength, page.imagewidth, -1)
    if page.bitspersample == 1 and array.dtype == np.uint8:
        array = array.astype(np.bool_)
    elif int(page.photometric) != 3:
        array = unpacked(array, int(page.bitspersample))
    return array[..., 0] if array.shape[2] == 1 else array


def metadata_of(file: BinaryIO, page: tifffile.TiffPage, *, premultiplied: bool) -> Metadata:
    """Collect the metadata of a page; ``file`` contains it and must be positioned at the beginning."""

    def value(tag: int) -> Any:
        found = page.tags.get(tag)
        return None if found is None else found.value

    x, y, unit = value(282), value(283), SCALE.get(int(value(296) or 2))
    whole = x and y and unit and x[0] and x[1] and y[0] and y[1]
    dpi = (x[0] / x[1] * unit, y[0] / y[1] * unit) if whole else None
    dpi = dpi if dpi and max(dpi) > 1 else None  # programs without a resolution write one pixel per inch
    xmp = value(XMP)
    return Metadata(
        icc=value(34675),
        exif=_exif(file, value(ORIENTATION)),
        xmp=bytes(xmp) if isinstance(xmp, bytes) else None,
        dpi=dpi,
        premultiplied=premultiplied,
        geo=geo_tags(page.tags),
        planar=int(page.planarconfig) == 2 and int(page.samplesperpixel) > 1,
    )


def _exif(file: BinaryIO, orientation: Any) -> bytes | None:
    """An EXIF block with the tags that describe the picture, without those about its strips."""
    kept = Image.Exif()
    try:
        head = file.read(8)
        head += file.read(8) if head[2:4] == b"+\x00" else b""
        found = _directory(file, head)
        kept.update({tag: found[tag] for tag in ASCII if tag in found and not _of_a_stack(tag, found[tag])})
        told = {tag: dict(_directory(file, head, at=found[tag])) for tag in DIRECTORIES if tag in found}
        kept.update({tag: inner for tag, inner in told.items() if inner})
    except UNREADABLE:
        pass
    if isinstance(orientation, int) and orientation != 1:
        kept[ORIENTATION] = orientation
    return packed(kept)


def _of_a_stack(tag: int, said: Any) -> bool:
    """Whether a description is that of a stack, which must not be copied to a file with one plane."""
    text = said.encode(errors="replace") if isinstance(said, str) else b""
    return tag == DESCRIPTION and text.lstrip(b"\xef\xbb\xbf").startswith(STACKED)


def _directory(file: BinaryIO, head: bytes, *, at: int | None = None) -> ImageFileDirectory_v2:
    """Read a directory of a file that begins with ``head``; by default the first one."""
    directory = ImageFileDirectory_v2(head)
    file.seek(directory.next if at is None else at)
    directory.load(file)
    return directory


def encode_tiff(picture: Picture) -> bytes:
    """Encode losslessly (deflate) with profile, resolution, XMP and EXIF."""
    samples, options = _layout(picture)
    stream = io.BytesIO()
    tifffile.imwrite(
        stream, np.ascontiguousarray(samples), byteorder="<", **options, **said_of(picture.metadata)
    )
    graft(stream, picture.metadata)
    return stream.getvalue()


def said_of(meta: Metadata) -> dict[str, Any]:
    """The arguments of tifffile for metadata and lossless compression (deflate)."""
    inches = {"resolution": meta.dpi, "resolutionunit": "INCH"} if meta.dpi else {"resolutionunit": "NONE"}
    return {
        "compression": "zlib",
        "iccprofile": meta.icc,
        "extratags": _tags(meta),
        "metadata": None,
        "software": False,
        **inches,
    }


def _layout(picture: Picture) -> tuple[Samples, dict[str, Any]]:
    """The samples with alpha, and the arguments of tifffile for their layout."""
    samples: NDArray[Any] = picture.samples if picture.model != "lab" else signs_turned(picture.samples)
    kinds = kinds_of(picture)
    if picture.alpha is not None and picture.palette is None:
        samples = (
            samples * np.uint8(255) if samples.dtype.kind == "b" else samples
        )  # 1-bit images have no alpha
        samples = np.dstack([samples, picture.alpha.astype(samples.dtype, copy=False)])
    options: dict[str, Any] = {"photometric": PHOTOMETRIC.get(picture.model, "minisblack")}
    if samples.ndim == 3:
        planar = picture.metadata.planar
        samples = np.moveaxis(samples, -1, 0) if planar else samples
        options |= {"planarconfig": "separate" if planar else "contig", "extrasamples": kinds}
    if picture.palette is not None:
        table = np.zeros((256, 3), np.uint16)
        table[: len(picture.palette)] = picture.palette[:, :3].astype(np.uint16) * 257
        options["colormap"] = table.T
    # Horizontal differencing compresses better if neighbours are similar, which indices and bits need not be.
    smooth = picture.palette is None and samples.dtype.kind != "b" and samples.dtype.itemsize <= 4
    return samples, options | {"predictor": smooth}


def kinds_of(picture: Picture) -> list[str]:
    """The meaning of the extra samples, as an argument of tifffile."""
    kinds = ["unspecified"] * (picture.channels - 1 if picture.model == "channels" else 0)
    if picture.alpha is not None and picture.palette is None:
        kinds.append("assocalpha" if picture.metadata.premultiplied else "unassalpha")
    return kinds


def _tags(meta: Metadata) -> list[tuple[Any, ...]]:
    exif = exif_of(meta.exif)
    tags: list[tuple[Any, ...]] = [(tag, "s", 0, exif[tag], True) for tag in ASCII if tag in exif]
    if meta.orientation != 1:
        tags.append((ORIENTATION, "H", 1, meta.orientation, True))
    if meta.xmp:
        tags.append((XMP, "B", len(meta.xmp), meta.xmp, True))
    tags += [tag.packed() for tag in meta.geo]
    # Reserve room for the offset of each directory, which is known only after the rest is written. The entry has the
    # preceding tag number, at the same position in the sorted directory, because tifffile does not write these tags.
    return tags + [(int(tag) - 1, "I", 1, 0, True) for tag in DIRECTORIES if exif.get_ifd(tag)]


def graft(file: BinaryIO, meta: Metadata) -> None:
    """Append the EXIF and GPS directories to a little-endian TIFF or BigTIFF, and point their tags at them."""
    exif = exif_of(meta.exif)
    file.seek(0)
    with tifffile.TiffFile(file) as tif:
        tags, big = _first(tif).tags, tif.is_bigtiff
        places = {tag: tags[tag - 1].offset for tag in DIRECTORIES if tag - 1 in tags}
    head, entry, kind = (BIG, "<HHQQ", 16) if big else (CLASSIC, "<HHII", 4)
    for tag, place in places.items():
        end = file.seek(0, io.SEEK_END)
        end += file.write(b"\0" * (end % 2))
        directory = ImageFileDirectory_v2(head)
        directory.update(exif.get_ifd(tag))
        file.write(directory.tobytes(end))
        file.seek(place)
        file.write(struct.pack(entry, tag, kind, 1, end))
