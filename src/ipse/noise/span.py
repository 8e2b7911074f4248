"""t = (y − low) / (high − low): noise is judged in the range that a measurement uses, whatever range it is stored in.

A few stars, a cosmic ray or a metal implant stretch a picture's range a hundredfold; the rest lies in a small part of
it, and so does its noise. They keep their values, far beyond 1, and come back.
"""

import torch
from torch import Tensor

SAMPLES = 1 << 18
TAIL = 0.001  # of the samples at each end may be such
MARGIN = 0.25  # of the others' range, on both sides: noise goes farther than most of its samples show
SMALL = 0.25  # of the whole range: a larger part is left as it is

Span = tuple[float, float]
WHOLE: Span = (0.0, 1.0)


def span(y: Tensor) -> Span:
    """(low, high) of a picture (1, C, H, W) in [0, 1] whose samples are finer than 8 bits."""
    some = y.flatten()[:: max(1, y.numel() // SAMPLES)].float()
    first, last = (float(end) for end in torch.quantile(some, torch.tensor([TAIL, 1 - TAIL]).to(some)))
    margin = MARGIN * (last - first)
    low, high = max(float(y.min()), first - margin), min(float(y.max()), last + margin)
    return (low, high) if 0 < high - low < SMALL else WHOLE


def stretched(y: Tensor, within: Span) -> Tensor:
    """t, of any shape."""
    return y if within == WHOLE else (y - within[0]) / (within[1] - within[0])


def put_back(t: Tensor, within: Span) -> Tensor:
    """y, of any shape."""
    return t if within == WHOLE else within[0] + (within[1] - within[0]) * t
