"""Frames that are alike: how many steps does a fit save that starts from its neighbour's weights, and at what quality?

    python -m bench.stack [--task upscale] [--frames 30] [--side 96] [--shift 2] [--steps 300]

A stack is made of crops of a photograph that scikit-image brings along, each shifted by ``shift`` pixels from the one
before, with noise from a fixed seed (denoising) or made small by bicubic averaging (upscaling). Every frame is fitted
warm, from the weights of the frame before; every fifth also cold. PSNR of the averaged output is noted at each step
against the clean frame, which no fit sees. What is printed: the steps after which the warm fit is as good as the cold
one at its end and at its best, and the PSNR of both at the end.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ipse import tasks
from ipse.engine.fit import Fit
from ipse.engine.problem import Problem
from ipse.pictures import Picture
from ipse.settings import Settings

SIGMA = 25.0
EVERY = 5  # frames of which one is fitted cold, too

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """PSNR after every step, and the weights that are kept."""

    psnr: Floats
    weights: Mapping[str, Tensor]


def frames(count: int, side: int, shift: int) -> Floats:
    """Clean crops (count, side, side) in [0, 1], the first near the middle of the photograph."""
    from skimage import data

    photo = np.asarray(data.camera(), np.float64) / 255
    return np.stack([photo[60 + k * shift // 2 :, 120 + k * shift :][:side, :side] for k in range(count)])


def damaged(clean: Floats, task: str, index: int) -> Picture:
    """A frame as the fit sees it."""
    if task == "denoise":
        noisy = clean + np.random.default_rng(index).normal(0, SIGMA / 255, clean.shape)
        return Picture.from_array(np.clip(np.rint(255 * noisy), 0, 255).astype(np.uint8))
    small = torch.nn.functional.interpolate(
        torch.from_numpy(clean)[None, None], scale_factor=0.5, mode="bicubic", antialias=True
    )[0, 0]
    return Picture.from_array(np.clip(np.rint(255 * small.numpy()), 0, 255).astype(np.uint8))


def problem(picture: Picture, task: str, steps: int) -> Problem:
    """The fit that the task poses, of the network from its own latent."""
    settings = Settings(latent="noise", steps=steps)  # not from a pilot, which is a warm start of its own
    options: dict[str, Any] = {"sigma": SIGMA} if task == "denoise" else {"factor": 2}
    posed = tasks.find(task)(picture, settings, **options)
    assert isinstance(posed, Problem)
    return posed


def fitted(posed: Problem, clean: Floats, start: Mapping[str, Tensor] | None) -> Course:
    """Fit to the last step, from weights or from nothing."""
    assert posed.prior is not None
    if start is not None:
        posed.prior.network.load_state_dict(dict(start))
    found: list[float] = []
    best, weights = float("inf"), dict[str, Tensor]()
    for state in Fit(posed):
        error = posed.outputs(state.average)[0, 0].double().numpy() - clean
        found.append(float(-10 * np.log10((error**2).mean())))
        if state.score is None or state.score < best:  # what the held-out pixels would keep; else the last
            best = best if state.score is None else state.score
            weights = {name: value.clone() for name, value in posed.prior.network.state_dict().items()}
    return Course(np.array(found), weights)


def reached(course: Floats, level: float) -> int | None:
    """The first step that is as good as ``level``."""
    found = np.flatnonzero(course >= level)
    return int(found[0]) + 1 if len(found) else None


def main() -> None:
    known = argparse.ArgumentParser(description="Warm starts on a stack.")
    known.add_argument("--task", choices=["upscale", "denoise"], default="upscale")
    known.add_argument("--frames", type=int, default=30)
    known.add_argument("--side", type=int, default=96)
    known.add_argument("--shift", type=int, default=2)
    known.add_argument("--steps", type=int, default=300)
    known.add_argument("--first", type=int, default=0, help="The frame that the chain of weights begins at.")
    told = known.parse_args()
    weights: Mapping[str, Tensor] | None = None
    rows: list[dict[str, Any]] = []
    for index, clean in enumerate(frames(told.frames, told.side, told.shift)):
        if index < told.first:
            continue
        picture = damaged(clean, told.task, index)
        warm = fitted(problem(picture, told.task, told.steps), clean, weights)
        weights = warm.weights
        if index % EVERY or index == told.first:
            continue
        cold = fitted(problem(picture, told.task, told.steps), clean, None)
        rows.append(
            {
                "frame": index,
                "cold end": round(float(cold.psnr[-1]), 2),
                "cold best": round(float(cold.psnr.max()), 2),
                "cold best at": int(cold.psnr.argmax()) + 1,
                "warm half": round(float(warm.psnr[told.steps // 2 - 1]), 2),
                "warm end": round(float(warm.psnr[-1]), 2),
                "warm best": round(float(warm.psnr.max()), 2),
                "warm best at": int(warm.psnr.argmax()) + 1,
                "warm as good as cold end after": reached(warm.psnr, float(cold.psnr[-1])),
                "warm within 0.1 dB of cold best after": reached(warm.psnr, float(cold.psnr.max()) - 0.1),
                "cold within 0.1 dB of its best after": reached(cold.psnr, float(cold.psnr.max()) - 0.1),
            }
        )
        print(json.dumps(rows[-1]), flush=True)


if __name__ == "__main__":
    main()
