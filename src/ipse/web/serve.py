"""(host, port, token) ↦ a running server, until it is told to end."""

import os
import re
import secrets
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from urllib.parse import quote

import uvicorn

from ipse.errors import OptionError, OutputError
from ipse.web.app import application
from ipse.web.guard import LOOPBACK
from ipse.web.patience import Patient, open_more
from ipse.web.server import Limits, Server

SHORTEST = 16  # characters of a token that nobody can guess
TOKEN = re.compile(r"[A-Za-z0-9._~-]+")  # what an address and a header carry as it is
KEPT = "token"  # the file of one that was made up


@dataclass(frozen=True)
class Place:
    """Where a server answers, and to whom."""

    host: str = "127.0.0.1"
    port: int = 7860  #: 0 takes any that is free
    token: str | None = None  #: None makes one up, and keeps it in the folder
    locked: bool = True  #: whether a token is asked for
    browser: bool = True  #: open the page
    folder: Path = field(default_factory=Path)
    limits: Limits = field(default_factory=Limits)

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


class Ending(uvicorn.Server):
    """A server whose streams and errands end when it does: uvicorn waits for them."""

    def __init__(self, config: uvicorn.Config, server: Server) -> None:
        super().__init__(config)
        self.parts = server

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End what others wait for, then all."""
        self.parts.leave()
        super().handle_exit(sig, frame)


def check(place: Place) -> None:
    """Refuse what would be open to everybody.

    Raises:
        OptionError: a server that others reach has no token, or one that can be guessed.
    """
    if not place.local and (place.token is None or not place.locked):
        raise OptionError(
            f"host {place.host} can be reached from elsewhere: add --token, for instance {secrets.token_urlsafe(16)}"
        )
    if place.token is not None and len(place.token) < SHORTEST:
        raise OptionError(f"the token has {len(place.token)} characters: give {SHORTEST} or more")
    if place.token is not None and not TOKEN.fullmatch(place.token):
        raise OptionError("the token may contain only letters, digits and - . _ ~: remove the others")
    if not 0 <= place.port <= 65535:
        raise OptionError(f"port {place.port} is out of range: give 0 to 65535")


def serve(place: Place, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; jobs under way are saved, and go on when it is started again.

    Args:
        place: where, and to whom.
        announce: is told the page's address.

    Raises:
        OptionError: it would be open to everybody.
        OutputError: the port is taken, or the folder cannot be written.
    """
    check(place)
    server = Server(place.folder, place.limits)
    bound = listening(place)
    open_more()
    token = (place.token or kept_token(place.folder)) if place.locked else None
    # A server without a token may be called by the name that it was given.
    app = application(server, token=token, hosts=(*LOOPBACK, place.host))
    config = uvicorn.Config(
        app,
        http=Patient,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    address = address_of(place, bound.getsockname()[1], token)
    announce(address)
    if place.browser:
        threading.Timer(0.5, webbrowser.open, (address,)).start()
    ending = Ending(config, server)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, ending.handle_exit)  # the terminal was closed; uvicorn knows the others
    with suppress(KeyboardInterrupt):  # raised again by uvicorn, after all has ended in order
        ending.run(sockets=[bound])


def listening(place: Place) -> socket.socket:
    """Return a bound socket.

    Raises:
        OutputError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((place.host, place.port))
    except OSError as error:
        bound.close()
        raise OutputError(
            f"{place.host}:{place.port} is not available ({error.strerror}): give another --port, or 0 for any free one"
        ) from error
    return bound


def kept_token(folder: Path) -> str:
    """Return the folder's token, which its owner alone can read: made up the first time, so that tabs stay known."""
    path = folder / KEPT
    try:
        found = path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        found = ""
    if len(found) < SHORTEST or not TOKEN.fullmatch(found):
        found = secrets.token_urlsafe(24)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(found)
    return found


def address_of(place: Place, port: int, token: str | None) -> str:
    """Return the page's address, with the token where there is one."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"http://{host}:{port}/" + (f"?token={quote(token)}" if token else "")
