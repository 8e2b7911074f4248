"""Draft ↦ file: encode a few rows at a time, and give the file its name when it is complete."""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from ipse.errors import OutputError, RunError
from ipse.pictures import Picture
from ipse.pictures.files import publish, sync_folder
from ipse.pictures.large.draft import Draft
from ipse.pictures.large.source import bands
from ipse.pictures.levels import Samples
from ipse.pictures.metadata import PREFIX
from ipse.pictures.tiff import PHOTOMETRIC, graft, kinds_of, said_of

TILE = 512  # side of a TIFF tile, in pixels
CLASSIC = 4 << 30  # uncompressed size in bytes from which a BigTIFF is written
FORMATS = ("TIFF", "PNG", "JPEG", "ZARR")
INCH = 25.4  # mm per inch, since libvips uses pixels per mm
QUALITY = 95  # JPEG quality, as for smaller pictures


def check_room(folder: Path, need: int) -> None:
    """Check before the run that the disk has enough space.

    Raises:
        OutputError: it does not; the message gives the required and the free space.
    """
    free = shutil.disk_usage(folder).free
    if need > free:
        raise OutputError(
            f"{folder}: the result needs up to {need / 2**30:.1f} GiB of disk and {free / 2**30:.1f} GiB is free: "
            "free some space, or choose another place"
        )


def put(
    path: Path,
    make: Callable[[Path], None],
    *,
    overwrite: bool = False,
    before: Callable[[Path], None] | None = None,
) -> None:
    """Write a file or a zarr folder under a temporary name, and rename it when it is complete.

    Args:
        path: the final path.
        make: writes the file to the path that it is given.
        overwrite: whether an existing file may be replaced; a folder never is.
        before: called with the temporary path before it is renamed.

    Raises:
        OutputError: the path exists.
        RunError: writing failed midway; no partial file is left.
    """
    part = path.resolve().with_name(f".ipse-{secrets.token_hex(6)}.tmp")
    try:
        make(part)
        if before is not None:
            before(part)
        _publish(part, path.resolve(), overwrite=overwrite)
    except FileExistsError:
        raise OutputError(f"{path}: exists already; choose a new name or allow --overwrite") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise RunError(f"{path}: {_why(error)}; nothing was written; free some space or try .tif") from error
    finally:
        _remove(part)


def encode(draft: Draft, path: Path, *, like: Picture, format: str) -> None:
    """Write a draft to a file or a zarr folder. It is written in place; see ``put`` for a temporary name.

    Args:
        draft: all rows of the result.
        path: the output path.
        like: any part of the picture; its model, alpha and metadata apply to the result.
        format: one of ``FORMATS``.
    """
    _encoder(format)(draft, path, like)


def _publish(part: Path, path: Path, *, overwrite: bool) -> None:
    if part.is_dir():
        if os.path.lexists(path):  # an existing folder is never replaced
            raise FileExistsError(errno.EEXIST, "exists already")
        part.rename(path)
        return
    with part.open("rb") as file:
        os.fsync(file.fileno())
    publish(part, path, overwrite=overwrite)
    sync_folder(path.parent)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part)
    part.unlink(missing_ok=True)


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    return f"writing failed ({(str(error).splitlines() or ['unknown'])[0]})"


def _encoder(format: str) -> Callable[[Draft, Path, Picture], None]:
    if format == "TIFF":
        return _tiff
    return _zarr if format == "ZARR" else lambda draft, part, like: _vips(draft, part, like, format)


def _zarr(draft: Draft, part: Path, like: Picture) -> None:
    from ipse.pictures.large.zarr import encode_zarr

    encode_zarr(draft, part, name=Path(like.name).stem)


def _tiff(draft: Draft, part: Path, like: Picture) -> None:
    """Write a tiled, deflated TIFF, or a BigTIFF if it may exceed 4 GiB."""
    height, width, samples = draft.shape
    planar = like.metadata.planar and samples > 1
    interleaved = (height, width, samples) if samples > 1 else (height, width)
    big = height * draft.row >= CLASSIC - (CLASSIC >> 6)
    tifffile.imwrite(
        part,
        _tiles(draft, planar=planar),
        shape=(samples, height, width) if planar else interleaved,
        dtype=draft.dtype,
        bigtiff=big,
        byteorder="<",
        tile=(TILE, TILE),
        photometric=PHOTOMETRIC.get(like.model, "minisblack"),
        predictor=draft.dtype.kind != "b" and draft.dtype.itemsize <= 4,
        maxworkers=1,
        **({"planarconfig": "separate" if planar else "contig"} if samples > 1 else {}),
        **({"extrasamples": kinds_of(like)} if samples > 1 else {}),
        **said_of(like.metadata),
    )
    with part.open("r+b") as file:
        graft(file, like.metadata)


def _tiles(draft: Draft, *, planar: bool) -> Iterator[Samples]:
    """The draft's tiles, row by row, padded with zeros at the border; for a planar file plane by plane."""
    height, width, samples = draft.shape
    for plane in range(samples if planar else 1):
        taken = slice(plane, plane + 1) if planar else slice(None)
        for rows in bands(height, TILE):
            band = draft.read(rows)[..., taken]
            for columns in bands(width, TILE):
                piece = band[:, columns]
                tile = np.zeros((TILE, TILE, piece.shape[2]), draft.dtype)
                tile[: piece.shape[0], : piece.shape[1]] = piece
                yield tile if tile.shape[2] > 1 else tile[..., 0]


def _vips(draft: Draft, part: Path, like: Picture, format: str) -> None:
    """Write PNG or JPEG with libvips, which reads the draft row by row."""
    import pyvips

    height, width, samples = draft.shape
    draft.file.flush()
    raw = "uchar" if draft.dtype == np.uint8 else "ushort"
    colours = {1: "b-w", 3: "srgb", 4: "cmyk"} if raw == "uchar" else {1: "grey16", 3: "rgb16"}
    image: Any = pyvips.Image.rawload(
        str(draft.path), width, height, samples, format=raw, interpretation=colours[like.channels]
    )
    across, down = like.metadata.dpi or (INCH, INCH)
    _describe(image := image.copy(xres=across / INCH, yres=down / INCH), like)
    target = pyvips.Target.new_to_file(str(part))
    try:
        if format == "PNG":
            image.pngsave_target(target)
        else:
            image.jpegsave_target(target, Q=QUALITY, subsample_mode="off")
    except pyvips.Error as error:
        raise RuntimeError(str(error)) from None


def _describe(image: Any, like: Picture) -> None:
    """Set the picture's metadata in the form that libvips expects."""
    import pyvips

    meta = like.metadata
    blocks = {
        "icc-profile-data": meta.icc,
        "exif-data": PREFIX + meta.exif if meta.exif else None,
        "xmp-data": meta.xmp,
    }
    for name, block in blocks.items():
        if block:
            image.set_type(pyvips.GValue.blob_type, name, block)
