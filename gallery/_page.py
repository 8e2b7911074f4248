"""What the pages share: how much is computed, whose pictures these are, and how they are shown.

    IPSE_BUDGET   tiny (does it run?), reduced (the default: a minute or two a page) or full (as published: hours)
    IPSE_DATA     a folder with the pictures of the paper in paper/; without it they are scikit-image's

The first lines of a page's first cell choose the picture: put yours there.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import matplotlib.pyplot as plt
import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from torch import Tensor

from ipse.errors import OptionError
from ipse.pictures import Picture, read

T = TypeVar("T")
Pixels = NDArray[np.uint8]  # (H, W) or (H, W, 3)
Known = NDArray[np.bool_]  # (H, W)
Curve = tuple[Sequence[float], Sequence[float]]

WIDTH = 10.0  # inches of a figure, whatever it shows


def budget(*, tiny: T, reduced: T, full: T) -> T:
    """Choose by IPSE_BUDGET.

    Raises:
        OptionError: it is none of the three.
    """
    values = {"tiny": tiny, "reduced": reduced, "full": full}
    asked = os.environ.get("IPSE_BUDGET", "reduced")
    if asked not in values:
        raise OptionError(f"IPSE_BUDGET {asked!r} is unknown: choose one of {', '.join(values)}")
    return values[asked]


def picture(published: str, *, otherwise: str) -> Pixels:
    """Read the picture of the paper, or take one that scikit-image ships.

    Args:
        published: its path in the folder paper/ of IPSE_DATA.
        otherwise: the name of a function of ``skimage.data``.

    Raises:
        PictureError: IPSE_DATA has no such picture.
    """
    folder = os.environ.get("IPSE_DATA")
    if folder is None:
        return getattr(skimage.data, otherwise)()
    return read(Path(folder, "paper", published)).to_array()


def known(published: str, *, otherwise: Known) -> Known:
    """Read a mask of the paper, white where the picture is known; without IPSE_DATA it is ``otherwise``."""
    if "IPSE_DATA" not in os.environ:
        return otherwise
    mask = picture(published, otherwise="")
    return (mask if mask.ndim == 2 else mask[..., 0]) > 127


def middle(image: NDArray[Any], side: int, *, at: tuple[int, int] | None = None) -> NDArray[Any]:
    """What is around ``at`` (row, column), or the middle, of an image (H, W, …): at most ``side`` pixels a side."""
    row, column = (image.shape[0] // 2, image.shape[1] // 2) if at is None else at
    top, left = (
        min(max(0, place - side // 2), max(0, length - side))
        for place, length in zip((row, column), image.shape[:2], strict=True)
    )
    return image[top : top + side, left : left + side]


def missing(seen: Known) -> tuple[int, int]:
    """A place (row, column) that is not known, half of those that are not being above it."""
    places = np.argwhere(~seen)
    row, column = places[len(places) // 2].tolist()
    return row, column


def noisy(image: Pixels, *, sigma: float, seed: int = 0) -> Pixels:
    """The image with Gaussian noise, ``sigma`` on the scale 0 to 255, clipped and rounded as a file would be."""
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.rint((image + noise).clip(0, 255)).astype(np.uint8)


def tensor(image: Pixels) -> Tensor:
    """The image as (1, C, H, W) in [0, 1]."""
    return torch.from_numpy(Picture.from_array(image).pixels)[None]


def pixels(x: Tensor) -> Pixels:
    """A tensor (1, C, H, W) as an image."""
    values = np.rint(255 * x.detach().cpu()[0].clamp(0, 1).movedim(0, -1).numpy()).astype(np.uint8)
    return values[..., 0] if values.shape[-1] == 1 else values


def psnr(x: Pixels, clean: Pixels) -> float:
    """10 log₁₀(255² / mean squared error), in dB."""
    return float(-10 * np.log10(np.square((x.astype(float) - clean) / 255).mean() + 1e-12))


def show(pictures: Mapping[str, NDArray[Any]], *, columns: int = 4) -> None:
    """Show images side by side: bytes as they are, floats (a map) from dark, 0, to bright, their 99th percentile."""
    columns = min(columns, len(pictures))
    rows, size = -(-len(pictures) // columns), WIDTH / columns
    height = size * max(image.shape[0] / image.shape[1] for image in pictures.values()) + 0.3
    figure, axes = plt.subplots(
        rows, columns, squeeze=False, figsize=(WIDTH, rows * height), layout="constrained"
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, (title, image) in zip(axes.flat, pictures.items(), strict=False):
        if image.dtype == np.uint8:
            axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        else:
            axis.imshow(image, cmap="viridis", vmin=0, vmax=float(np.percentile(image, 99)) or 1.0)
        axis.set_title(title, fontsize=9)
    plt.show()
    plt.close(figure)


def plot(
    curves: Mapping[str, Curve],
    *,
    x: str,
    y: str,
    log: str = "",
    marks: Mapping[str, float] | None = None,
) -> None:
    """Plot curves (xs, ys) by name; ``log`` names the axes that are logarithmic, ``marks`` places on the x axis."""
    figure, axis = plt.subplots(figsize=(WIDTH, 0.45 * WIDTH), layout="constrained")
    for name, (xs, ys) in curves.items():
        axis.plot(xs, ys, label=name, marker="o" if len(xs) < 10 else None)
    for index, (name, place) in enumerate((marks or {}).items()):
        axis.axvline(place, color=f"C{index + len(curves)}", linestyle="--", label=name)
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    if "x" in log:
        axis.set_xscale("log")
    if "y" in log:
        axis.set_yscale("log")
    axis.legend()
    axis.grid(alpha=0.3)
    plt.show()
    plt.close(figure)
