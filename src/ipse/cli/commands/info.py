"""y ↦ what it is, how it is damaged, and which task would help."""

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from ipse import machine


def command(
    picture: Annotated[
        Path | None, typer.Argument(help="A picture; without one: versions, devices, threads, memory.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Say what a picture is and what it needs; without a picture, what there is to compute with."""
    facts = about_machine() if picture is None else about_picture(picture)
    if json:
        print(json_text.dumps(facts, indent=2, ensure_ascii=False))
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")


def about_machine() -> dict[str, Any]:
    """Return versions, devices, threads and memory."""
    import torch

    free = machine.memory_available()
    return machine.versions() | {
        "devices": ", ".join(f"{name} ({model})" for name, model in machine.devices().items()),
        "threads": torch.get_num_threads(),
        "memory free": "unknown" if free is None else f"{free / 2**30:.1f} GiB",
    }


def about_picture(path: Path) -> dict[str, Any]:
    """Return what is known of a picture, the file first, then its damage."""
    from ipse.pictures import read

    picture = read(path)
    height, width = picture.size
    profile = picture.metadata.icc
    return {
        "picture": str(path),
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
    } | about_damage(picture)


def profile_name(profile: bytes) -> str:
    """Return what an ICC profile calls itself."""
    from io import BytesIO

    from PIL import ImageCms

    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile))).strip()
    except (ImageCms.PyCMSError, OSError):
        return f"unreadable, {len(profile)} bytes"


def about_damage(picture: Any) -> dict[str, Any]:
    """Return the noise found, and the task that would help."""
    from ipse import tasks
    from ipse.problem import Nothing
    from ipse.settings import Settings

    noisy = tasks.find("denoise")(picture, Settings())
    clean = isinstance(noisy, Nothing)
    jpeg = picture.jpeg is not None and picture.jpeg.quality < 90
    task = "dejpeg" if jpeg else "none" if clean else "denoise"
    found = dict(noisy.estimates)
    return found | {"looks clean": "yes" if clean and not jpeg else "no", "proposed task": task}
