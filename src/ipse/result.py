"""What the library's functions return: the image, as the input came, and details of the run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipse import pictures
from ipse.images import Back
from ipse.pictures import Picture, exhibit
from ipse.streams import restoration


@dataclass(frozen=True, kw_only=True)
class Result(restoration.Result):
    """A restored image, with details of the run."""

    back: Back = Picture.to_array
    #: the damaged picture, for display
    before: Picture | None = field(default=None, repr=False, compare=False)

    @property
    def image(self) -> Any:
        """The restored image, of the same kind, dtype and layout as the input."""
        return self.back(self.picture)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the picture with all its metadata; raises OutputError if the place or the format cannot take it."""
        pictures.write(self.picture, path, overwrite=overwrite)

    def _repr_html_(self) -> str:
        """Before, after, and estimates, for a notebook."""
        return exhibit.html(self, self.before)

    def _repr_png_(self) -> bytes:
        """Before and after, for notebooks that cannot show HTML."""
        return exhibit.png(self, self.before)
