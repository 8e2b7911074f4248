"""y ↦ its properties, its damage, and the task that would help."""

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from ipse import devices


def command(
    picture: Annotated[
        Path | None, typer.Argument(help="A picture. Without one: versions, devices, threads, memory.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show a picture's properties, its damage and the task for it; without a picture, versions and devices."""
    facts = about_machine() if picture is None else facts_of(picture)
    if json:
        print(json_text.dumps(facts, indent=2, ensure_ascii=False))
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")


def about_machine() -> dict[str, Any]:
    """Return versions, devices, threads and memory."""
    import torch

    free = devices.memory_available()
    return devices.versions() | {
        "devices": ", ".join(f"{name} ({model})" for name, model in devices.devices().items()),
        "threads": torch.get_num_threads(),
        "memory free": "unknown" if free is None else f"{free / 2**30:.1f} GiB",
    }


def facts_of(path: Path) -> dict[str, Any]:
    """Return the properties of a picture; imported late, so that invalid options are reported at once."""
    from ipse.runs.describe import about_picture

    return about_picture(path)
