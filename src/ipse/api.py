"""x* = restore(y): the library's functions, one for each task.

Every function takes one image and returns the same kind of image as ``result.image``:

- an array (H, W) or (H, W, C), any real dtype; ``channel_axis`` is the axis of the channels, as in scikit-image. The
  last of four channels is alpha, which is kept unchanged, if ``alpha`` says so or it looks like alpha (mostly clear or
  opaque, or smooth). Masked samples (``numpy.ma``) are ignored and returned unchanged
- a PIL image of any mode
- a tensor (H, W), (C, H, W) or (1, C, H, W), on any device
- a path, or an ``ipse.Picture``: the image is a ``Picture``, which ``result.save`` writes with its metadata

Integers are restored within the range of their type; floats within [0, 1], or within their own range if they exceed
it. All functions also take the keywords of ``Common``: the fields of ``Settings``, ``channel_axis`` and ``alpha``.
They raise OptionError for a value that cannot be used, and PictureError for an image that is not a usable picture. To
watch a run, or to stop it early, iterate over a ``Restoration``.

Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior" (2018), https://arxiv.org/abs/1711.10925.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any, Unpack

from numpy.typing import ArrayLike
from torch import Tensor

from ipse import tasks
from ipse.errors import OptionError, nearest
from ipse.images import ImageLike, array_of, measured, taken
from ipse.pictures import Picture
from ipse.result import Result
from ipse.runs.job import BLANK
from ipse.settings import Common, Settings
from ipse.streams.open import restore as restored
from ipse.tasks.denoise import Kind
from ipse.tasks.inpaint import Find, Polarity
from ipse.tasks.upscale import Kernel


def enhance(image: ImageLike, *, factor: int = 1, **common: Unpack[Common]) -> Result:
    """Detect what is wrong with an image (noise of any kind, impulses, JPEG artefacts) and repair it.

    Args:
        image: as described above. For a path, the JPEG file's own tables are used.
        factor: scale factor of each side of the result, 1 to 8.
        common: see ``Common``.
    """
    return restore(image, "enhance", factor=factor, **common)


def denoise(
    image: ImageLike, *, sigma: float | None = None, noise: Kind = "auto", **common: Unpack[Common]
) -> Result:
    """Remove noise from an image: Gaussian, Poisson, speckle, …, of unknown level by default.

    Args:
        image: y; see above for kinds and ranges.
        sigma: standard deviation of the noise on the scale 0 to 255, whatever the dtype; None estimates it.
        noise: "gaussian", "poisson", "speckle" or "salt-and-pepper"; "auto" detects it.
    """
    return restore(image, "denoise", sigma=sigma, noise=noise, **common)


def dejpeg(image: ImageLike, *, quality: int | None = None, **common: Unpack[Common]) -> Result:
    """Remove JPEG artefacts (blocks and ringing) from an image and recover detail.

    Args:
        image: y; for a path, or a PIL image opened from a file, the file's own tables are used.
        quality: IJG quality, 1 to 100, for an image that is no longer a JPEG file; None estimates it.
    """
    return restore(image, "dejpeg", quality=quality, **common)


def inpaint(
    image: ImageLike,
    *,
    mask: ImageLike | None = None,
    find: Find | None = None,
    polarity: Polarity = "auto",
    **common: Unpack[Common],
) -> Result:
    """Fill the pixels marked by a mask, or damage that is found; all other samples stay bit-exact.

    Args:
        image: y; see above for kinds and ranges.
        mask: (H, W), of any of these kinds: marks the pixels to fill, or the known ones; else MaskError.
        find: "scratches" (and hairs) or "dust", instead; ``result.beside["mask"]`` is 1 where some was found.
        polarity: the meaning of white, or True; "auto" decides from the image, and ``result.estimates`` reports it.
    """
    told = None if mask is None else array_of(mask)
    return restore(image, "inpaint", mask=told, find=find, polarity=polarity, **common)


def upscale(image: ImageLike, *, factor: int, kernel: Kernel = "bicubic", **common: Unpack[Common]) -> Result:
    """Enlarge an image so that downsampling the result gives the input back.

    Args:
        image: y (H, W); the result is (factor · H, factor · W).
        factor: scale factor of each side, 2 to 8.
        kernel: the kernel that the image was downsampled with.
    """
    return restore(image, "upscale", factor=factor, kernel=kernel, **common)


def deblur(
    image: ImageLike,
    *,
    psf: ArrayLike | Path | None = None,
    defocus: float | None = None,
    motion: str | tuple[float, float] | None = None,
    sigma: float | None = None,
    **common: Unpack[Common],
) -> Result:
    """Sharpen a blurred image. Its blur kernel is found in the image unless given.

    Args:
        image: y; see above for kinds and ranges.
        psf: the kernel, if known: (K, L), its centre at (⌊K/2⌋, ⌊L/2⌋), or a file with it.
        defocus: radius in pixels of the disc of a lens out of focus, instead.
        motion: (length, angle) of straight motion, in pixels and degrees from the right, instead.
        sigma: standard deviation of the noise on the scale 0 to 255; None estimates it.

    Raises:
        PictureError: the image is not a usable picture, is smaller than the kernel, or has no edge.
    """
    return restore(image, "deblur", psf=psf, defocus=defocus, motion=motion, sigma=sigma, **common)


def reconstruct(measurement: ArrayLike | Tensor | Path | Picture, **given: Any) -> Result:
    """Reconstruct an image from projections (float32) or from a k-space (complex64). It is no medical device.

    Args:
        measurement: y (views, elements), line integrals; (views, rows, elements), of which ``row`` is taken; a complex
            k-space (coils, H, W) or (H, W), 0 where nothing was sampled; what an ``operator`` measures; or a file.
            NaN is what was not measured.
        **given: the task's ``angles`` (degrees: an array, a file, or "FIRST:LAST"), ``size``, ``centre``, ``photons``,
            ``row`` and ``sigma``; or an ``operator``, which maps a tensor (1, C, H, W) to one of y's shape: a linear
            callable, a physics of deepinv, or "MODULE:NAME"; with the ``shape`` of its pictures, (H, W) or (C, H, W),
            if that is not y's; and the fields of ``Settings``.
    """
    return restore(measurement, "reconstruct", **given)


def flash(image: ImageLike, *, flash: ImageLike, **common: Unpack[Common]) -> Result:
    """Denoise a photo taken without flash, guided by one of the same scene with flash.

    Args:
        image: y, the photo without flash, whose lighting is kept.
        flash: the photo with flash; its size may differ by a few pixels.

    Raises:
        PictureError: an image is not a usable picture, or their sizes do not match.
    """
    return restore(image, "flash", flash=array_of(flash), **common)


def compare_priors(image: ImageLike, *, factor: int = 4, **common: Unpack[Common]) -> Result:
    """Enlarge an image with three priors side by side: none (free pixels), total variation, and the network.

    Args:
        image: y (H, W); the result is (factor · H, 3 · factor · W): ``numpy.split(result.image, 3, axis=1)``.
        factor: scale factor of each side, 2 to 8.
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
    """Reconstruct an image from its features at a layer of a trained model.

    Args:
        image: y, gray or RGB; the result has the model's size.
        layer: the layer whose features to keep, or several separated by commas.
        model: one of ``ipse.models.names()``; None is the default.
        weights: a file with its weights; see ``ipse.models.load``.

    Raises:
        OptionError: the model or layer is unknown, or the weights are missing.
    """
    return restore(image, "invert", layer=layer, model=model, weights=weights, **common)


def maximise(wanted: str | tuple[str, int], **given: Any) -> Result:
    """Synthesise the RGB image (H, W, 3), uint8, that maximally activates a class or channel of a trained model.

    Args:
        wanted: a class, by name or number, or (layer, channel).
        **given: ``window``, ``model``, ``weights`` and ``prior`` of the task, and the fields of ``Settings``.

    Raises:
        OptionError: the model, class, layer or channel is unknown, or the weights are missing.
    """
    if isinstance(wanted, str):
        return restore(BLANK, "maximise", class_=wanted, **given)
    layer, channel = wanted
    return restore(BLANK, "maximise", layer=layer, channel=channel, **given)


def restore(image: ImageLike, task: str = "restore", **given: Any) -> Result:
    """Restore an image with the named task.

    Args:
        image: the damaged image; see above.
        task: name of a task; "restore" undoes any combination of ``mask``, ``psf`` and ``factor``.
        **given: the task's own options, the fields of ``Settings``, ``channel_axis`` and ``alpha``.

    Raises:
        OptionError: an option is unknown to the task.
    """
    from ipse.runs.plan import check_memory

    own = {one.name: one for one in tasks.options(task)}
    shared = {one.name: one for one in tasks.shared_options()}
    for name in given.keys() - own.keys() - shared.keys() - {"channel_axis", "alpha"}:
        raise OptionError(f"option {name!r} is unknown to {task}: {nearest(name, [*own, *shared])}")
    settings = Settings(**{name: one.checked(given[name]) for name, one in shared.items() if name in given})
    if tasks.sees(task) == "measurement":
        picture, back = measured(image, row=given.get("row"), whole=given.get("operator") is not None)
    else:
        picture, back = taken(image, channel_axis=given.get("channel_axis"), alpha=given.get("alpha"))
    told = {name: one.checked(given[name]) for name, one in own.items() if name in given}
    check_memory(picture, task, settings, told)
    result = restored(picture, task, settings, told)
    before = None if image is BLANK else picture
    return Result(**{f.name: getattr(result, f.name) for f in fields(result)}, back=back, before=before)
