"""HEIC files through pillow-heif, an optional extra; its plugin is not registered, since that affects the process."""

import io
from importlib import import_module
from typing import Any, cast

from PIL import Image

from ipse.errors import OutputError, PictureError


def heif_image(data: bytes, *, name: str) -> Any:
    """Open a HEIC file: ``size`` is (W, H), ``to_pillow()`` decodes. Raises what pillow-heif raises.

    Raises:
        PictureError: pillow-heif is not installed.
    """
    try:
        import pillow_heif
    except ImportError:
        raise PictureError(
            f"{name}: is a HEIC picture, which needs pillow-heif; pip install 'ipse[heic]'"
        ) from None
    return cast("Any", pillow_heif).open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)


def check_heif(target: object) -> None:
    """Check that HEIC files can be written.

    Raises:
        OutputError: pillow-heif is not installed.
    """
    try:
        import_module("pillow_heif")
    except ImportError:
        raise OutputError(
            f"{target}: HEIC files need pillow-heif; pip install 'ipse[heic]', or write to .avif"
        ) from None


def encode_heif(image: Image.Image, **options: Any) -> bytes:
    """Encode an 8-bit image with the profile, EXIF and XMP in its ``info``."""
    import pillow_heif

    # from_pillow would rotate the pixels; the encoder stores the orientation as HEIC's own rotation.
    file: Any = cast("Any", pillow_heif).from_bytes(image.mode, image.size, image.tobytes())
    file.info.update({key: image.info[key] for key in ("icc_profile", "exif", "xmp") if key in image.info})
    stream = io.BytesIO()
    file.save(stream, **options)
    return stream.getvalue()
