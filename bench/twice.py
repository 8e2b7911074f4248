"""Pictures saved twice as a JPEG, on the same grid or cropped in between: what is found, and what is restored.

python -m bench.twice PICTURES… [--pairs 30:90,50:75,75:90] [--crop 256] [--preset fast]

For the middle of each picture: PSNR in dB as it came, restored knowing the last compression only, and restored by
``enhance``, with the first quality that it found.
"""

import argparse
import io
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import ipse
from bench.measures import middle, psnr, saved
from ipse.pictures import read
from ipse.settings import Preset

OFFSETS = ((0, 0), (3, 5))  # rows and columns that are cut between the two


def decoded(file: io.BytesIO) -> NDArray[np.uint8]:
    """The pixels (H, W, 3) of a file."""
    return np.asarray(Image.open(file).convert("RGB"))


def row(
    path: Path, pair: tuple[int, int], offset: tuple[int, int], *, crop: int, preset: Preset
) -> list[float]:
    """PSNR as it came, of the last compression alone, and of both; the quality found (0 for none)."""
    clean = middle(path, crop)
    once = decoded(saved(clean, pair[0]))[offset[0] :, offset[1] :]
    truth, twice = clean[offset[0] :, offset[1] :] / 255, saved(once, pair[1])
    picture = read(twice)
    with mock.patch("ipse.tasks._compression.find_first", return_value=None):
        last = ipse.enhance(picture, preset=preset)
    both = ipse.enhance(picture, preset=preset)
    quality = both.estimates["quality"] if "again" in both.estimates else 0
    came = psnr(decoded(twice) / 255, truth)
    return [came, *(psnr(np.moveaxis(one.picture.pixels, 0, -1), truth) for one in (last, both)), quality]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a line a picture and pair."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.twice", description="Pictures saved twice as JPEG."
    )
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--pairs", default="30:90,50:75,75:90")
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--preset", default="fast")
    chosen = parser.parse_args(arguments)
    for offset in OFFSETS:
        for pair in chosen.pairs.split(","):
            first, second = map(int, pair.split(":"))
            found = []
            for path in chosen.pictures:
                found.append(row(path, (first, second), offset, crop=chosen.crop, preset=chosen.preset))
                came, last, both, quality = found[-1]
                said = f"{came:6.2f} {last:6.2f} {both:6.2f}  first {quality:.0f}"
                print(f"{path.stem:12} {first}, {second}, cut {offset}: {said}", flush=True)
            came, last, both, _ = np.mean(found, axis=0)
            print(
                f"{'mean':12} {first}, {second}, cut {offset}: {came:6.2f} {last:6.2f} {both:6.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
