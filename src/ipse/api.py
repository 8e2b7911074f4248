"""x* = restore(y): the library's face, a function for each task.

Every function takes one image and gives the same kind back as ``result.image``:

- an array (H, W) or (H, W, C), any real dtype; ``channel_axis`` says where channels are, as in scikit-image. Of four
  the last is alpha, and carried, if ``alpha`` says so or it looks so (mostly clear or opaque, or smooth). Samples that
  are masked (``numpy.ma``) are not looked at, and come back as they were
- a PIL image of any mode
- a tensor (H, W), (C, H, W) or (1, C, H, W), on any device
- a path, or an ``ipse.Picture``: the image is a ``Picture``, which ``result.save`` writes with its metadata

Integers are restored within the range of their type; floats within [0, 1], or within their own range where
they leave it. To watch a run, or to leave it early, pull its stream:

    restoration = ipse.Restoration(ipse.Picture.from_array(image), "denoise")
    for event in restoration:
        ...
    result = restoration.result()

Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior" (2018), https://arxiv.org/abs/1711.10925.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypedDict, Unpack

from ipse import pictures, tasks
from ipse.errors import OptionError, nearest
from ipse.images import Back, ImageLike, array_of, taken
from ipse.pictures import Picture, exhibit
from ipse.runs.job import BLANK
from ipse.settings import Latent, Precision, Preset, RuleName, Settings
from ipse.streams import restoration as engine
from ipse.streams.open import restore as restored
from ipse.tasks.denoise import Kind
from ipse.tasks.inpaint import Polarity
from ipse.tasks.upscale import Kernel


class Common(TypedDict, total=False):
    """What every function can be told: the fields of ``Settings``, and what the channels of an array are."""

    preset: Preset
    seed: int
    seeds: int
    device: str
    steps: int | None
    seconds: float | None
    precision: Precision
    rule: RuleName | None
    latent: Latent | None
    tile: int | None
    network: str | None
    channel_axis: int | None
    alpha: bool | None


@dataclass(frozen=True, kw_only=True)
class Result(engine.Result):
    """A restored image, and how it came about."""

    back: Back = Picture.to_array
    before: Picture | None = field(
        default=None, repr=False, compare=False
    )  #: the damaged picture, to be shown

    @property
    def image(self) -> Any:
        """The restored image, of the kind, dtype and layout that was given."""
        return self.back(self.picture)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the picture, with all that it carries.

        Raises:
            OutputError: the place or the format cannot take it.
        """
        pictures.write(self.picture, path, overwrite=overwrite)

    def _repr_html_(self) -> str:
        """Before, after, and what was found, in a notebook."""
        return exhibit.html(self, self.before)

    def _repr_png_(self) -> bytes:
        """Before and after, where a notebook cannot show HTML."""
        return exhibit.png(self, self.before)


def enhance(image: ImageLike, **common: Unpack[Common]) -> Result:
    """Find out what is wrong with an image (noise of any kind, impulses, JPEG), and repair it; as ``ipse enhance``.

    Args and errors are those of `dejpeg`, less the quality: of a path the JPEG's own tables are used.
    """
    return restore(image, "enhance", **common)


def denoise(
    image: ImageLike, *, sigma: float | None = None, noise: Kind = "auto", **common: Unpack[Common]
) -> Result:
    """Take noise out of an image: Gaussian, Poisson, speckle, …, of unknown strength by default.

    Args:
        image: y; see above for kinds and ranges.
        sigma: standard deviation of the noise on the scale 0 to 255, whatever the dtype; None estimates it.
        noise: "gaussian", "poisson", "speckle" or "salt-and-pepper"; "auto" finds out.
        **common: the fields of ``Settings``, ``channel_axis`` and ``alpha``.

    Raises:
        OptionError: a value that cannot be used.
        PictureError: the image is no usable picture.
    """
    return restore(image, "denoise", sigma=sigma, noise=noise, **common)


def dejpeg(image: ImageLike, *, quality: int | None = None, **common: Unpack[Common]) -> Result:
    """Take the blocks, ringing and lost detail of JPEG out of an image.

    Args:
        image: y; of a path or a PIL image that was opened from a file, the file's own tables are used.
        quality: IJG quality 1 to 100, for an image that has lost its tables.
        **common: the fields of ``Settings``, ``channel_axis`` and ``alpha``.

    Raises:
        OptionError: a value that cannot be used.
        PictureError: the image is no usable picture.
    """
    return restore(image, "dejpeg", quality=quality, **common)


def inpaint(
    image: ImageLike, *, mask: ImageLike, polarity: Polarity = "auto", **common: Unpack[Common]
) -> Result:
    """Fill what a mask marks; all other samples come back bit by bit.

    Args:
        image: y; see above for kinds and ranges.
        mask: (H, W), of any of these kinds: what is to be filled, or what is known.
        polarity: what white, or True, marks; "auto" decides by the image, and ``result.estimates`` says how.
        **common: the fields of ``Settings``, ``channel_axis`` and ``alpha``.

    Raises:
        MaskError: the mask does not fit the image, or marks nothing or everything.
        OptionError: a value that cannot be used.
        PictureError: the image is no usable picture.
    """
    return restore(image, "inpaint", mask=array_of(mask), polarity=polarity, **common)


def upscale(image: ImageLike, *, factor: int, kernel: Kernel = "bicubic", **common: Unpack[Common]) -> Result:
    """Enlarge an image so that, made small again, it is the one given.

    Args:
        image: y (H, W); the result is (factor · H, factor · W).
        factor: how many times larger each side becomes, 2 to 8.
        kernel: how the image was made small.
        **common: the fields of ``Settings``, ``channel_axis`` and ``alpha``.

    Raises:
        OptionError: a value that cannot be used.
        PictureError: the image is no usable picture.
    """
    return restore(image, "upscale", factor=factor, kernel=kernel, **common)


def flash(image: ImageLike, *, flash: ImageLike, **common: Unpack[Common]) -> Result:
    """Take the noise out of a photo without flash by one of the same scene with flash.

    Args:
        image: y, without flash; its light stays.
        flash: the photo with flash, of the same size but for a few pixels.
        **common: the fields of ``Settings`` but ``latent``, ``channel_axis`` and ``alpha``.

    Raises:
        OptionError: a value that cannot be used.
        PictureError: an image is no usable picture, or their sizes do not match.
    """
    return restore(image, "flash", flash=array_of(flash), **common)


def compare_priors(image: ImageLike, *, factor: int = 4, **common: Unpack[Common]) -> Result:
    """Enlarge an image by free pixels, by total variation and by the network.

    Args:
        image: y (H, W); the result is (factor · H, 3 · factor · W): ``numpy.split(result.image, 3, axis=1)``.
        factor: how many times larger each side becomes, 2 to 8.
        **common: the fields of ``Settings``, ``channel_axis`` and ``alpha``.

    Raises:
        OptionError: a value that cannot be used.
        PictureError: the image is no usable picture.
    """
    return restore(image, "compare-priors", factor=factor, **common)


def invert(
    image: ImageLike,
    *,
    layer: str,
    model: str | None = None,
    weights: Path | None = None,
    **common: Unpack[Common],
) -> Result:
    """Draw an image that a trained model cannot tell from the one given.

    Args:
        image: y, gray or RGB; the result has the model's size.
        layer: the layer whose features are kept; several with commas.
        model: one of ``ipse.models.names()``; None is the default.
        weights: a file of its weights; see ``ipse.models.load``.
        **common: the fields of ``Settings``, ``channel_axis`` and ``alpha``.

    Raises:
        OptionError: an unknown model or layer, or weights that are not there.
        PictureError: the image is no usable picture.
    """
    return restore(image, "invert", layer=layer, model=model, weights=weights, **common)


def maximise(wanted: str | tuple[str, int], **given: Any) -> Result:
    """Draw the RGB image (H, W, 3), uint8, that excites a class or a channel of a trained model the most.

    Args:
        wanted: a class, by name or number, or (layer, channel).
        **given: ``window``, ``model``, ``weights`` and ``prior`` of the task, and the fields of ``Settings``.

    Raises:
        OptionError: an unknown model, class, layer or channel, or weights that are not there.
    """
    named = (
        {"class_": wanted}
        if isinstance(wanted, str)
        else dict(zip(("layer", "channel"), wanted, strict=True))
    )
    return restore(BLANK, "maximise", **named, **given)


def restore(image: ImageLike, task: str = "restore", **given: Any) -> Result:
    """Restore an image by the task of that name.

    Args:
        image: the damaged image; see above.
        task: any there is; "restore" undoes what ``mask``, ``psf`` and ``factor`` tell, all at once.
        **given: the task's own options, the fields of ``Settings``, ``channel_axis`` and ``alpha``.

    Raises:
        OptionError: an option that the task does not have, or a value that it cannot use.
        PictureError: the image is no usable picture.
    """
    from ipse.runs.plan import check_memory

    own = {one.name: one for one in tasks.options(task)}
    shared = {one.name: one for one in tasks.shared_options()}
    for name in given.keys() - own.keys() - shared.keys() - {"channel_axis", "alpha"}:
        raise OptionError(f"option {name!r} is unknown to {task}: {nearest(name, [*own, *shared])}")
    settings = Settings(**{name: one.checked(given[name]) for name, one in shared.items() if name in given})
    picture, back = taken(image, channel_axis=given.get("channel_axis"), alpha=given.get("alpha"))
    told = {name: one.checked(given[name]) for name, one in own.items() if name in given}
    check_memory(picture, task, settings, told)
    result = restored(picture, task, settings, told)
    before = None if image is BLANK else picture
    return Result(**{f.name: getattr(result, f.name) for f in fields(result)}, back=back, before=before)
