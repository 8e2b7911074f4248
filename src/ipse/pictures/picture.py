"""x = (s − offset) / gain: a picture's samples, their conversion to pixels and back, and its metadata.

A ``Picture`` keeps what was stored. The engine sees ``pixels``; ``like`` makes its result a picture of the same kind.
Arrays follow NumPy's conventions: (H, W) is gray, and one of three axes holds the channels.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipse.errors import PictureError
from ipse.pictures.jpeg import JpegInfo
from ipse.pictures.levels import Levels, Pixels, Samples, levels_of, resized
from ipse.pictures.metadata import Metadata
from ipse.pictures.palette import indexed, repainted

Flags = NDArray[np.bool_]

CHANNELS = {"gray": 1, "rgb": 3, "palette": 1, "cmyk": 4, "ycbcr": 3, "lab": 3, "hsv": 3}
PILLOW = {"rgb": "RGB", "palette": "P", "cmyk": "CMYK", "ycbcr": "YCbCr", "lab": "LAB", "hsv": "HSV"}


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as stored.

    Attributes:
        samples: colour or gray as stored, (H, W) or (H, W, C), any real type; for a palette picture, its indices.
        alpha: (H, W) in its own type, or None. It is preserved, never restored.
        model: "gray", "rgb", "palette", "cmyk", "ycbcr", "lab", "hsv", or "channels" for any number of them.
        palette: entries (K, 3) or, with alpha, (K, 4), uint8; None unless the model is "palette".
        metadata: profile, EXIF, XMP, resolution.
        format: the file format it came from ("PNG", "JPEG", …), or None.
        jpeg: the quantisation it went through, if it came from a JPEG file.
        levels: the mapping from samples to pixels; chosen from the samples if not given.
        frames: number of frames or pages of the file; this is the first.
        notes: remarks about the file for the user, phrased to follow its name.
        name: name for messages.
        channel_axis: the channel axis of ``to_array``.

    Raises:
        PictureError: no pixels, NaN or infinite samples, or shapes that do not match.
    """

    samples: Samples
    alpha: Samples | None = None
    model: str = "gray"
    palette: NDArray[np.uint8] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    format: str | None = None
    jpeg: JpegInfo | None = None
    levels: Levels | None = None
    frames: int = 1
    notes: tuple[str, ...] = ()
    name: str = "the picture"
    channel_axis: int | None = -1

    def __post_init__(self) -> None:
        found = levels_of(self.samples, name=self.name)
        if self.levels is None:
            object.__setattr__(self, "levels", found)
        shape, want = self.samples.shape, CHANNELS.get(self.model)
        count = shape[2] if len(shape) == 3 else 1
        if len(shape) not in (2, 3) or (want is not None and count != want):
            raise PictureError(f"{self.name}: samples of shape {shape} do not form a {self.model} picture")
        if self.alpha is not None and self.alpha.shape != shape[:2]:
            raise PictureError(
                f"{self.name}: alpha of shape {self.alpha.shape} on a picture of shape {shape}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) as stored, without applying the orientation."""
        return self.samples.shape[0], self.samples.shape[1]

    @property
    def channels(self) -> int:
        """C of ``pixels``; three for a palette picture."""
        return 3 if self.palette is not None else self.samples.shape[2] if self.samples.ndim == 3 else 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the stored samples."""
        return self.samples.dtype

    @property
    def orientation(self) -> int:
        """The EXIF orientation, 1 to 8."""
        return self.metadata.orientation

    @property
    def mode(self) -> str:
        """Pillow's mode ("1", "L", "I;16", "RGBA", "P", "F"); for kinds without one, a description with the type."""
        letter = "A" if self.alpha is not None and self.palette is None else ""
        if self.model == "gray" and not letter:
            gray = {"bool": "1", "uint8": "L", "uint16": "I;16", "int32": "I", "float32": "F"}
            if self.dtype.name in gray:
                return gray[self.dtype.name]
        name = {"gray": "L", "channels": f"{self.channels} channels "} | PILLOW
        depth = "" if self.dtype == np.uint8 else f";{self.dtype.name}"
        return f"{name[self.model]}{letter}{depth}".strip()

    @property
    def colours(self) -> Samples:
        """The samples, (H, W) or (H, W, C), with the palette applied."""
        return self.samples if self.palette is None else self.palette[self.samples][..., :3]

    @property
    def pixels(self) -> Pixels:
        """Float32 (C, H, W) in [0, 1]."""
        values = self._levels.pixels(self.colours)
        return np.ascontiguousarray(values[None] if values.ndim == 2 else np.moveaxis(values, -1, 0))

    @property
    def _levels(self) -> Levels:
        assert self.levels is not None  # set by __post_init__
        return self.levels

    def with_samples(self, samples: Samples) -> "Picture":
        """Return the picture with other samples, (H, W) or (H, W, C), of the same type."""
        return replace(self, samples=samples.astype(self.dtype, copy=False))

    def crop(self, rows: slice, columns: slice) -> "Picture":
        """Return a part of the picture, with its JPEG quantisation if it begins on whole blocks."""
        alpha = None if self.alpha is None else self.alpha[rows, columns]
        whole = rows.start % 32 == columns.start % 32 == 0
        jpeg = self.jpeg.crop(rows, columns) if self.jpeg is not None and whole else None
        return replace(self, samples=self.samples[rows, columns], alpha=alpha, jpeg=jpeg)

    def like(self, pixels: NDArray[np.floating[Any]], *, keep: Flags | None = None) -> "Picture":
        """Return a picture of the same kind with other pixels: clipped, rounded to the nearest level.

        A sample whose pixel did not change is the stored sample, bit by bit.

        Args:
            pixels: (C, H', W') in [0, 1]. Another size than the picture's is a resized result: alpha follows.
            keep: (H, W), True where the stored samples stay; only for the picture's own size.

        Raises:
            PictureError: if the channels' number or the shape of ``keep`` differs, or a pixel is not finite.
        """
        self._check_like(pixels, keep)
        if pixels.shape[1:] != self.size:
            return self._enlarged(pixels)
        held = np.zeros(self.size, np.bool_) if keep is None else keep
        if self.palette is not None:
            return self._repainted(pixels, held)
        samples = self._to_samples(pixels)
        stay = held if samples.ndim == 2 else held[..., None]
        if self.dtype.name not in ("uint8", "uint16"):  # wider than float32: what did not change must not
            stay = stay | self._unchanged(pixels).reshape(samples.shape)
        return replace(self, samples=np.where(stay, self.samples, samples), jpeg=None, frames=1)

    def _unchanged(self, pixels: NDArray[np.floating[Any]]) -> Flags:
        return np.moveaxis(pixels.astype(np.float32, copy=False) == self.pixels, 0, -1)

    def _check_like(self, pixels: NDArray[Any], keep: Flags | None) -> None:
        if pixels.ndim != 3 or pixels.shape[0] != self.channels or not pixels.size:
            raise PictureError(
                f"{self.name}: pixels of shape {pixels.shape} given; expected ({self.channels}, H, W)"
            )
        if keep is not None and (keep.shape != self.size or pixels.shape[1:] != self.size):
            raise PictureError(
                f"{self.name}: keep of shape {keep.shape} and pixels of shape {pixels.shape} given; "
                f"expected both of the picture's size {self.size}"
            )
        if not np.isfinite(pixels).all():
            raise PictureError(f"{self.name}: restored pixels hold NaN or infinity; expected finite numbers")

    def _to_samples(self, pixels: NDArray[np.floating[Any]]) -> Samples:
        """Quantise (C, H', W') to samples laid out like the picture's."""
        samples = self._levels.samples(np.moveaxis(pixels, 0, -1), self.dtype)
        return samples[..., 0] if self.samples.ndim == 2 and self.palette is None else samples

    def _repainted(self, pixels: NDArray[np.floating[Any]], held: Flags) -> "Picture":
        """A palette picture of the same size."""
        assert self.palette is not None
        if self._unchanged(pixels).all():
            return replace(self, jpeg=None, frames=1)
        samples, palette = repainted(
            self.samples, self.palette, self._to_samples(pixels), self.alpha, hold=held
        )
        return replace(self, samples=samples, palette=palette, jpeg=None, frames=1)

    def _enlarged(self, pixels: NDArray[np.floating[Any]]) -> "Picture":
        """A picture of another size; alpha and metadata follow."""
        height, width = pixels.shape[1:]
        samples, palette = self._to_samples(pixels), self.palette
        alpha = None if self.alpha is None else resized(self.alpha, height, width, smooth=palette is None)
        metadata = self.metadata.resized(width, height, of=self.size)
        if palette is not None:
            samples, palette = indexed(samples, palette, alpha)
        return replace(
            self, samples=samples, palette=palette, alpha=alpha, metadata=metadata, jpeg=None, frames=1
        )

    @classmethod
    def from_array(
        cls,
        array: ArrayLike,
        *,
        channel_axis: int | None = -1,
        alpha: bool | None = None,
        name: str = "the array",
    ) -> "Picture":
        """Make a picture from an array.

        Args:
            array: (H, W), or three axes of which ``channel_axis`` is the channels; integers, floats or booleans.
                A NumPy array is not copied unless necessary: do not write to it afterwards.
            channel_axis: the axis of the channels; None for a gray array (H, W). Arrays with two axes are always gray.
            alpha: whether the last channel is alpha; by default it is if there are four channels.
            name: the array's name for messages.

        Raises:
            PictureError: another number of axes, no pixels, other types, NaN or infinity.
        """
        samples = np.asarray(array)
        samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
        if samples.ndim == 2:
            return cls(samples, name=name, channel_axis=None)
        if samples.ndim != 3 or channel_axis is None or not -3 <= channel_axis < 3:
            want = "(H, W)" if channel_axis is None else "(H, W) or three axes with channel_axis one of them"
            raise PictureError(f"{name}: shape {samples.shape}, channel_axis {channel_axis}; expected {want}")
        samples = np.moveaxis(samples, channel_axis, -1)
        count = samples.shape[-1]
        opacity = None
        if count > 1 and (count == 4 if alpha is None else alpha):
            samples, opacity = samples[..., :-1], samples[..., -1]
            count -= 1
        model = {1: "gray", 3: "rgb"}.get(count, "channels")
        return cls(samples, alpha=opacity, model=model, name=name, channel_axis=channel_axis)

    def to_array(self) -> Samples:
        """Return the colours, with alpha as the last channel, in the layout given to ``from_array``."""
        colours = self.colours
        if self.alpha is not None:
            planes = colours[..., None] if colours.ndim == 2 else colours
            alpha = self.alpha[..., None].astype(planes.dtype, copy=False)
            colours = np.concatenate([planes, alpha], axis=-1)
        axis = -1 if self.channel_axis is None else self.channel_axis
        return np.ascontiguousarray(np.moveaxis(colours, -1, axis) if colours.ndim == 3 else colours)
