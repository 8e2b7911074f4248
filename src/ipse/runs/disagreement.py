"""s (H, W) ↦ two files beside the output: the map of the disagreement of several seeds, as data and as a view.

OUTPUT.disagreement.tif holds s itself, float32 in units of the picture's range [0, 1]. OUTPUT.disagreement.png shows
it from dark violet (0) to yellow (``top`` and above) in the colours of viridis, which grow evenly in lightness (Smith
and van der Walt, "A Better Default Colormap for Matplotlib", 2015, https://bids.github.io/colormap; CC0).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipse.pictures import Metadata, Picture, encode

Floats = NDArray[np.float32]

MAP, VIEW = ".disagreement.tif", ".disagreement.png"
MOST = 99  # percentile shown as the brightest colour, so that single pixels do not leave the others dark
VIRIDIS = "440154 472d7b 3b528b 2c728e 21918c 28ae80 5ec962 addc30 fde725"  # equally spaced colours


def places(output: Path) -> tuple[Path, Path]:
    """The paths of the map and of its view."""
    return output.with_name(output.name + MAP), output.with_name(output.name + VIEW)


def files(deviation: Floats, output: Path, *, like: Picture) -> dict[Path, bytes]:
    """Return both files, with the orientation of the output.

    Args:
        deviation: s (H, W), in units of the picture's range.
        output: the file of the restored picture.
        like: the restored picture, for its orientation.
    """
    turned = Metadata(exif=orientation(like.orientation))
    contents = {
        "TIFF": Picture(deviation, metadata=turned),
        "PNG": Picture(coloured(deviation), model="rgb", metadata=turned),
    }
    pairs = zip(places(output), contents.items(), strict=True)
    return {path: encode(picture, format=form) for path, (form, picture) in pairs}


def said(deviation: Floats | None, output: Path | None) -> Mapping[str, Any]:
    """Return the entries for a receipt: paths, mean, 99th percentile and the view's scale; empty without a map."""
    if deviation is None:
        return {}
    files = (None, None) if output is None else tuple(str(path.absolute()) for path in places(output))
    return {
        "map": files[0],
        "view": files[1],
        "mean": float(deviation.mean()),
        "p99": float(np.percentile(deviation, MOST)),
        "view_top": top(deviation),
    }


def top(deviation: Floats) -> float:
    """Return the value of the view's brightest colour."""
    return float(np.percentile(deviation, MOST)) or float(deviation.max()) or 1.0


def coloured(deviation: Floats) -> NDArray[np.uint8]:
    """Return s (H, W) in colours, (H, W, 3)."""
    table = np.array([[*bytes.fromhex(colour)] for colour in VIRIDIS.split()], np.float64)
    place = np.clip(deviation / top(deviation), 0, 1) * (len(table) - 1)
    nodes = np.arange(len(table))
    return np.stack([np.rint(np.interp(place, nodes, channel)) for channel in table.T], -1).astype(np.uint8)


def orientation(value: int) -> bytes | None:
    """Return an EXIF block with only the orientation; None for an upright picture."""
    from PIL import Image
    from PIL.ExifTags import Base

    if value == 1:
        return None
    exif = Image.Exif()
    exif[Base.Orientation] = value
    return exif.tobytes().removeprefix(b"Exif\0\0")
