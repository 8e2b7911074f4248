"""Camera raw files are TIFF by their structure, and no pictures yet."""

import tifffile

from ipse.errors import PictureError

DNG = 50706  # the tag of its version
SENSOR = (32803, 34892)  # photometric: colour filter array, linear raw


def check_developed(page: tifffile.TiffPage, *, name: str) -> None:
    """Refuse what is no picture yet: a sensor's mosaic, or the preview that a camera's file begins with.

    Raises:
        PictureError: says what is there.
    """
    sensor = int(page.photometric) in SENSOR
    if sensor or (int(page.subfiletype or 0) & 1 and (page.subifds or DNG in page.tags)):
        preview = f"its first picture is but a preview of {page.imagewidth}×{page.imagelength} pixels"
        said = "it holds a sensor's mosaic" if sensor else preview
        raise PictureError(
            f"{name}: is a camera raw file ({said}); expected a developed picture; develop it first, to TIFF or PNG"
        )
