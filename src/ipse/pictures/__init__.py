"""Pictures: a file's samples as pixels in [0, 1], with all metadata that must be preserved. NumPy only."""

from ipse.pictures.files import read_bytes, write_bytes
from ipse.pictures.formats import FORMATS, FileFormat, check_target, format_for
from ipse.pictures.jpeg import JpegComponent, JpegInfo, jpeg_info, standard_table
from ipse.pictures.levels import Levels
from ipse.pictures.mask import Known, Mask, known_of, mask_for, mask_of, read_mask
from ipse.pictures.metadata import Metadata
from ipse.pictures.picture import Picture
from ipse.pictures.pillow import from_pil, to_pil
from ipse.pictures.psf import disc, line, psf_of, read_psf
from ipse.pictures.read import LIMIT, able, read
from ipse.pictures.write import check_encoding, encode, write

from_array, to_array = Picture.from_array, Picture.to_array

__all__ = [
    "FORMATS",
    "LIMIT",
    "FileFormat",
    "JpegComponent",
    "JpegInfo",
    "Known",
    "Levels",
    "Mask",
    "Metadata",
    "Picture",
    "able",
    "check_encoding",
    "check_target",
    "disc",
    "encode",
    "format_for",
    "from_array",
    "from_pil",
    "jpeg_info",
    "known_of",
    "line",
    "mask_for",
    "mask_of",
    "psf_of",
    "read",
    "read_bytes",
    "read_mask",
    "read_psf",
    "standard_table",
    "to_array",
    "to_pil",
    "write",
    "write_bytes",
]
