"""θ ← θ − η · Adam(∇_θ E(f_θ(z))): a plain step of a problem, in variants that can be timed against each other.

A variant that pays here is worth building into the engine; one that does not is not.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ipse import tasks
from ipse.engine.problem import Problem
from ipse.pictures import Picture
from ipse.settings import Settings

SIDE = 512
SIGMA = 25
FITTED = 50  # steps of the correction that denoising makes when asked


@dataclass(frozen=True)
class Variant:
    """A way to take the same step."""

    name: str
    change: Callable[[nn.Module], object] = nn.Module.train  #: the network, in place; by default nothing
    adam: Literal["fused", "foreach", "single"] = "fused"
    dtype: torch.dtype | None = None  #: of autocast
    threads: int | None = None
    compiled: bool = False
    benchmark: bool = False  #: let cuDNN time its algorithms
    graph: bool = False  #: replay the step as a captured CUDA graph


class Step:
    """One step a call, of forward + objective + backward + Adam and nothing else."""

    def __init__(self, problem: Problem, variant: Variant) -> None:
        assert problem.prior is not None
        self.prior, self.objective, self.variant = problem.prior, problem.objective, variant
        variant.change(self.prior.network)
        fused, foreach = variant.adam == "fused", variant.adam == "foreach"
        rate = problem.recipe.learning_rate
        self.optimiser = torch.optim.Adam(
            self.prior.parameters(), lr=rate, fused=fused, foreach=foreach, capturable=variant.graph
        )
        self.device = self.prior.z.device
        self.draw = torch.compile(self.prior) if variant.compiled else self.prior

    def loss(self) -> Tensor:
        """E(f_θ(z)), the network in the variant's type and the rest in float32."""
        with self.precision():
            x = self.draw()
        return self.objective(x.float())

    def precision(self) -> torch.autocast:
        """Where autocast holds, if the variant has it."""
        dtype = self.variant.dtype
        return torch.autocast(self.device.type, dtype or torch.bfloat16, enabled=dtype is not None)

    @cached_property
    def replay(self) -> Callable[[], None]:
        """The step as one launch: taken three times on a stream of its own, then captured."""
        side = torch.cuda.Stream(self.device)
        side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(side):
            for _ in range(3):
                self.take()
        torch.cuda.current_stream(self.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.prior.generator)
        with torch.cuda.graph(graph):
            self.take()
        return graph.replay

    def __call__(self) -> None:
        """Take the step, or replay it."""
        if self.variant.graph:
            self.replay()
        else:
            self.take()

    def take(self) -> Tensor:
        """Take the step; return its loss."""
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        self.optimiser.step()
        return loss.detach()


def photograph(side: int = SIDE) -> NDArray[np.float32]:
    """scikit-image's astronaut, (H, W, 3) in [0, 1], cut to ``side`` pixels a side."""
    from skimage.data import astronaut

    return astronaut()[:side, :side].astype(np.float32) / 255


def damaged(task: str, side: int = SIDE) -> tuple[Picture, dict[str, object]]:
    """The photograph with noise, or made ×4 smaller: (picture, options of its task)."""
    clean = photograph(side)
    if task == "upscale":
        small = clean.reshape(side // 4, 4, side // 4, 4, 3).mean((1, 3))
        return Picture.from_array(small), {"factor": 4, "kernel": "box"}
    noise = np.random.default_rng(0).normal(0, SIGMA / 255, clean.shape)
    return Picture.from_array(np.float32((clean + noise).clip(0, 1))), {"sigma": SIGMA, "noise": "gaussian"}


def problem(task: str, settings: Settings = Settings(), *, side: int = SIDE) -> Problem:
    """The fit of ``damaged(task)``, asked for by its steps; a guided prior corrects the noisy picture itself."""
    picture, options = damaged(task, side)
    settings = settings if settings.preset == "paper" else replace(settings, steps=settings.steps or FITTED)
    made = tasks.find(task)(picture, settings, **options)
    assert isinstance(made, Problem)
    return made


def settle(device: torch.device) -> None:
    """Wait until the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(step: Step, count: int) -> float:
    """Wall seconds of one of ``count`` steps, after one that is not counted: it fills the caches."""
    before = torch.get_num_threads()
    cudnn: Any = torch.backends.cudnn
    torch.set_num_threads(step.variant.threads or before)
    cudnn.benchmark = step.variant.benchmark
    step()
    settle(step.device)
    start = time.perf_counter()
    for _ in range(count):
        step()
    settle(step.device)
    took = (time.perf_counter() - start) / count
    torch.set_num_threads(before)
    cudnn.benchmark = False
    return took


@dataclass(frozen=True)
class Timing:
    """What a variant takes."""

    name: str
    seconds: float  #: a step
    ratio: float  #: to the first variant's, median over rounds
    spread: float  #: half the distance of the ratio's quartiles over rounds


def compared(steps: Sequence[Step], *, rounds: int, count: int) -> list[Timing]:
    """Time the steps in turn, each once a round, so that what else the machine does meets all of them.

    Every round begins with another one, for what comes first finds other caches than what follows.
    """
    for step in steps:
        step()  # allocates, and may compile
    taken = np.zeros((rounds, len(steps)))
    for turn in range(rounds):
        for index in range(len(steps)):
            which = (index + turn) % len(steps)
            taken[turn, which] = seconds(steps[which], count)
    low, middle, high = np.quantile(taken / taken[:, :1], [0.25, 0.5, 0.75], axis=0)
    return [
        Timing(step.variant.name, float(took), float(ratio), float(half))
        for step, took, ratio, half in zip(steps, np.median(taken, 0), middle, (high - low) / 2, strict=True)
    ]
