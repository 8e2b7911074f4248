"""y − x* ↦ two files beside the output, and its properties for the receipt.

OUTPUT.residual.tif holds the residual itself, float32 in units of the picture's range [0, 1]. OUTPUT.residual.png shows
it around medium gray, amplified so that 99 % of it fits.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipse.pictures import Metadata, Picture, encode
from ipse.pictures.residual import Residual
from ipse.runs.disagreement import orientation

Floats = NDArray[np.float32]

DATA, VIEW = ".residual.tif", ".residual.png"
MOST = 99  # percentile of the residual's size that the view shows as black or white
#: Smallest structure of a residual that is reported as lost detail. Of astronaut, coffee and chelsea with σ = 10, 25
#: and 50, denoised at the true level, the largest was 0.13, and SIDD's two 0.38; without noise, denoised at σ = 10 and
#: 25, astronaut and coffee had 0.74 and more. Chelsea's fur (0.15 and 0.38) is not noticed.
LOST = 0.5
OTHERS = {"quality", "kernel", "psf"}  # estimates of tasks that do more than remove noise


def places(output: Path) -> tuple[Path, Path]:
    """The paths of the residual and of its view."""
    return output.with_name(output.name + DATA), output.with_name(output.name + VIEW)


def of(picture: Picture, restored: Picture) -> Residual | None:
    """The residual's properties; None if the sizes differ."""
    if picture.size != restored.size:
        return None
    return Residual.of(picture.pixels, restored.pixels)


def files(picture: Picture, restored: Picture, output: Path) -> dict[Path, bytes]:
    """Return both files, with the orientation of the output."""
    samples = np.moveaxis(picture.pixels - restored.pixels, 0, -1)
    flat = samples[..., 0] if samples.shape[-1] == 1 else samples
    data, place = Picture(flat, model=_model(flat), metadata=_turned(restored)), places(output)
    return {place[0]: encode(data, format="TIFF"), place[1]: look(picture, restored)}


def look(picture: Picture, restored: Picture) -> bytes:
    """Return the view of the residual, a PNG file: gray, or the first three channels as colours."""
    channels = 3 if picture.channels >= 3 else 1
    samples = np.moveaxis((picture.pixels - restored.pixels)[:channels], 0, -1)
    size = np.abs(samples)
    top = float(np.percentile(size, MOST)) or float(size.max()) or 1.0
    gray = np.rint(255 * np.clip(0.5 + samples / (2 * top), 0, 1)).astype(np.uint8)
    flat = gray[..., 0] if channels == 1 else gray
    return encode(Picture(flat, model=_model(flat), metadata=_turned(restored)), format="PNG")


def said(found: Residual | None, output: Path | None) -> Mapping[str, Any]:
    """Return the entries for a receipt; ``output`` is given if the files were written."""
    if found is None:
        return {}
    files = (None, None) if output is None else tuple(str(path.absolute()) for path in places(output))
    rounded = {"deviation": found.deviation, "flatness": found.flatness, "structure": found.structure}
    return {"map": files[0], "view": files[1]} | {
        name: None if value is None else float(f"{value:.4g}") for name, value in rounded.items()
    }


def warning(residual: Mapping[str, Any], estimates: Mapping[str, Any]) -> str | None:
    """What to say of noise removal whose residual resembles the picture; None if there is nothing to say."""
    likeness = residual.get("structure")
    if likeness is None or likeness < LOST or "sigma" not in estimates or OTHERS & estimates.keys():
        return None
    return f"what was removed resembles the picture (structure {likeness:.2f}), so detail may be lost"


def _turned(restored: Picture) -> Metadata:
    return Metadata(exif=orientation(restored.orientation))


def _model(samples: NDArray[Any]) -> str:
    return "gray" if samples.ndim == 2 else "rgb" if samples.shape[-1] == 3 else "channels"
