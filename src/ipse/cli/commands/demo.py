"""A demonstration: damage a photograph, restore it, and compare PSNR(x*, x) with PSNR(y, x)."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ipse.cli.exhibit import Damage, Exhibit, comparison, encoded, exhibit, psnr, shown
from ipse.cli.numbers import reading
from ipse.errors import OutputError
from ipse.runs.job import Job
from ipse.settings import Preset, Settings


def command(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the pictures.")] = Path(
        "ipse-demo"
    ),
    damage: Annotated[
        Damage | None,
        typer.Option(
            help="What is done to the photograph; nothing said: noise, then what a network alone does."
        ),
    ] = None,
    preset: Annotated[Preset, typer.Option(help="How hard to try.")] = "good",
    seed: Annotated[int, typer.Option(help="Random seed.", **reading(int))] = 0,
    steps: Annotated[int | None, typer.Option(help="Maximum number of steps.", **reading(int))] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the figures.")] = False,
) -> None:
    """Damage a photograph, restore it, and print the PSNR before and after."""
    from ipse.cli.carry_out import carry_out

    acts: dict[Damage, Path] = (
        {damage: output} if damage else {"noise": output, "network": output / "network"}
    )
    for act, folder in acts.items():
        case = exhibit(act, seed=seed)
        job = prepare(case, folder, Settings(preset=preset, seed=seed, steps=steps, network=case.network))
        carry_out(job, quiet=quiet)
        print(figures(case, job, folder))


def prepare(case: Exhibit, folder: Path, settings: Settings) -> Job:
    """Write the original and the damaged picture, and return the job.

    Raises:
        OutputError: the folder cannot be created.
    """
    from ipse.pictures import write_bytes

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be created ({error.strerror}): choose another folder with -o"
        ) from error
    damaged, options = folder / f"damaged{case.suffix}", dict(case.options)
    write_bytes(folder / "original.png", encoded(case.original, "PNG"), overwrite=True)
    write_bytes(damaged, case.damaged, overwrite=True)
    if case.mask is not None:
        options["mask"] = folder / "mask.png"
        write_bytes(folder / "mask.png", encoded(case.mask, "PNG"), overwrite=True)
    return Job(case.task, damaged, folder / "restored.png", settings, options, overwrite=True)


def figures(case: Exhibit, job: Job, folder: Path) -> str:
    """Compare with the original, write a picture of the comparison, and return the figures."""
    from ipse.pictures import read, write_bytes

    assert job.source is not None
    assert job.target is not None
    x = case.original
    y, restored = (np.asarray(read(path).colours, np.uint8) for path in (job.source, job.target))
    y = shown(y, x)
    before, after = psnr(y, x), psnr(restored, x)
    sheet = comparison(
        [
            (f"damaged ({case.said}): {before:.2f} dB", y),
            (f"restored ({case.by}): {after:.2f} dB", restored),
            ("original", x),
        ]
    )
    place = folder / "before-after.png"
    write_bytes(place, encoded(sheet, "PNG"), overwrite=True)
    return f"{case.said}, {case.by}: PSNR before {before:.2f} dB, after {after:.2f} dB\nbefore and after: {place}"
