"""Quality, time, memory and stops of ipse and its peers on the field's test sets.

python -m bench --data DIR [--works denoise25,upscale4] [--only F16,Lena] [--presets fast,good,best] [--peers all]

The rows go to --out, a CSV file, and a table (.md) and a plot (.png) of all of them beside it. A run that was cut goes
on where it stood: what is in the file is not measured again, unless --again is given. docs/benchmark.md says the rest.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import methods, plot, rows, run, summary
from bench.works import WORKS, work
from ipse.errors import IpseError, OptionError

OUT = Path("bench/out/bench.csv")


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = argparse.ArgumentParser(
        "python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = made.add_argument
    add("--data", type=Path, required=True, help="the folder of the sets")
    add("--works", default=",".join(WORKS), help="NAME or NAME@FOLDER, joined by commas; by default all")
    add("--only", default="", help="parts of pictures' names, joined by commas")
    add("--presets", default="good", help="of ipse, joined by commas; empty for none")
    add("--parts", action="store_true", help="each preset's pilot alone and network alone as well")
    add("--peers", default="all", help="all that are installed, none, or names joined by commas")
    add("--seeds", type=int, default=1, help="runs of each method that hangs on a seed")
    add("--stops", action="store_true", help="follow the fit, and compare the stop with the best step")
    add("--no-reference", action="store_true", help="do not time a step of the published recipe")
    add("--out", type=Path, default=OUT, help="the CSV file")
    add("--again", action="store_true", help="measure what is in the file already, too")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write; return the exit code."""
    args = parser().parse_args(argv)
    try:
        plan = planned(args)
        for name, how in methods.absent().items() if args.peers == "all" else ():
            print(f"peer {name} is not installed: {how}", flush=True)
        failed = run.told(run.run(plan, args.out, again=args.again))
        found = list(rows.read(args.out).values())
    except IpseError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"cut: what was measured is in {args.out}; the same command goes on", file=sys.stderr)
        return 130
    wanted = [row for row in found if row.work in {one.name for one in plan.works}]
    print(f"\n{summary.report(wanted)}")
    beside(args.out, found)
    return 1 if failed else 0


def planned(args: argparse.Namespace) -> run.Plan:
    """The flags, understood.

    Raises:
        InputError: what cannot be measured, before anything is.
    """
    if args.seeds < 1:
        raise OptionError(f"--seeds is {args.seeds}: give 1 or more")
    chosen = methods.chosen(args.presets, args.peers, parts=args.parts)
    works = [work(name) for name in args.works.split(",")]
    left = [one.paths(args.data, args.only) for one in works]  # every folder is looked at
    if not any(left):
        raise OptionError(f"--only {args.only!r} leaves no picture: give parts of the names of pictures")
    data = args.data.resolve()
    return run.Plan(works, chosen, data, args.only, args.seeds, args.stops, not args.no_reference)


def beside(out: Path, found: Sequence[rows.Row]) -> None:
    """Write the table and the plot beside the CSV file, each in one piece."""
    if not found:
        return
    fresh = out.with_suffix(".new")
    fresh.write_text(summary.report(found), encoding="utf-8")
    fresh.replace(out.with_suffix(".md"))
    if not plot.available():
        print("no plot: pip install matplotlib")
        return
    plot.plot(found, fresh)
    fresh.replace(out.with_suffix(".png"))


if __name__ == "__main__":
    sys.exit(main())
