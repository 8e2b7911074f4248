"""y = m ⊙ x: decide from a picture of a mask which pixels are known (m = 1) and which to fill (m = 0).

People draw masks both ways: white on what is to be filled (editors), white on what is known (the paper's
files). The picture decides where it can: pixels that were lost are usually of one colour, and that colour
ends where the mask does. Where it cannot, the smaller part is the one to fill.

Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior" (2018), https://arxiv.org/abs/1711.10925.
"""

from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike

from ipse.errors import MaskError, OptionError, PictureError
from ipse.pictures.files import Source
from ipse.pictures.marks import Marks, stored, ways
from ipse.pictures.picture import Picture
from ipse.pictures.polarity import Parts, Polarity, decide
from ipse.pictures.read import read
from ipse.pictures.shown import Flags, Shown

__all__ = ["Known", "Mask", "Polarity", "known_of", "mask_for", "mask_of", "read_mask", "stored"]

OPPOSITE = {"white": "black", "opaque": "clear"}


@dataclass(frozen=True, eq=False)
class Mask:
    """A mask that matches its picture.

    Attributes:
        known: (H, W), True for known pixels, which stay unchanged.
        inverted: True if white (or opaque) marks the known pixels, as in the paper's files.
        said: one sentence that says what was interpreted as the hole, its share, and the reason.
    """

    known: Flags
    inverted: bool
    said: str

    @property
    def share(self) -> float:
        """Fraction of the pixels to fill, from 0 to 1."""
        return 1.0 - float(self.known.mean())

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.known.shape[0], self.known.shape[1]

    def __getitem__(self, place: tuple[slice, slice]) -> Flags:
        """A window of ``known``."""
        return self.known[place]

    @property
    def estimates(self) -> dict[str, Any]:
        """What a receipt says of it."""
        return {"mask": self.said, "missing": round(self.share, 4)}


@dataclass(frozen=True, eq=False)
class Known:
    """A mask that is read window by window: ``known[rows, columns]`` is a window of it.

    Attributes:
        marks: where the mask is white.
        inverted: see ``Mask``.
        share: see ``Mask``.
        said: see ``Mask``.
        margin: largest difference from the value of known pixels that still counts as known.
    """

    marks: Marks
    inverted: bool
    share: float
    said: str
    margin: float

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the picture."""
        return self.marks.size

    def __getitem__(self, place: tuple[slice, slice]) -> Flags:
        """A window (h, w), True for known pixels; both slices must have an explicit start and stop."""
        return np.ascontiguousarray(~self.marks.hole(*place, inverted=self.inverted, margin=self.margin))

    @property
    def estimates(self) -> dict[str, Any]:
        """What a receipt says of it."""
        return {"mask": self.said, "missing": round(self.share, 4)}


def read_mask(source: Source, picture: Picture, *, polarity: Polarity = "auto") -> Mask:
    """Read a mask from a picture file; see ``mask_of``.

    Raises:
        MaskError: the file is not a picture, or does not match.
        OptionError: for an unknown polarity.
    """
    try:
        mask = read(source)
    except PictureError as error:
        raise MaskError(f"mask {error}") from None
    return mask_of(mask, picture, polarity=polarity)


def mask_for(array: ArrayLike, picture: Picture, *, polarity: Polarity = "auto") -> Mask:
    """Make a mask from an array (H, W) or (H, W, C), booleans, integers or floats; see ``mask_of``.

    Raises:
        MaskError: the array is not a mask, or does not match.
        OptionError: the polarity is unknown.
    """
    try:
        mask = Picture.from_array(array, name="the mask")
    except PictureError as error:
        raise MaskError(str(error)) from None
    return mask_of(mask, picture, polarity=polarity)


def mask_of(mask: Picture, picture: Picture, *, polarity: Polarity = "auto") -> Mask:
    """Decide which pixels are known according to a picture of a mask.

    Gray, colour, palette, 1-bit, 8- or 16-bit; transparency where the colour is the same all over. Two values
    are told apart whatever they are; of more, all that is not wholly known is filled: half a brush's edge hides half
    a pixel. A mask drawn on the upright view of a picture with an orientation tag is turned to the stored pixels. A
    mask that shows the picture itself marks where it differs, or is clear.

    Args:
        mask: the mask, of the picture's size.
        picture: the picture it belongs to.
        polarity: the meaning of white; "auto" decides from the picture and gives the reason.

    Raises:
        MaskError: the sizes differ, or no pixel or all of them are marked.
        OptionError: the polarity is unknown.
    """
    found = known_of(mask, picture, picture.orientation, polarity=polarity)
    height, width = picture.size
    return Mask(found[slice(0, height), slice(0, width)], found.inverted, found.said)


def known_of(mask: Shown, picture: Shown, orientation: int = 1, *, polarity: Polarity = "auto") -> Known:
    """Like ``mask_of``, for a mask and a picture that may be read window by window; both are analysed in bands.

    Args:
        mask: see ``mask_of``.
        picture: see ``mask_of``.
        orientation: the picture's EXIF orientation.
        polarity: see ``mask_of``.

    Raises:
        MaskError: see ``mask_of``.
        OptionError: see ``mask_of``.
    """
    if polarity not in (choices := get_args(Polarity)):
        raise OptionError(f"polarity {polarity!r} is unknown; expected one of {', '.join(choices)}")
    seen = _placed(mask, picture, orientation)
    marks, share = seen.marks, seen.share
    word = marks.word
    if share in (0, 1):
        said = f"the mask is {word if share else OPPOSITE[word]} all over"
        raise MaskError(f"{mask.name}: {said}; expected a mark on the pixels to fill; paint one")
    itself = marks.kind == "difference"
    inverted, why = (False, "the mask shows the picture") if itself else decide(seen, polarity)
    margin = seen.margin(inverted)
    missing = seen.covered(inverted, margin)
    if missing == 1:
        raise MaskError(
            f"{mask.name}: the mask marks every pixel, so none is known; expected a mark on a part; paint one"
        )
    said = f"{OPPOSITE[word] if inverted else word} marks the pixels to fill: {_percent(missing)}"
    said += f" of the picture ({why})" + _notes(seen.soft, turned=marks.orientation > 1)
    return Known(marks, inverted, missing, said, margin)


def _placed(mask: Shown, picture: Shown, orientation: int) -> Parts:
    """Determine the mask's orientation. If upright and stored pictures have the same size, lost pixels decide."""
    own = mask.metadata.orientation
    found = [Parts(Marks.of(mask, picture, way), picture) for way in ways(mask, picture, orientation, own)]
    if len(found) == 1:
        return found[0]
    telling = (one for one in found if one.share not in (0, 1) and one.tells)
    return next(telling, found[0])


def _notes(soft: float, *, turned: bool) -> str:
    softly = f"; {_percent(soft)} are soft values, filled too" if soft > 0 else ""
    return softly + ("; turned to the picture's stored orientation" if turned else "")


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if 0 < share < 0.1 else f"{100 * share:.1f} %"
