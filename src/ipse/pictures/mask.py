"""y = m ⊙ x: which pixels are known (m = 1) and which are to be filled (m = 0), from any picture of a mask.

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
    """A mask that fits its picture.

    Attributes:
        known: (H, W), True where pixels are known and must stay.
        inverted: True if white (or opaque) marks the known pixels, as in the paper's files.
        said: one sentence: what was taken for the hole, how much it is, and why.
    """

    known: Flags
    inverted: bool
    said: str

    @property
    def share(self) -> float:
        """Share of the picture that is to be filled, in 0 … 1."""
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
    """The same, never whole in memory: ``known[rows, columns]`` is a window of it.

    Attributes:
        marks: where the mask is white.
        inverted: as of a ``Mask``.
        share: as of a ``Mask``.
        said: as of a ``Mask``.
        margin: from what is known to what is to be filled; soft values lie beyond it.
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
        """A window (h, w), True where pixels are known; both slices have their ends."""
        return np.ascontiguousarray(~self.marks.hole(*place, inverted=self.inverted, margin=self.margin))

    @property
    def estimates(self) -> dict[str, Any]:
        """What a receipt says of it."""
        return {"mask": self.said, "missing": round(self.share, 4)}


def read_mask(source: Source, picture: Picture, *, polarity: Polarity = "auto") -> Mask:
    """Read a mask from a picture file; see ``mask_of``.

    Raises:
        MaskError: if it is no picture, or does not fit.
        OptionError: for an unknown polarity.
    """
    try:
        mask = read(source)
    except PictureError as error:
        raise MaskError(f"mask {error}") from None
    return mask_of(mask, picture, polarity=polarity)


def mask_for(array: ArrayLike, picture: Picture, *, polarity: Polarity = "auto") -> Mask:
    """Take a mask from an array (H, W) or (H, W, C), booleans, integers or floats; see ``mask_of``.

    Raises:
        MaskError: if it is no mask, or does not fit.
        OptionError: for an unknown polarity.
    """
    try:
        mask = Picture.from_array(array, name="the mask")
    except PictureError as error:
        raise MaskError(str(error)) from None
    return mask_of(mask, picture, polarity=polarity)


def mask_of(mask: Picture, picture: Picture, *, polarity: Polarity = "auto") -> Mask:
    """Decide which pixels a mask picture says are known.

    Gray, colour, palette, 1-bit, 8- or 16-bit; transparency where the colour is the same all over. Two values
    are told apart whatever they are; of more, all that is not wholly known is filled: half a brush's edge hides half
    a pixel. A mask drawn on the upright view of a picture with an orientation tag is turned to the stored pixels. A
    mask that shows the picture itself marks where it differs, or is clear.

    Args:
        mask: the mask, of the picture's size.
        picture: the picture it belongs to.
        polarity: what white marks; "auto" decides by the picture and says why.

    Raises:
        MaskError: if the sizes differ, or nothing or everything is marked.
        OptionError: for an unknown polarity.
    """
    found = known_of(mask, picture, picture.orientation, polarity=polarity)
    height, width = picture.size
    return Mask(found[slice(0, height), slice(0, width)], found.inverted, found.said)


def known_of(mask: Shown, picture: Shown, orientation: int = 1, *, polarity: Polarity = "auto") -> Known:
    """Decide the same of a mask and a picture that may both be seen through windows: all is looked at in bands.

    Args:
        mask: as of ``mask_of``.
        picture: as of ``mask_of``.
        orientation: the picture's EXIF orientation.
        polarity: as of ``mask_of``.

    Raises:
        MaskError: as ``mask_of``.
        OptionError: as ``mask_of``.
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
            f"{mask.name}: the mask leaves nothing that is known; expected a mark on a part; paint one"
        )
    said = f"{OPPOSITE[word] if inverted else word} marks the pixels to fill: {_percent(missing)}"
    said += f" of the picture ({why})" + _notes(seen.soft, turned=marks.orientation > 1)
    return Known(marks, inverted, missing, said, margin)


def _placed(mask: Shown, picture: Shown, orientation: int) -> Parts:
    """The mask as it lies: where people see it or the picture is stored may be the same size; lost pixels tell."""
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
