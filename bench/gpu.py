"""What a GPU gives: the published recipe and the default on CPU and GPU, and the step in variants.

python -m bench.gpu [--device cuda] [--tasks denoise,upscale] [--side 512] [--steps 50] [--out bench/out/gpu.csv]

A 512² RGB photograph with noise of σ = 25, and the same made ×4 smaller. The variants are of a plain step (forward,
objective, backward, Adam), so that those which the engine does not have can be judged before they are built. Several
fits at once are the engine's own. With --device cpu it is a smoke test: the default takes --steps steps as well.
"""

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import torch

from bench.batch import at_once, one_by_one
from bench.changes import channels_last
from bench.steps import Step, Variant, damaged, problem, seconds
from bench.table import figure, markdown
from ipse.devices import device_model, find_device
from ipse.errors import IpseError
from ipse.settings import Settings
from ipse.streams.open import restore

BF16 = Variant("bfloat16 autocast", dtype=torch.bfloat16)
LAST = Variant("channels last", channels_last)
BOTH = replace(BF16, name="bfloat16, channels last", change=channels_last)
VARIANTS = (
    Variant("float32"),
    Variant("cuDNN benchmark", benchmark=True),
    LAST,
    BF16,
    BOTH,
    Variant("torch.compile", compiled=True),
    replace(BOTH, name="bfloat16, channels last, torch.compile", compiled=True),
)
GRAPHS = (
    Variant("CUDA graph", graph=True),
    replace(BOTH, name="bfloat16, channels last, CUDA graph", graph=True),
)
COUNTS = (1, 2, 4, 8)  # of fits at once


@dataclass(frozen=True)
class Figure:
    """One measurement."""

    task: str
    network: str  #: "paper", or that of the preset "good"
    what: str
    device: str
    seconds: float | None  #: None where it failed
    note: str = ""


def recipe(task: str, device: str, *, side: int, steps: int, smoke: bool) -> Iterator[Figure]:
    """A step of the published network, and the default from beginning to end."""
    paper = problem(task, Settings(preset="paper", device=device), side=side)
    few = steps if device != "cpu" else 1
    note = f"of {paper.recipe.steps} steps"
    yield timed(
        Figure(task, "paper", "a step", device, None, note), lambda: seconds(Step(paper, Variant("")), few)
    )
    settings = Settings(device=device, steps=steps if smoke else None)
    yield timed(Figure(task, "good", "a picture", device, None), lambda: whole(task, settings, side=side))


def whole(task: str, settings: Settings, *, side: int) -> float:
    """Seconds of a restoration, the second of two: the first loads kernels."""
    picture, options = damaged(task, side)
    took = 0.0
    for _ in range(1 if settings.device == "cpu" else 2):
        start = time.perf_counter()
        restore(picture, task, settings, options)
        took = time.perf_counter() - start
    return took


def options(task: str, network: str, device: str, *, side: int, steps: int) -> Iterator[Figure]:
    """The step in variants, then the engine's own, of one fit and of several at once."""
    settings = Settings(preset="paper" if network == "paper" else "good", device=device)
    chosen = (*VARIANTS, *GRAPHS) if device.startswith("cuda") else VARIANTS[:5]

    def one(variant: Variant) -> float:
        return seconds(Step(problem(task, settings, side=side), variant), steps)

    for variant in chosen:
        yield timed(Figure(task, network, variant.name, device, None), lambda v=variant: one(v))
    for count in COUNTS if device.startswith("cuda") else COUNTS[:2]:
        yield from several(task, network, device, count, settings, side=side, steps=steps)


def several(
    task: str, network: str, device: str, count: int, settings: Settings, *, side: int, steps: int
) -> Iterator[Figure]:
    """The engine's step of each of ``count`` fits, and where they end one after the other."""
    ways = {f"the engine, {count} at once, for each": at_once}
    if count > 1:
        ways[f"the engine, {count} that end one by one, for each"] = one_by_one
    for what, way in ways.items():
        yield timed(
            Figure(task, network, what, device, None),
            lambda way=way: way(task, count, settings, side=side, steps=steps),
        )


def timed(figure: Figure, measure: Callable[[], float]) -> Figure:
    """The figure with its seconds; a variant that this PyTorch or this device cannot do says why, and no more."""
    print(f"{figure.task} {figure.network}: {figure.what} on {figure.device}", file=sys.stderr, flush=True)
    try:
        return replace(figure, seconds=measure())
    except Exception as error:  # torch raises almost anything, and the other variants must go on
        if figure.device.startswith("cuda"):
            torch.cuda.empty_cache()
        said = (str(error).splitlines() or [""])[0]
        return replace(figure, note=f"failed: {type(error).__name__}: {said:.60}")


def measured(tasks: Sequence[str], device: str, *, side: int, steps: int) -> Iterator[Figure]:
    """Everything."""
    smoke = device == "cpu"
    for task in tasks:
        for one in dict.fromkeys(("cpu", device)):
            yield from recipe(task, one, side=side, steps=steps, smoke=smoke)
        for network in ("good", "paper"):
            yield from options(task, network, device, side=side, steps=steps)


def report(found: Sequence[Figure], device: str) -> str:
    """Both tables, in Markdown."""
    both = [one for one in found if one.what in ("a step", "a picture")]
    here = {(one.task, one.network): one.seconds for one in both if one.device == device}
    first = []
    for one in (one for one in both if one.device == "cpu"):
        other = here[one.task, one.network]
        ratio = one.seconds / other if one.seconds and other else None
        cells = [figure(one.seconds, ".3f"), figure(other, ".4f"), figure(ratio, ".1f")]
        first.append([f"{one.task}, {one.network}: {one.what} {one.note}".strip(), *cells])
    second = []
    for one in (one for one in found if one not in both):
        base = next(f for f in found if (f.task, f.network, f.what) == (one.task, one.network, "float32"))
        ratio = one.seconds / base.seconds if one.seconds and base.seconds else None
        name = f"{one.task}, {one.network}: {one.what}{f' ({one.note})' if one.note else ''}"
        per = None if one.seconds is None else 1 / one.seconds
        second.append([name, figure(per, ".1f"), figure(ratio)])
    head = (
        f"CPU: {device_model('cpu')}, {torch.get_num_threads()} threads. {device}: {device_model(device)}. "
    )
    head += f"PyTorch {torch.__version__}."
    tables = (
        markdown(["seconds", "CPU", device, "×"], first),
        markdown(["variant", "steps/s", "time"], second),
    )
    return "\n\n".join([head, *tables]) + "\n"


def write(found: Sequence[Figure], text: str, out: Path) -> None:
    """The CSV file, and the tables beside it, each in one piece."""
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_suffix(".new")
    with fresh.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [one.name for one in fields(Figure)])
        writer.writeheader()
        writer.writerows(asdict(one) for one in found)
    fresh.replace(out)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(out.with_suffix(".md"))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m bench.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tasks", default="denoise,upscale")
    parser.add_argument("--side", type=int, default=512, help="of the photograph, pixels")
    parser.add_argument("--steps", type=int, default=50, help="that are timed of each variant")
    parser.add_argument("--out", type=Path, default=Path("bench/out/gpu.csv"))
    args = parser.parse_args(argv)
    try:
        device = find_device(args.device)
    except IpseError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    found = list(measured(args.tasks.split(","), device, side=args.side, steps=args.steps))
    text = report(found, device)
    print(text)
    write(found, text, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
