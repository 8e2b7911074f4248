"""Read and write Zarr and OME-Zarr chunk by chunk.

Of an OME-Zarr image the finest level counts. What is written is version 0.4 of the format (zarr version 2), which
every reader knows: https://ngff.openmicroscopy.org/0.4/.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ipse.errors import InputError, PictureError
from ipse.pictures.large.draft import Draft
from ipse.pictures.large.source import Source, bands, damaged
from ipse.pictures.levels import Samples

CHUNK = 512  # side of a chunk, in pixels
TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}


def library() -> Any:
    """Import zarr.

    Raises:
        InputError: zarr is not installed.
    """
    try:
        import zarr
    except ImportError:
        raise InputError("zarr is not installed: pip install 'ipse[stacks]', or give a .tif") from None
    return zarr


def array_in(path: Path) -> tuple[Any, str]:
    """Open the array in a store; return it with its axes ("YX", "CYX", …) from OME, or the last letters of "TCZYX".

    Raises:
        PictureError: there is no array.
    """
    zarr = library()
    try:
        node: Any = zarr.open(str(path), mode="r")
        attributes = dict(node.attrs)
        told: Any = attributes.get("ome", attributes).get("multiscales")
        if told is not None:
            names = [axis["name"] if isinstance(axis, Mapping) else axis for axis in told[0]["axes"]]
            return node[told[0]["datasets"][0]["path"]], "".join(names).upper()
        array: Any = node if hasattr(node, "shape") else next(iter(node.array_values()))
        return array, "TCZYX"[-len(array.shape) :]
    except (OSError, ValueError, KeyError, TypeError, IndexError, StopIteration) as error:
        said = str(error).splitlines()[0] if str(error) else "no array in it"
        raise PictureError(
            f"{path}: is not a zarr picture ({said}); expected an array, or OME-Zarr"
        ) from None


def zarr_size(path: Path) -> tuple[int, int] | None:
    """Return (H, W); None if there is no picture, in which case opening it will report the error."""
    try:
        shape = array_in(path)[0].shape
    except InputError:
        return None
    return (int(shape[-2]), int(shape[-1])) if len(shape) > 1 else None


def zarr_source(path: Path) -> Source:
    """Open a picture (Y, X) or (C, Y, X); all other axes must have length 1.

    Raises:
        PictureError: there is no picture, or it is a stack.
    """
    array, axes = array_in(path)
    sizes = dict(zip(axes, array.shape, strict=True))
    many = "".join(axis for axis in axes if axis not in "CYX" and sizes[axis] > 1)
    if many or axes[-2:] != "YX":
        raise PictureError(
            f"{path}: has shape {tuple(array.shape)} and axes {axes}; expected one picture: name the axes of a "
            f"stack with --axes {axes}"
        )
    channels = sizes.get("C", 1)

    def window(rows: slice, columns: slice) -> Samples:
        place = [slice(None) if axis == "C" else 0 for axis in axes[:-2]]
        try:
            found = np.asarray(array[(*place, rows, columns)])
        except (OSError, ValueError, RuntimeError) as error:
            raise damaged(str(path), error) from None
        return found[..., None] if found.ndim == 2 else np.moveaxis(found, 0, -1)

    model = {1: "gray", 3: "rgb"}.get(channels, "channels")
    return Source(
        str(path), (sizes["Y"], sizes["X"]), channels, np.dtype(array.dtype), window, model, format="ZARR"
    )


def said_in(path: Path) -> dict[str, Any]:
    """The metadata of an OME-Zarr image that applies to its result as well: axes with units, scale, display."""
    attributes = dict(library().open(str(path), mode="r").attrs)
    told: Any = attributes.get("ome", attributes)
    if not told.get("multiscales"):
        return {}
    image = told["multiscales"][0]
    scale = image["datasets"][0].get("coordinateTransformations")
    found = {"axes": image["axes"], "coordinateTransformations": scale, "omero": told.get("omero")}
    return {key: value for key, value in found.items() if value is not None}


def created(
    part: Path,
    shape: tuple[int, ...],
    axes: str,
    dtype: np.dtype[Any],
    *,
    name: str,
    said: Mapping[str, Any] | None = None,
) -> Any:
    """Create an OME-Zarr image with one level, and return its array, with chunks of 512² pixels.

    ``said`` is what an image of the same axes and size said of itself.
    """
    said = said or {}
    zarr = library()
    group = zarr.open_group(str(part), mode="w", zarr_format=2)
    chunks = tuple(min(CHUNK, side) if axis in "YX" else 1 for axis, side in zip(axes, shape, strict=True))
    array = group.create_array(
        "0", shape=shape, chunks=chunks, dtype=dtype, chunk_key_encoding={"name": "v2", "separator": "/"}
    )
    scale = said.get("coordinateTransformations", [{"type": "scale", "scale": [1.0] * len(axes)}])
    if "omero" in said:
        group.attrs["omero"] = said["omero"]
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "name": name,
            "axes": said.get("axes", [{"name": axis.lower(), "type": TYPES[axis]} for axis in axes]),
            "datasets": [{"path": "0", "coordinateTransformations": scale}],
        }
    ]
    return array


def encode_zarr(draft: Draft, part: Path, *, name: str) -> None:
    """Write a draft as an OME-Zarr image (C, Y, X), or (Y, X) for one channel."""
    height, width, samples = draft.shape
    flat = samples == 1
    shape = (height, width) if flat else (samples, height, width)
    array = created(part, shape, "YX" if flat else "CYX", draft.dtype, name=name)
    for rows in bands(height, CHUNK):
        found = draft.read(rows)
        array[(..., rows, slice(None))] = found[..., 0] if flat else np.moveaxis(found, -1, 0)
