"""Reject camera raw files, which have the structure of TIFF files but are not developed pictures."""

import tifffile

from ipse.errors import PictureError

DNG = 50706  # tag of the DNG version
SENSOR = (32803, 34892)  # photometric: colour filter array, linear raw


def check_developed(page: tifffile.TiffPage, *, name: str) -> None:
    """Reject a sensor's mosaic, or a camera file that begins with a preview.

    Raises:
        PictureError: the message says what was found.
    """
    sensor = int(page.photometric) in SENSOR
    if sensor or (int(page.subfiletype or 0) & 1 and (page.subifds or DNG in page.tags)):
        preview = f"its first picture is only a preview of {page.imagewidth}×{page.imagelength} pixels"
        said = "it holds a sensor's mosaic" if sensor else preview
        raise PictureError(
            f"{name}: is a camera raw file ({said}); expected a developed picture; develop it first, to TIFF or PNG"
        )
