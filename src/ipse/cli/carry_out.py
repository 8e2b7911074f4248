"""Run a job with a progress display and interruption; used by all commands that restore."""

import sys

from ipse.cli.interrupts import Interrupts, Patience
from ipse.cli.load import load
from ipse.errors import OutputError, RunError, one_line
from ipse.runs import removed
from ipse.runs.job import Job
from ipse.runs.open import open_run
from ipse.runs.receipt import Receipt
from ipse.runs.run import Run


def carry_out(job: Job, *, json: bool = False, quiet: bool = False, dry_run: bool = False) -> None:
    """Run a job, or print its plan.

    Raises:
        Interrupted: the job was interrupted; the best result so far is written.
    """
    with Interrupts() as interrupts:
        run = open_run(job)
        if dry_run:
            show_plan(run, json=json)
            return
        said = fitted(run, interrupts, quiet=quiet)
        if json:
            print(said.to_json(), end="", flush=True)
        if not quiet:
            print(one_line(summary(said)), file=sys.stderr)
            if (doubt := removed.warning(said.residual, said.estimates)) is not None:
                advice = "look at it with --residual, or restore less with --strength"
                print(one_line(f"{doubt}: {advice}"), file=sys.stderr)
    interrupts.check()


def fitted(run: Run, interrupts: Interrupts, *, quiet: bool) -> Receipt:
    """Run the stream to its end or to the first interruption, and write the result.

    Raises:
        RunError: writing failed, although the path could be written when the run began.
    """
    try:
        cancelled = pull(run, interrupts, quiet=quiet)
        interrupts.patience = Patience.ALL
        return run.finish(cancelled=cancelled)
    except OutputError as error:
        raise RunError(str(error)) from error


def pull(run: Run, interrupts: Interrupts, *, quiet: bool) -> bool:
    """Run the stream; return whether it was interrupted."""
    if not quiet and run.picture.frames > 1:
        print(
            one_line(
                f"{run.picture.name}: only the first of {run.picture.frames} pictures in it is restored"
            ),
            file=sys.stderr,
        )
    for note in () if quiet else run.picture.notes:
        print(one_line(f"{run.picture.name}: {note}"), file=sys.stderr)
    load()
    from ipse.cli.progress import view
    from ipse.streams.stream import Estimate

    shown = view(run.stream, quiet=quiet)
    try:
        for event in run:
            shown.show(event)
            if not isinstance(event, Estimate):
                interrupts.patience = Patience.ONE
            if interrupts.asked:
                run.save()
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        if not run.has_estimate:
            raise
        return True
    finally:
        shown.close()
    return False


def summary(said: Receipt) -> str:
    """Return a one-line summary of a receipt."""
    place = said.output or "standard output"
    if said.unchanged:
        return f"{place}: unchanged, {said.reason}"
    strength = "" if said.strength is None else f" at strength {said.strength:g}"
    alone = f"restored by self-similarity{strength}"
    kept = alone if said.step == 0 else f"kept step {said.step} of {said.steps}"
    kept = f"{len(said.runs)} seeds, {said.steps} steps in all" if len(said.runs) > 1 else kept
    kept = kept if said.tiles is None else f"{said.tiles} tiles, {said.steps} steps in all"
    score = "" if said.score is None else f", held-out score {said.score:.4g}"
    found = said.estimates.get("noise") or said.estimates.get("found")
    lead = f"found {found}; " if found else ""
    lead += f"{said.estimates['mask']}; " if "mask" in said.estimates else ""
    return f"{place}: {lead}{kept}{score}, {said.seconds['total']:.1f} s ({said.reason})"


def show_plan(run: Run, *, json: bool) -> None:
    """Print the plan of a job."""
    made = run.input.plan()
    print(made.to_json() if json else made.to_text())
