"""Draft ↦ file: the encoder pulls a few rows at a time, and the file gets its name when it is whole."""

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

TILE = 512  # pixels a side of a TIFF's tile
CLASSIC = 4 << 30  # bytes from which only a BigTIFF holds what may not pack
FORMATS = ("TIFF", "PNG", "JPEG", "ZARR")
INCH = 25.4  # mm: libvips counts pixels a mm
QUALITY = 95  # of JPEG, as of smaller pictures


def check_room(folder: Path, need: int) -> None:
    """Refuse to begin what the disk could not take.

    Raises:
        OutputError: says how much it would take and how much there is.
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
    """Let a file, or a zarr folder, be written under another name, and give it its own once it is whole.

    Args:
        path: its name.
        make: writes it under the name that it is given.
        overwrite: whether a file that is there may be replaced; a folder never is.
        before: is shown what was written, before it gets its name.

    Raises:
        OutputError: the place is taken.
        RunError: writing failed midway; nothing half-written is left.
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
    """Write a draft as a file, or a zarr folder, in place; whoever calls this sees to it that nobody sees half of it.

    Args:
        draft: all rows of the result.
        path: where to.
        like: any part of the picture: its model, alpha and metadata are the result's.
        format: one of ``FORMATS``.
    """
    _encoder(format)(draft, path, like)


def _publish(part: Path, path: Path, *, overwrite: bool) -> None:
    if part.is_dir():
        if os.path.lexists(path):  # a folder that is there is never replaced
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
    """A tiled TIFF, a BigTIFF where it may exceed four GiB, deflated."""
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
    """The draft's tiles, row by row, the last of a side filled up with zeros; of a planar file plane by plane."""
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
    """PNG or JPEG, by libvips, which reads the draft as it goes."""
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
    """Put what the picture carries where libvips takes it from."""
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
