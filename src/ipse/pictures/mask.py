"""y = m ⊙ x: which pixels are known (m = 1) and which are to be filled (m = 0), from any picture of a mask.

People draw masks both ways: white on what is to be filled (editors), white on what is known (the paper's
files). The picture decides where it can: pixels that were lost are usually of one colour, and that colour
ends where the mask does. Where it cannot, the smaller part is the one to fill.

Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior" (2018), https://arxiv.org/abs/1711.10925.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipse.errors import MaskError, OptionError, PictureError
from ipse.pictures.files import Source
from ipse.pictures.levels import Pixels
from ipse.pictures.picture import Picture
from ipse.pictures.read import read

Flags = NDArray[np.bool_]
Polarity = Literal["auto", "white-is-hole", "white-is-known"]
POLARITIES = ("auto", "white-is-hole", "white-is-known")

OPPOSITE = {"white": "black", "opaque": "clear"}
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SOFT = (0.1, 0.9)  # between them a value is neither black nor white
SAME = 2.5 / 255  # colours no further apart are one colour
ONE_COLOUR = 0.95  # share of a region that makes it "of one colour" …
VARIED = 0.8  # … and share below which it is not


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
    are told apart whatever they are; more are split at half scale. A mask drawn on the upright view of a
    picture with an orientation tag is turned to the stored pixels.

    Args:
        mask: the mask, of the picture's size.
        picture: the picture it belongs to.
        polarity: what white marks; "auto" decides by the picture and says why.

    Raises:
        MaskError: if the sizes differ, or nothing or everything is marked.
        OptionError: for an unknown polarity.
    """
    if polarity not in POLARITIES:
        raise OptionError(f"polarity {polarity!r} is unknown; expected one of {', '.join(POLARITIES)}")
    values, word = _values(mask)
    values, turned = _fitted(values, mask, picture)
    white, soft = _split(values)
    if white.all() or not white.any():
        said = f"the mask is {word if white.all() else OPPOSITE[word]} all over"
        raise MaskError(f"{mask.name}: {said}; expected a mark on the pixels to fill; paint one")
    inverted, why = _decide(white, picture.pixels, polarity)
    known = np.ascontiguousarray(white if inverted else ~white)
    said = f"{OPPOSITE[word] if inverted else word} marks the pixels to fill: {_percent(1 - known.mean())}"
    said += f" of the picture ({why})" + _notes(soft, turned=turned)
    return Mask(known, inverted, said)


def _notes(soft: float, *, turned: bool) -> str:
    softly = f"; {_percent(soft)} are soft values, split at half" if soft > 0 else ""
    return softly + ("; turned to the picture's stored orientation" if turned else "")


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if 0 < share < 0.1 else f"{100 * share:.1f} %"


def _values(mask: Picture) -> tuple[NDArray[np.float32], str]:
    """The mark in [0, 1] as (H, W), and what its high end is called."""
    pixels = mask.pixels
    varied = not np.array_equal(pixels, np.broadcast_to(pixels[:, :1, :1], pixels.shape))
    alpha = mask.alpha
    if alpha is not None:
        opacity = alpha.astype(np.float32) / max(float(alpha.max()), 1.0)
        if not varied or _hidden_only(pixels, opacity):
            return opacity, "opaque"
        pixels = pixels * opacity
    if pixels.shape[0] != 3:
        return pixels.mean(axis=0), "white"
    gray: NDArray[np.float32] = np.einsum("c,chw->hw", LUMA, pixels)
    # Saturated paint on black is dark in luma: blue is 0.11. Then the strongest channel says what is marked.
    return (gray if gray.max() > 0.5 else pixels.max(axis=0)), "white"


def _hidden_only(pixels: Pixels, opacity: NDArray[np.float32]) -> bool:
    """Whether the colour varies only where it cannot be seen."""
    seen = pixels[:, opacity > 0]
    return bool(opacity.min() < opacity.max() and seen.size and (seen == seen[:, :1]).all())


def _split(values: NDArray[np.float32]) -> tuple[Flags, float]:
    """White or not, and the share of values that are neither."""
    low, high = float(values.min()), float(values.max())
    if not np.any((values > low) & (values < high)):
        # Two values: 0 and 1 of 255 are a mask as much as 0 and 255 are. One value: its half of the scale.
        return (values == high if low < high else values >= 0.5), 0.0
    if high <= 0.5 or low >= 0.5:  # a dim mask has its own half scale
        values = (values - low) / (high - low)
    return values >= 0.5, float(np.mean((values > SOFT[0]) & (values < SOFT[1])))


def _fitted(values: NDArray[np.float32], mask: Picture, picture: Picture) -> tuple[NDArray[np.float32], bool]:
    """The mask at the picture's size, and whether it had to be turned."""
    if values.shape == picture.size:
        return values, False
    if picture.orientation >= 5 and values.shape == picture.size[::-1]:
        return stored(values, picture.orientation), True
    (height, width), (high, wide) = picture.size, values.shape
    raise MaskError(
        f"{mask.name}: the mask has {wide}×{high} pixels, the picture {width}×{height}; "
        "expected the same; make the mask on this picture"
    )


def stored(upright: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Undo an EXIF orientation: from the view (H', W') to the pixels as stored."""
    if orientation in (5, 6, 7, 8):  # the view has the stored columns as its rows
        upright = upright.T
    across = orientation in (2, 3, 7, 8)
    down = orientation in (3, 4, 6, 7)
    return upright[:: -1 if down else 1, :: -1 if across else 1]


def _decide(white: Flags, pixels: Pixels, polarity: Polarity) -> tuple[bool, str]:
    """Whether white is known, and why."""
    if polarity != "auto":
        return polarity == "white-is-known", "as told"
    light, dark = _one_colour(white, pixels), _one_colour(~white, pixels)
    if light and not dark:
        return False, "the picture is of one colour there"
    if dark and not light:
        return True, "the picture is of one colour there"
    share = float(white.mean())
    if share == 0.5:
        return False, "a guess: both parts are equal; set the polarity if it is wrong"
    return share > 0.5, "the smaller part"


def _one_colour(region: Flags, pixels: Pixels) -> bool:
    """Whether a region looks lost: of one colour, unlike the rest; the larger only if it ends there."""
    colour = np.median(pixels[:, region], axis=1)[:, None, None]
    same: Flags = np.asarray((np.abs(pixels - colour) <= SAME).all(axis=0))
    if same[region].mean() < ONE_COLOUR or same[~region].mean() > VARIED:
        return False
    if region.mean() <= 0.5:
        return True
    # A plain background is of one colour too, but goes on under the brush that marks what stands before it.
    edge = _beside(region) & ~region
    return bool(same[edge].mean() < 0.5)


def _beside(region: Flags) -> Flags:
    """The region grown by one pixel."""
    grown = region.copy()
    grown[1:] |= region[:-1]
    grown[:-1] |= region[1:]
    grown[:, 1:] |= region[:, :-1]
    grown[:, :-1] |= region[:, 1:]
    return grown
