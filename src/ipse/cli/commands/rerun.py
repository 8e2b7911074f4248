"""receipt ↦ the same output again."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ipse.cli.carry_out import fitted, summary
from ipse.cli.interrupts import Interrupts
from ipse.errors import InputError, one_line
from ipse.runs.open import open_run
from ipse.runs.receipt import Receipt
from ipse.runs.rerun import repeated


def command(
    *,
    receipt: Annotated[Path, typer.Argument(help="A receipt: the .ipse.json file beside an output.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output file. Default: the one in the receipt.")
    ] = None,
    input: Annotated[
        Path | None, typer.Option("--input", "-i", help="The original picture, if it has moved.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the new receipt to standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")] = False,
) -> None:
    """Repeat the run of a receipt, and report whether the output is byte-identical."""
    said = Receipt.read(receipt)
    target = output or (None if said.output is None else Path(said.output))
    if target is None:
        raise InputError(f"{receipt} comes from a run that wrote to standard output: give a file with -o")
    job = repeated(said, source=input, target=target, overwrite=overwrite)
    with Interrupts() as interrupts:
        run = open_run(job)
        set_threads(said.threads)
        made = fitted(run, interrupts, quiet=quiet)
    if json:
        print(made.to_json(), end="", flush=True)
    if not quiet:
        print(one_line(summary(made)), file=sys.stderr)
        print(verdict(said, made), file=sys.stderr)
    interrupts.check()


def set_threads(count: int) -> None:
    """Use the number of threads of the first run, because sums with other numbers differ in their last bits."""
    import torch

    torch.set_num_threads(max(1, count))


def verdict(before: Receipt, after: Receipt) -> str:
    """Return one line on whether two outputs are the same; if not, with the possible reasons."""
    if before.output_sha256 == after.output_sha256:
        return "byte-identical to the receipt's output"
    changed = [f"{name} {old} → {after.versions.get(name)}" for name, old in before.versions.items()]
    changed = [text for text in changed if text.split(" ", 1)[1].split(" → ")[0] != text.split(" → ")[-1]]
    if before.device != after.device:
        changed.append(f"device {before.device.get('model')} → {after.device.get('model')}")
    why = "; ".join(changed) or "no known difference"
    if before.pixels_sha256 == after.pixels_sha256:
        return f"same pixels, different bytes ({why})"
    return f"DIFFERENT from the receipt's output ({why})"
