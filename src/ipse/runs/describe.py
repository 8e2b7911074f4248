"""y ↦ its properties, its damage, and the task that would help."""

from pathlib import Path
from typing import Any

from ipse import tasks
from ipse.pictures import Picture, read
from ipse.settings import Settings


def about_picture(path: Path) -> dict[str, Any]:
    """Return the properties of a picture: those of the file, then its damage."""
    picture = read(path)
    return {"picture": str(path)} | about_file(picture) | about_damage(picture)


def about_file(picture: Picture) -> dict[str, Any]:
    """Return the properties of the file."""
    height, width = picture.size
    profile = picture.metadata.icc
    return {
        "format": picture.format or "unknown",
        "size": f"{width}×{height}",
        "mode": picture.mode,
        "depth": str(picture.dtype),
        "channels": picture.channels,
        "alpha": "yes" if picture.alpha is not None else "no",
        "frames": picture.frames,
        "profile": profile_name(profile) if profile else "none",
        "orientation": picture.orientation,
        "JPEG quality": "no JPEG file" if picture.jpeg is None else picture.jpeg.quality,
    }


def profile_name(profile: bytes) -> str:
    """Return the name of an ICC profile."""
    from io import BytesIO

    from PIL import ImageCms

    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile))).strip()
    except (ImageCms.PyCMSError, OSError):
        return f"unreadable, {len(profile)} bytes"


def about_damage(picture: Picture, part: Picture | None = None) -> dict[str, Any]:
    """Return the estimated noise, of all or of a part, and the task that would help."""
    from ipse.engine.problem import Nothing

    noisy = tasks.find("denoise")(part or picture, Settings())
    clean = isinstance(noisy, Nothing)
    jpeg = picture.jpeg is not None and picture.jpeg.quality < 90
    task = "dejpeg" if jpeg else "none" if clean else "denoise"
    found = dict(noisy.estimates)
    return found | {"looks clean": "yes" if clean and not jpeg else "no", "proposed task": task}
