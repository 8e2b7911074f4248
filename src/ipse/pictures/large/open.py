"""A path to a source: judged by its content."""

from pathlib import Path

from ipse.errors import PictureError
from ipse.pictures.large.source import Source
from ipse.pictures.png import SIGNATURE
from ipse.pictures.read import DAMAGE
from ipse.pictures.tiff import MAGIC

SMALL = 1 << 16  # bytes: fewer hold no picture that is large for a computer
SMALL_OTHER = 1 << 19  # the same, of formats that pack less than PNG


def size_of(path: Path) -> tuple[int, int] | None:
    """Return (H, W) of a picture by its header; None of small files, and of what has no windows."""
    if is_zarr(path):
        from ipse.pictures.large.zarr import zarr_size

        return zarr_size(path)
    try:
        length = path.stat().st_size if path.is_file() else 0
        if length < SMALL:
            return None
        with path.open("rb") as file:
            head = file.read(24)
        return _size(path, head, length)
    except DAMAGE:  # what is wrong with it is said by who reads it
        return None


def _size(path: Path, head: bytes, length: int) -> tuple[int, int] | None:
    from ipse.pictures.large.vips import header_size, png_size

    if head[:8] == SIGNATURE:
        return png_size(head)
    if head[:4] in MAGIC:
        import tifffile

        with tifffile.TiffFile(path) as tif:
            page = tif.pages[0]
            return int(page.shape[page.axes.index("Y")]), int(page.shape[page.axes.index("X")])
    return header_size(path) if length >= SMALL_OTHER else None


def opened(path: Path, *, coefficients: bool = False) -> Source | None:
    """Open a picture for windows; None where its samples cannot be taken as they are.

    Args:
        path: a file, or a zarr folder.
        coefficients: of a JPEG file, take along what it knows of its own quantisation.

    Raises:
        PictureError: it is damaged, or holds what is no picture.
    """
    from ipse.pictures.large.tiff import tiff_source
    from ipse.pictures.large.vips import vips_source

    if is_zarr(path):
        from ipse.pictures.large.zarr import zarr_source

        return zarr_source(path).measured()
    with path.open("rb") as file:
        is_tiff = file.read(4) in MAGIC
    try:
        found = (tiff_source(path) if is_tiff else None) or vips_source(path, coefficients=coefficients)
    except PictureError:
        raise
    except DAMAGE:  # what is wrong with it is said by who reads it whole
        return None
    return None if found is None else found.measured()


def is_zarr(path: Path) -> bool:
    """Whether a path is named as a zarr store is."""
    return path.suffix.lower() == ".zarr"
