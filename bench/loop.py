"""Where the time of a step goes, and what would make it shorter: t = forward + objective + backward + Adam + watching.

python -m bench.loop [--tasks denoise,upscale] [--side 512] [--rounds 7] [--steps 3] [--threads 2] [--compile]

Pieces are shares of one step of the default fit of a 512² RGB photograph. Variants are timed in turn, round by round,
and given as ratios to the step as it is: ± is half the quartile distance of the ratio over the rounds.
"""

import argparse
import time
from collections.abc import Sequence
from statistics import median

import torch

from bench.changes import by_group, by_hand, channels_first, channels_last, standardised, without_norm
from bench.steps import Step, Timing, Variant, compared, problem
from bench.table import markdown
from ipse.engine.fit import Fit
from ipse.engine.problem import Problem

AS_IT_IS = Variant("as it is")
VARIANTS = (
    AS_IT_IS,
    Variant("the same again"),  # how far two equal things are apart here
    Variant("channels first", channels_first),
    Variant("weights channels last too", channels_last),
    Variant("Adam foreach", adam="foreach"),
    Variant("Adam one by one", adam="single"),
    Variant("norm by hand", by_hand),
    Variant("norm by group kernel", by_group),
    Variant("norm of weights instead", standardised),
    Variant("no norm at all", without_norm),
    Variant("bfloat16 autocast", dtype=torch.bfloat16),
)


class Laps:
    """Seconds between one call and the next, by name."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {}
        self.start()

    def start(self) -> None:
        """Begin a lap."""
        self.last = time.perf_counter()

    def __call__(self, name: str) -> None:
        """End a lap, and begin the next."""
        self.taken.setdefault(name, []).append(time.perf_counter() - self.last)
        self.start()


def pieces(made: Problem, *, steps: int) -> dict[str, float]:
    """Median seconds of each part of a step, their sum, and ``Fit.advance`` as a whole."""
    fit, lap = Fit(made, pilot=getattr(made.prior, "pilot", None)), Laps()
    fit.advance()
    for _ in range(steps):
        lap.start()
        fit.optimiser.zero_grad(set_to_none=True)
        x = fit.prior()
        lap("forward")
        loss = made.objective(x)
        lap("objective")
        loss.backward()
        lap("backward")
        fit.optimiser.step()
        lap("optimiser")
        fit.step += 1
        average = fit.averaged(x.detach())
        lap("average")
        if made.score is not None:
            float(made.score(average))
        lap("score")
        fit.advance()
        lap("the engine's own step")
    found = {name: median(values) for name, values in lap.taken.items()}
    engine = found.pop("the engine's own step")
    return found | {"sum": sum(found.values()), "the engine's own step": engine}


def shares(found: dict[str, float]) -> str:
    """Shares of a step."""
    rows = [[name, f"{seconds / found['sum']:.1%}"] for name, seconds in found.items()]
    return markdown(["piece", "share of a step"], rows)


def ratios(timings: Sequence[Timing]) -> str:
    """Ratios to the step as it is."""
    rows = [[one.name, f"{one.ratio:.2f}", f"{one.spread:.2f}"] for one in timings]
    return markdown(["variant", "time of a step", "±"], rows)


def variants(*, threads: int, compiled: bool) -> list[Variant]:
    """Those of the table, one for each number of threads, and the compiled one where it was asked for."""
    counts = [Variant(f"threads: {count}", threads=count) for count in range(1, threads + 1)]
    return [*VARIANTS, *counts, *([Variant("torch.compile", compiled=True)] if compiled else [])]


def main(argv: Sequence[str] | None = None) -> None:
    """Print both tables of each task."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", default="denoise,upscale")
    parser.add_argument("--side", type=int, default=512, help="of the photograph, pixels")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="a round")
    parser.add_argument("--threads", type=int, default=2, help="the most to try")
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile as well (a minute, and a compiler)"
    )
    args = parser.parse_args(argv)
    for task in args.tasks.split(","):
        made = problem(task, side=args.side)
        print(f"{task}, {args.side}²\n\n{shares(pieces(made, steps=args.rounds * args.steps))}\n", flush=True)
        chosen = variants(threads=args.threads, compiled=args.compile)
        steps = [Step(problem(task, side=args.side), one) for one in chosen]
        print(ratios(compared(steps, rounds=args.rounds, count=args.steps)) + "\n", flush=True)


if __name__ == "__main__":
    main()
