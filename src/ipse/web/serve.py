"""Run the server until it is told to stop."""

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
from uvicorn.config import LOGGING_CONFIG

from ipse.errors import OptionError, OutputError
from ipse.web.app import application
from ipse.web.guard import LOOPBACK
from ipse.web.log import as_json
from ipse.web.patience import Patient, open_more
from ipse.web.server import Limits, Server

SHORTEST = 16  # minimum length of a token that cannot be guessed
TOKEN = re.compile(r"[A-Za-z0-9._~-]+")  # characters that need no escaping in addresses and headers
KEPT = "token"  # name of the file with a generated token


@dataclass(frozen=True)
class Place:
    """The server's address, access and folder."""

    host: str = "127.0.0.1"
    port: int = 7860  #: 0 picks a free one
    token: str | None = None  #: None generates one and keeps it in the folder
    locked: bool = True  #: whether a token is required
    browser: bool = True  #: whether to open the page in a browser
    folder: Path = field(default_factory=Path)
    limits: Limits = field(default_factory=Limits)
    log: str = "text"  #: or "json", a line of JSON for each record

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
    """A server that ends its streams and errands at shutdown, because uvicorn waits for them."""

    def __init__(self, config: uvicorn.Config, server: Server) -> None:
        super().__init__(config)
        self.parts = server

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End streams and errands, then the server."""
        self.parts.leave()
        super().handle_exit(sig, frame)


def check(place: Place) -> None:
    """Check that the server is not open to everybody.

    Raises:
        OptionError: the server can be reached from elsewhere without a token, or with one that can be guessed.
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
    """Serve until SIGINT, SIGTERM or SIGHUP; running jobs are saved and resumed at the next start.

    Args:
        place: address, access and folder.
        announce: called with the page's address.

    Raises:
        OptionError: it would be open to everybody.
        OutputError: the port is taken, or the folder cannot be written.
    """
    check(place)
    if place.log == "json":
        as_json()
    server = Server(place.folder, place.limits)
    bound = listening(place)
    open_more()
    token = (place.token or kept_token(place.folder)) if place.locked else None
    # A server without a token also accepts the host name that it was started with.
    app = application(server, token=token, hosts=(*LOOPBACK, place.host))
    config = uvicorn.Config(
        app,
        http=Patient,
        log_level="warning",
        log_config=None if place.log == "json" else LOGGING_CONFIG,
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
        signal.signal(
            signal.SIGHUP, ending.handle_exit
        )  # the terminal was closed; uvicorn handles the others
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after an orderly shutdown
        ending.run(sockets=[bound])


def listening(place: Place) -> socket.socket:
    """Return a bound socket.

    Raises:
        OutputError: the address is not available.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    # With the protocol by name asyncio sets TCP_NODELAY; otherwise each answer waits 40 ms for the client's ACK.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
    """Return the folder's token, readable by its owner only; it is generated once, so that open tabs stay valid."""
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
    """Return the page's address, with the token if there is one."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"http://{host}:{port}/" + (f"?token={quote(token)}" if token else "")
