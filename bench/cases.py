"""y = A x + n: a clean picture x, damaged by a protocol of the field, and how a restoration is compared to it.

The damage hangs on the clean picture and ``SEED`` alone, so that every method is given the very same y.
"""

import io
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bench.works import Work
from ipse import pictures
from ipse.errors import PictureError
from ipse.pictures import Picture

Array = NDArray[np.float64]
SEED = 0
WINDOW = 11  # of SSIM, pixels: a smaller picture has none


@dataclass(frozen=True)
class Case:
    """One damaged picture, what to do with it, and the truth."""

    name: str
    task: str
    picture: Picture
    clean: Array  #: (C, H, W) in [0, 1]
    options: dict[str, Any] = field(default_factory=dict[str, Any])  #: the task's, of ipse
    sigma: float | None = None  #: of the damage, on [0, 1]: peers are told it, ipse is not; None is unknown
    peak: float | None = None  #: photons at brightness 1, if the noise is Poisson's
    border: int = 0  #: pixels at each side that do not count
    luma: bool = False  #: compare luma, not RGB
    moved: int = 0  #: pixels by which a restoration may be moved to fit the truth, which a kernel leaves open

    @cached_property
    def damaged(self) -> Array:
        """y, (C, H, W)."""
        return self.picture.pixels.astype(np.float64)

    @property
    def size(self) -> str:
        """Of the result: width × height × channels."""
        channels, height, width = self.clean.shape
        return f"{width}x{height}x{channels}"

    def compared(self, pixels: NDArray[np.floating]) -> tuple[Array, Array]:
        """What counts of a restoration and of the clean picture, both (C, H, W)."""
        pair = np.clip(np.asarray(pixels, np.float64), 0, 1), self.clean
        if self.moved:
            pair = aligned(pair[0], self.clean, most=self.moved, border=self.border), self.clean
        if self.luma:
            pair = luma(pair[0]), luma(pair[1])
        inside = (..., *(slice(self.border, -self.border or None),) * 2)
        return pair[0][inside], pair[1][inside]

    def psnr(self, pixels: NDArray[np.floating]) -> float:
        """−10 log₁₀ mean (a − b)², dB."""
        a, b = self.compared(pixels)
        return float(-10 * np.log10(max(np.mean((a - b) ** 2), 1e-12)))

    def ssim(self, pixels: NDArray[np.floating]) -> float | None:
        """Structural similarity as published: Gaussian window of σ = 1.5, biased moments.

        Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861. None where the picture is too small.
        """
        from skimage.metrics import structural_similarity

        a, b = self.compared(pixels)
        if min(a.shape[1:]) < WINDOW:
            return None
        found: Any = structural_similarity(
            a, b, channel_axis=0, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        return float(found)


def luma(pixels: Array) -> Array:
    """BT.601 luma (1, H, W) of 8-bit RGB, 16–235, over 255."""
    if len(pixels) == 1:
        return pixels
    r, g, b = np.round(pixels.clip(0, 1) * 255)
    return ((65.481 * r + 128.553 * g + 24.966 * b) / 255**2 + 16 / 255)[None]


def aligned(x: Array, clean: Array, *, most: int, border: int) -> Array:
    """x moved to where it fits best inside ``border``: by whole pixels, then by quarters of a pixel.

    Levin, Weiss, Durand, Freeman 2009, https://doi.org/10.1109/CVPR.2009.5206815, compare so.
    """
    inside = (..., *(slice(border, -border or None),) * 2)

    def error(by: tuple[float, float]) -> float:
        return float(np.mean((moved(x, by) - clean)[inside] ** 2))

    whole = min(((a, b) for a in range(-most, most + 1) for b in range(-most, most + 1)), key=error)
    near = np.arange(-3, 4) / 4
    return moved(x, min(((whole[0] + a, whole[1] + b) for a in near for b in near), key=error))


def moved(x: Array, by: tuple[float, float]) -> Array:
    """x (C, H, W) moved down and to the right; whole pixels wrap around, parts of a pixel are interpolated."""
    if all(float(step).is_integer() for step in by):
        return np.roll(x, (int(by[0]), int(by[1])), (1, 2))
    return ndimage.shift(x, (0, *by), order=3, mode="nearest")


def load(path: Path) -> Array:
    """A clean picture, (C, H, W) in [0, 1]: gray stays gray, anything else becomes RGB."""
    with Image.open(path) as image:
        array = np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"), np.float64) / 255
    return array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)


def in_8_bits(pixels: Array) -> Picture:
    """A picture as a file has it."""
    return Picture.from_array(np.round(np.moveaxis(pixels, 0, -1).squeeze() * 255).astype(np.uint8))


def in_floats(pixels: Array) -> Picture:
    """A picture whose noise is kept as it was drawn."""
    return Picture.from_array(np.moveaxis(pixels, 0, -1).squeeze().astype(np.float32))


def case(work: Work, path: Path) -> Case:
    """Damage the clean picture at ``path`` as the work says.

    Raises:
        PictureError: what belongs to the picture is not beside it.
    """
    return PROTOCOLS[work.kind](work, path)


def _denoise(work: Work, path: Path) -> Case:
    clean, sigma = load(path), work.level / 255
    noise = np.random.default_rng(SEED).normal(0, sigma, clean.shape)
    return Case(path.stem, "denoise", in_floats((clean + noise).clip(0, 1)), clean, sigma=sigma)


def _poisson(work: Work, path: Path) -> Case:
    clean = load(path)
    counts = np.random.default_rng(SEED).poisson(work.level * clean)
    noisy = in_floats((counts / work.level).clip(0, 1))
    return Case(path.stem, "denoise", noisy, clean, peak=float(work.level))


def _inpaint(work: Work, path: Path) -> Case:
    clean = load(path)
    known = np.random.default_rng(SEED).random(clean.shape[1:]) >= work.level / 100
    told = {"mask": known, "polarity": "white-is-known"}
    return Case(path.stem, "inpaint", in_8_bits(clean * known), clean, told)


def _upscale(work: Work, path: Path) -> Case:
    factor, folder = work.level, path.parent.parent
    small = folder / "lr" / f"X{factor}" / f"{path.stem}x{factor}.png"
    if not small.is_file():
        raise PictureError(f"{small} is not there: put the small picture of {path.name} there")
    picture = pictures.read(small)
    clean = load(path)[:, : picture.size[0] * factor, : picture.size[1] * factor]
    return Case(path.stem, "upscale", picture, clean, {"factor": factor}, border=factor, luma=True)


def _jpeg(work: Work, path: Path) -> Case:
    clean, file = load(path), io.BytesIO()
    whole = np.round(np.moveaxis(clean, 0, -1).squeeze() * 255).astype(np.uint8)
    Image.fromarray(whole).save(file, "JPEG", quality=work.level)
    file.seek(0)
    picture = pictures.read(file)
    error = float(np.sqrt(np.mean((picture.pixels - clean) ** 2)))
    return Case(path.stem, "dejpeg", picture, clean, sigma=error)


def _mixed(work: Work, path: Path) -> Case:
    level, quality = divmod(work.level, 100)
    clean, file = load(path), io.BytesIO()
    noise = np.random.default_rng(SEED).normal(0, level / 255, clean.shape)
    whole = np.round(255 * np.moveaxis((clean + noise).clip(0, 1), 0, -1).squeeze()).astype(np.uint8)
    Image.fromarray(whole).save(file, "JPEG", quality=quality)
    file.seek(0)
    return Case(path.stem, "enhance", pictures.read(file), clean, sigma=level / 255)


def _camera(work: Work, path: Path) -> Case:
    mean = path.with_name(path.name.replace("_real", "_mean"))
    if not mean.is_file():
        raise PictureError(f"{mean} is not there: put the reference of {path.name} there")
    task = "denoise" if work.kind == "camera" else "enhance"
    return Case(path.stem.removesuffix("_real"), task, pictures.read(path), load(mean))


def _deblur(work: Work, path: Path) -> Case:
    sharp, kernel = path.stem.removesuffix("_img").split("_")
    truth, told = (path.with_name(f"{name}.png") for name in (sharp, kernel))
    if not (truth.is_file() and told.is_file()):
        raise PictureError(
            f"{truth} or {told} is not there: put the sharp picture and the kernel of {path.name} there"
        )
    picture, clean = pictures.read(path), load(truth)
    options = {"psf": turned(load(told)[0], clean, load(path))} if work.kind == "deblur" else {}
    return Case(f"{sharp}-{kernel}", "deblur", picture, clean, options, border=15, moved=12)


def turned(kernel: Array, clean: Array, blurred: Array) -> Array:
    """The kernel (K, L), turned by 180° if that explains the blur better: files hold it either way."""

    def misfit(k: Array) -> float:
        seen = ndimage.convolve(clean, k[None] / k.sum(), mode="nearest")
        found = aligned(seen, blurred, most=6, border=15) - blurred
        return float(np.mean(found[:, 15:-15, 15:-15] ** 2))

    return min(kernel, kernel[::-1, ::-1], key=misfit)


PROTOCOLS = {
    "denoise": _denoise,
    "poisson": _poisson,
    "inpaint": _inpaint,
    "upscale": _upscale,
    "jpeg": _jpeg,
    "camera": _camera,
    "real": _camera,
    "mixed": _mixed,
    "deblur": _deblur,
    "blind": _deblur,
}
