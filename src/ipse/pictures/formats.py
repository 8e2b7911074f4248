"""Which file formats can store which pictures, checked before a fit starts."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ipse.errors import OutputError
from ipse.pictures.files import check_place, is_stream
from ipse.pictures.heif import check_heif
from ipse.pictures.picture import Picture

EIGHT = frozenset({"bool", "uint8"})
SCREEN = frozenset({"gray", "rgb", "palette"})


@dataclass(frozen=True)
class FileFormat:
    """The capabilities of a file format.

    Attributes:
        name: Pillow's name of the format.
        suffixes: file suffixes, the usual one first.
        types: sample types; None for any.
        models: colour models.
        alpha: "none", "binary" (clear or opaque) or "full".
        side: the maximum side in pixels.
    """

    name: str
    suffixes: tuple[str, ...]
    types: frozenset[str] | None = EIGHT
    models: frozenset[str] = SCREEN
    alpha: str = "none"
    side: int = 2**31 - 1

    def holds(self, picture: Picture) -> bool:
        """Whether the format can store the picture's samples, colours and alpha without loss."""
        typed = self.types is None or picture.dtype.name in self.types
        return typed and picture.model in self.models and self._holds_alpha(picture)

    def _holds_alpha(self, picture: Picture) -> bool:
        if picture.alpha is None or self.alpha == "full":
            return True
        if self.alpha == "none":
            return False
        clear = np.unique(picture.alpha)
        return picture.model == "palette" and bool(np.isin(clear, (0, 255)).all())


FORMATS = (
    FileFormat("PNG", (".png",), EIGHT | {"uint16"}, alpha="full"),
    FileFormat("TIFF", (".tif", ".tiff"), None, SCREEN | {"cmyk", "lab", "channels"}, "full"),
    FileFormat("WEBP", (".webp",), alpha="full", side=16383),
    FileFormat("AVIF", (".avif",), alpha="full", side=65535),
    FileFormat("HEIF", (".heic", ".heif"), alpha="full", side=65535),
    FileFormat("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), models=SCREEN | {"cmyk"}, side=65500),
    FileFormat("BMP", (".bmp",)),
    FileFormat("GIF", (".gif",), models=frozenset({"gray", "palette"}), alpha="binary", side=65535),
    FileFormat("PPM", (".ppm", ".pgm", ".pbm", ".pnm")),
    FileFormat("TGA", (".tga",), alpha="full", side=65535),
    FileFormat("NPY", (".npy",), None, SCREEN - {"palette"} | {"channels"}, "full"),
)
BY_SUFFIX = {suffix: form for form in FORMATS for suffix in form.suffixes}
BY_NAME = {form.name: form for form in FORMATS}


def format_for(picture: Picture, target: str | Path, *, format: str | None = None) -> FileFormat:
    """Choose the file format: ``format`` if given, else the target's suffix; for "-" the picture's own.

    Raises:
        OutputError: the name or suffix is not a format that ipse writes.
    """
    if format is not None:
        return _named(format)
    if not is_stream(target):
        suffix = Path(target).suffix.lower()
        if suffix in BY_SUFFIX:
            return BY_SUFFIX[suffix]
        said = f"the suffix {suffix!r} is not a picture format" if suffix else "the name has no suffix"
        raise OutputError(f"{target}: {said}; expected one of {_suffixes(FORMATS)}")
    own = BY_NAME.get(picture.format or "PNG", BY_NAME["PNG"])
    return own if own.holds(picture) else next(form for form in FORMATS if form.holds(picture))


def check_target(
    picture: Picture,
    target: str | Path,
    *,
    overwrite: bool = False,
    format: str | None = None,
    size: tuple[int, int] | None = None,
) -> str:
    """Check, before any work, that a picture of this kind can be written to ``target``, without changing anything.

    Args:
        picture: the picture to restore; the result has its type, colours and alpha.
        target: path of the output, or "-" for standard output.
        overwrite: whether an existing file may be replaced.
        format: file format; by default chosen by the suffix.
        size: (H, W) of the result; by default the picture's size.

    Returns:
        The name of the file format.

    Raises:
        OutputError: the path or the format is not possible for the result.
    """
    form = format_for(picture, target, format=format)
    _check_kind(picture, target, form, size or picture.size)
    if not is_stream(target):
        check_place(Path(target), overwrite=overwrite)
    return form.name


def _check_kind(picture: Picture, target: str | Path, form: FileFormat, size: tuple[int, int]) -> None:
    if not form.holds(picture):
        fit = _suffixes(tuple(other for other in FORMATS if other.holds(picture)))
        raise OutputError(f"{target}: {form.name} cannot hold {picture.mode} pictures; expected one of {fit}")
    if form.name == "HEIF":
        check_heif(target)
    height, width = size
    if max(height, width) > form.side:
        raise OutputError(
            f"{target}: {form.name} holds at most {form.side} pixels a side, not {width}×{height}; "
            "expected .png or .tif"
        )


def _named(name: str) -> FileFormat:
    form = BY_NAME.get(name.upper()) or BY_SUFFIX.get("." + name.lower().lstrip("."))
    if form is None:
        names = ", ".join(BY_NAME)
        raise OutputError(f"format {name!r} is not one that ipse writes; expected one of {names}")
    return form


def _suffixes(forms: tuple[FileFormat, ...]) -> str:
    return ", ".join(form.suffixes[0] for form in forms)
