"""Open a file as a source; the format is detected from the content."""

from pathlib import Path

from ipse.errors import PictureError
from ipse.pictures.large.source import Source
from ipse.pictures.png import SIGNATURE
from ipse.pictures.read import DAMAGE
from ipse.pictures.tiff import MAGIC

SMALL = 1 << 16  # smaller files, in bytes, cannot contain a large picture
SMALL_OTHER = 1 << 19  # the same for formats that compress less than PNG


def size_of(path: Path) -> tuple[int, int] | None:
    """Return (H, W) from the header; None for small files, and for formats that cannot be read window by window."""
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
    except DAMAGE:  # reading the picture will report the error
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
    """Open a picture for reading window by window; None if its samples would have to be converted.

    Args:
        path: a file, or a zarr folder.
        coefficients: whether to include the quantisation of a JPEG file.

    Raises:
        PictureError: the file is damaged, or not a picture.
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
    except DAMAGE:  # reading the complete picture will report the error
        return None
    return None if found is None else found.measured()


def is_zarr(path: Path) -> bool:
    """Whether a path has the name of a zarr store."""
    return path.suffix.lower() == ".zarr"
