"""Damage that nobody masked: what is found of drawn scratches or dust, and what is marked in clean pictures.

    python -m bench.find PICTURE... [--kind scratches|dust] [--seed 0] [--fill] [--preset fast] [--show DIR]

Of each picture: the share that is marked while it is clean; then, with damage drawn on it (``bench.damage``), IoU,
precision and recall of the mask. Pixels that damage covers but hardly changes do not count. With --fill, PSNR of the
damaged picture, filled by what was found, and filled by the true mask. --show keeps the pictures: damaged, mask (white:
rightly marked, red: wrongly, blue: missed), and filled.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.damage import Damaged, Kind, damaged
from bench.measures import psnr
from ipse.noise.damage import find
from ipse.pictures import Picture, read
from ipse.settings import Settings
from ipse.streams.open import restore

Flags = NDArray[np.bool_]
Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Row:
    """The figures of one picture."""

    clean: float  #: share of the clean picture that is marked
    iou: float
    precision: float
    recall: float
    psnr: tuple[float, ...]  #: damaged, filled by what was found, filled by the truth; empty without --fill


def measured(x: Pixels, kind: Kind, seed: int, told: argparse.Namespace, name: str) -> Row:
    """Look for damage in a clean picture, and in the same one with damage."""
    drawn = damaged(x, kind, seed)
    marked = find(drawn.pixels, kind)
    counted = marked & ~drawn.unseen
    right = int((counted & drawn.hit).sum())
    either, both = int((counted | drawn.hit).sum()), (int(counted.sum()), int(drawn.hit.sum()))
    filled = [filled_by(mask, drawn.pixels, told.preset) for mask in (marked, drawn.hit)] if told.fill else []
    if told.show is not None:
        show(told.show / f"{name}-{kind}.png", drawn, counted, filled)
    return Row(
        clean=float(find(x, kind).mean()),
        iou=right / max(either, 1),
        precision=right / both[0] if both[0] else float("nan"),
        recall=right / max(both[1], 1),
        psnr=tuple(psnr(one.astype(np.float64), x) for one in (drawn.pixels, *filled)) if told.fill else (),
    )


def filled_by(mask: Flags, y: Pixels, preset: str) -> Pixels:
    """The picture with the marked pixels filled; as it is if none is."""
    if not mask.any():
        return y
    samples = np.rint(255 * y.transpose(1, 2, 0)).astype(np.uint8)
    settings = Settings(preset=preset)  # type: ignore[arg-type]
    options = {"mask": mask, "polarity": "white-is-hole"}
    return restore(Picture.from_array(samples), "inpaint", settings, options).picture.pixels


def show(path: Path, drawn: Damaged, marked: Flags, filled: list[Pixels]) -> None:
    """Write what was damaged, what was marked, and what it was filled with, side by side."""
    colours = np.zeros((*drawn.hit.shape, 3), np.uint8)
    for where, colour in (
        (marked & drawn.hit, (255, 255, 255)),
        (marked & ~drawn.hit, (255, 0, 0)),
        (~marked & drawn.hit, (0, 96, 255)),
    ):
        colours[where] = colour
    pictures = [np.rint(255 * one.transpose(1, 2, 0)).astype(np.uint8) for one in (drawn.pixels, *filled[:1])]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate([pictures[0], colours, *pictures[1:]], 1)).save(path)


def colour(path: Path) -> Pixels:
    """A picture in colour, (3, H, W)."""
    pixels = read(path).pixels
    return pixels[:3] if len(pixels) >= 3 else pixels[:1].repeat(3, 0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--kind", choices=get_args(Kind), default="scratches")
    parser.add_argument("--seed", type=int, default=0, help="of the first picture; each has the next one")
    parser.add_argument("--fill", action="store_true")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--show", type=Path)
    told = parser.parse_args()
    rows = list[Row]()
    print(
        "picture, % of the clean one marked, IoU, precision, recall, PSNR: damaged, filled, filled by the true mask"
    )
    for i, path in enumerate(told.pictures):
        row = measured(colour(path), told.kind, told.seed + i, told, path.stem)
        rows.append(row)
        print(path.stem, *_said(row), flush=True)
    print(f"mean of {len(rows)}", *_said(_mean(rows)))
    least, most = min(row.iou for row in rows), max(row.clean for row in rows)
    marked = sum(row.clean > 0 for row in rows)
    print(f"least IoU {least:.3f}; of clean pictures {marked} marked, one of them {100 * most:.3f} %")


def _mean(rows: list[Row]) -> Row:
    """The mean of each figure."""
    values = [
        np.nanmean([getattr(row, name) for row in rows]) for name in ("clean", "iou", "precision", "recall")
    ]
    psnrs = np.mean([row.psnr for row in rows], 0) if rows[0].psnr else ()
    return Row(*map(float, values), psnr=tuple(psnrs))


def _said(row: Row) -> list[str]:
    return [
        f"{100 * row.clean:.4f}", *(f"{value:.3f}" for value in (row.iou, row.precision, row.recall)),
        *(f"{value:.2f}" for value in row.psnr),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
