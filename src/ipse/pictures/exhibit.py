"""Display of results in notebooks: the pictures before and after, and the estimates."""

import io
from base64 import b64encode
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Protocol

from PIL import Image

from ipse.pictures.picture import Picture
from ipse.pictures.views import view

SIDE = 640  # longest side of a picture that is shown, in pixels
GAP = 8  # pixels between two pictures side by side
FIGURE = "margin:0;flex:1 1 16em;max-width:32em"
IMAGE = "width:100%"


class Result(Protocol):
    """The properties of a result that are displayed."""

    @property
    def picture(self) -> Picture:
        """The restored picture."""
        ...

    @property
    def reason(self) -> str:
        """The reason why the fit ended."""
        ...

    @property
    def steps(self) -> int:
        """The number of steps of the fit."""
        ...

    @property
    def step(self) -> int:
        """The step that was kept."""
        ...

    @property
    def seconds(self) -> float:
        """The time that the restoration took."""
        ...

    @property
    def estimates(self) -> Mapping[str, Any]:
        """The estimates from the damaged picture."""
        ...


def html(result: Result, before: Picture | None = None) -> str:
    """Return an HTML fragment: the damaged picture, if given, the restored one, and a table of the estimates."""
    shown = ([("before", before)] if before is not None else []) + [("after", result.picture)]
    figures = "".join(_figure(name, picture) for name, picture in shown)
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in _found(result)
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:{GAP}px">{figures}</div><table>{rows}</table>'


def png(result: Result, before: Picture | None = None) -> bytes:
    """Return a PNG file: the damaged picture, if given, and the restored one beside it, at the same height."""
    shown = [*([before] if before is not None else []), result.picture]
    images = [Image.open(io.BytesIO(view(picture, side=SIDE))).convert("RGBA") for picture in shown]
    height = max(image.height for image in images)
    images = [image.resize((max(1, image.width * height // image.height), height)) for image in images]
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    canvas, left = Image.new("RGBA", (width, height)), 0
    for image in images:
        canvas.paste(image, (left, 0))
        left += image.width + GAP
    stream = io.BytesIO()
    canvas.save(stream, "PNG")
    return stream.getvalue()


def _figure(name: str, picture: Picture) -> str:
    """A picture with its name and size below it."""
    height, width = picture.size
    source = b64encode(view(picture, side=SIDE)).decode("ascii")
    return (
        f'<figure style="{FIGURE}"><img alt="{name}" style="{IMAGE}" src="data:image/png;base64,{source}">'
        f"<figcaption>{name}, {width}×{height}</figcaption></figure>"
    )


def _found(result: Result) -> Iterator[tuple[str, str]]:
    """Rows of the table: each estimate, then how the run went."""
    for name, value in result.estimates.items():
        yield name, f"{value:.4g}" if isinstance(value, float) else str(value)
    if result.steps:
        yield "kept", f"step {result.step} of {result.steps}"
    yield "stopped", result.reason
    yield "seconds", f"{result.seconds:.1f}"
