"""A local web page for restoring pictures."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from ipse.cli.numbers import reading
from ipse.errors import OptionError

NEEDED = ("fastapi", "uvicorn")


def command(
    *,
    port: Annotated[
        int, typer.Option(help="Port; 0 picks a free one.", envvar="IPSE_PORT", **reading(int))
    ] = 7860,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; any but this machine's own needs a token.", envvar="IPSE_HOST"
        ),
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(help="Access token. Default: a random one.", envvar="IPSE_TOKEN"),
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Require no token: every user of this machine has access.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Where to keep pictures and jobs. Default: your data folder.", envvar="IPSE_FOLDER"
        ),
    ] = None,
    fits: Annotated[
        int,
        typer.Option(help="Number of fits at a time; the others wait.", envvar="IPSE_FITS", **reading(int)),
    ] = 1,
    upload_limit: Annotated[
        int,
        typer.Option(help="Maximum size of an upload, in MiB.", envvar="IPSE_UPLOAD_LIMIT", **reading(int)),
    ] = 512,
    keep_days: Annotated[
        float, typer.Option(help="Days to keep finished jobs.", envvar="IPSE_KEEP_DAYS", **reading(float))
    ] = 30.0,
    hours: Annotated[
        float,
        typer.Option(
            help="Maximum hours per job; then the best result so far is kept.",
            envvar="IPSE_HOURS",
            **reading(float),
        ),
    ] = 48.0,
    log: Annotated[
        Literal["text", "json"],
        typer.Option(help="Form of the log lines on standard error.", envvar="IPSE_LOG"),
    ] = "text",
    space: Annotated[
        float,
        typer.Option(help="Maximum disk space in total, in GiB.", envvar="IPSE_SPACE", **reading(float)),
    ] = 20.0,
) -> None:
    """Serve a web page for restoring pictures: drop, paint a mask, watch, compare, save."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise OptionError(
            f"the page needs {' and '.join(missing)}: install them with pip install 'ipse[web]'"
        )
    if fits < 1 or upload_limit < 1 or not keep_days > 0 or not space > 0 or not hours > 0:
        raise OptionError("--fits, --upload-limit, --keep-days, --hours and --space must be greater than 0")
    from ipse.web.serve import Place, serve
    from ipse.web.server import Limits

    limits = Limits(
        upload=upload_limit << 20, days=keep_days, fits=fits, hours=hours, space=int(space * 2**30)
    )
    place = Place(
        host,
        port,
        token,
        locked=not no_token,
        browser=browser,
        folder=folder or data_folder(),
        limits=limits,
        log=log,
    )

    def announce(address: str) -> None:
        said = f"ipse: {address}\nipse: pictures and jobs are kept in {place.folder}; press Ctrl-C to stop"
        print(said, file=sys.stderr, flush=True)

    serve(place, announce)


def data_folder() -> Path:
    """The user's data folder.

    Raises:
        OptionError: the user has no home folder.
    """
    told = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_DATA_HOME")
    try:
        return (Path(told) if told else Path.home() / ".local" / "share") / "ipse"
    except RuntimeError:
        raise OptionError(
            "this user has no home folder: choose where to keep pictures with --folder"
        ) from None
