"""Standard input, output and error as they may be found: closed, full, without a reader, or of few letters.

What is said on standard error is for whoever listens: where nobody can, the work goes on. What goes to standard output
was asked for: where it cannot be written, that is an error.
"""

import codecs
import errno
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from io import TextIOWrapper, UnsupportedOperation
from typing import Any

from ipse.errors import OutputError, RunError

ESCAPED = "ipse.escaped"
# A descriptor that was closed is filled, else the next file that is opened gets its number, and what others write to
# it. It is opened the other way about, so that reading and writing fail as they would have.
CLOSED = (os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)


@contextmanager
def streams() -> Generator[None]:
    """See to it that the standard streams are there, within this context."""
    before = sys.stdin, sys.stdout, sys.stderr
    for number, way in enumerate(CLOSED):
        fill(number, way)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = Written(spelt(sys.stdout or open(1, "w", closefd=False)), refuse)  # noqa: SIM115
    sys.stderr = Written(sys.stderr or open(2, "w", closefd=False), lambda _: None)  # noqa: SIM115
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def check_output() -> None:
    """Refuse before the work what could not be written after it.

    Raises:
        OutputError: standard output is closed.
    """
    try:
        os.write(sys.stdout.fileno(), b"")
    except UnsupportedOperation:  # a stream of Python's own, without a descriptor
        return
    except OSError as error:
        if error.errno == errno.EBADF:
            said = "standard output is closed: give a file with -o and remove --json"
            raise OutputError(said) from None


def fill(number: int, way: int) -> None:
    """Open a standard descriptor that is closed."""
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, way)  # takes the lowest number that is free


class Written:
    """A text stream; what cannot be written is handed to ``failed``, and so is nothing that follows.

    Args:
        inner: the stream.
        failed: is shown the system's error; may raise another.
    """

    def __init__(self, inner: Any, failed: Callable[[OSError], None]) -> None:
        self.inner, self.failed = inner, failed

    def __getattr__(self, name: str) -> Any:
        """All else is the stream's own."""
        return getattr(self.inner, name)

    def write(self, text: str) -> int:
        """Write, if it can be."""
        self.tried(lambda: self.inner.write(text))
        return len(text)

    def flush(self) -> None:
        """Write what waits, if it can be."""
        self.tried(self.inner.flush)

    def tried(self, write: Callable[[], object]) -> None:
        """Write; on failure let what waits go nowhere, for Python would try again on its way out."""
        try:
            write()
        except OSError as error:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.inner.fileno())
                os.close(nowhere)
            self.failed(error)


def refuse(error: OSError) -> None:
    """Say that what was asked for cannot be told.

    Raises:
        RunError: always.
    """
    if isinstance(error, BrokenPipeError):
        raise RunError("standard output was closed before everything was written") from error
    said = (error.strerror or str(error)).lower()
    raise RunError(f"standard output cannot be written ({said}): redirect it to a writable file") from error


def spelt(stream: Any) -> Any:
    """Let a stream escape the letters that its encoding lacks, as JSON does and terminals can read."""
    if isinstance(stream, TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
        codecs.register_error(ESCAPED, escaped)
        stream.reconfigure(errors=ESCAPED)
    return stream


def escaped(error: UnicodeError) -> tuple[str, int]:
    """The letters that cannot be encoded, as JSON escapes them."""
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)), error.end
