"""The weights of the evidence for a scratch: a logistic regression on parts of strokes.

    python -m bench.weigh PICTURE... [--seed 1000]

Strokes are found in each picture while it is clean and with scratches drawn on it. Parts of which more than 60 % lie on
a scratch are scratches, those of which less than 10 % do are scene; the rest is left out. Printed as the table
``WEIGHTS`` of ``ipse.noise.damage.evidence``.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.damage import damaged
from bench.find import colour
from ipse.noise.damage.evidence import WEIGHTS, parts
from ipse.noise.damage.ridges import ridges
from ipse.noise.damage.strokes import strokes

Values = NDArray[np.float64]
RIDGE, ROUNDS = 1e-3, 40


def gathered(y: NDArray[np.float32], hit: NDArray[np.bool_] | None) -> tuple[Values, Values]:
    """Features (parts, features) of a picture (C, H, W), and the share of each part that lies on a scratch."""
    y64 = y.astype(np.float64)
    found = strokes(ridges(torch.from_numpy(y)).double().numpy(), y64)
    cut = parts(found, y64) if found else []
    shares = list[float]()
    for part in cut:
        places = np.rint(found[part.stroke].points[part.first : part.last]).astype(int)
        places = np.clip(places, 0, np.array(y.shape[1:]) - 1)
        shares.append(0.0 if hit is None else float(hit[places[:, 0], places[:, 1]].mean()))
    return np.array([part.features for part in cut]).reshape(-1, len(WEIGHTS)), np.array(shares)


def weighed(features: Values, scratch: NDArray[np.bool_]) -> tuple[Values, Values, Values]:
    """Weights (the last is the bias), means and standard deviations, by Newton's method."""
    mean, deviation = features.mean(0), features.std(0)
    rows = np.c_[(features - mean) / deviation, np.ones(len(features))]
    weights, ridge = np.zeros(rows.shape[1]), RIDGE * len(rows) * np.eye(rows.shape[1])
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (chance - scratch) + ridge @ weights
        weights = weights - np.linalg.solve((rows * (chance * (1 - chance))[:, None]).T @ rows + ridge, slope)
    return weights, mean, deviation


def main() -> None:
    """Gather, fit and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=1000)
    told = parser.parse_args()
    found = list[tuple[Values, Values]]()
    for i, path in enumerate(told.pictures):
        x = colour(path)
        drawn = damaged(x, "scratches", told.seed + i)
        found += [gathered(x, None), gathered(drawn.pixels, drawn.hit)]
        print(path.stem, sum(len(one[1]) for one in found), flush=True)
    features, shares = (np.concatenate(part) for part in zip(*found, strict=True))
    sure = (shares > 0.6) | (shares < 0.1)
    weights, mean, deviation = weighed(features[sure], shares[sure] > 0.6)
    for name, *row in zip(WEIGHTS, weights, mean, deviation, strict=False):
        print(f'    "{name}": ({", ".join(f"{value:.3f}" for value in row)}),')
    print(f"BIAS = {weights[-1]:.3f}")


if __name__ == "__main__":
    main()
