"""Robust standard streams: they may be closed, full, without a reader, or unable to encode all characters.

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
# A closed descriptor is replaced. Otherwise the next file to be opened would get its number, and receive the output of
# that stream. It is opened in the opposite mode, so that reading and writing still fail.
CLOSED = (os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)


@contextmanager
def streams() -> Generator[None]:
    """Make the standard streams usable within this context."""
    before = sys.stdin, sys.stdout, sys.stderr
    for number, way in enumerate(CLOSED):
        fill(number, way)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - open as long as the process
    sys.stdout = Written(spelt(sys.stdout or open(1, "w", closefd=False)), refuse)  # noqa: SIM115 - open as long as the process
    sys.stderr = Written(sys.stderr or open(2, "w", closefd=False), lambda _: None)  # noqa: SIM115 - open as long as the process
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def check_output() -> None:
    """Check before the work starts that its result can be written.

    Raises:
        OutputError: standard output is closed.
    """
    try:
        os.write(sys.stdout.fileno(), b"")
    except UnsupportedOperation:  # a Python stream without a descriptor
        return
    except OSError as error:
        if error.errno == errno.EBADF:
            said = "standard output is closed: give a file with -o and remove --json"
            raise OutputError(said) from None


def fill(number: int, way: int) -> None:
    """Replace a standard descriptor if it is closed."""
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, way)  # gets the lowest free number


class Written:
    """A text stream that calls ``failed`` with the first error, and discards everything after it.

    Args:
        inner: the stream.
        failed: is shown the system's error; may raise another.
    """

    def __init__(self, inner: Any, failed: Callable[[OSError], None]) -> None:
        self.inner, self.failed = inner, failed

    def __getattr__(self, name: str) -> Any:
        """Delegate everything else to the stream."""
        return getattr(self.inner, name)

    def write(self, text: str) -> int:
        """Write, if possible."""
        self.tried(lambda: self.inner.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, if possible."""
        self.tried(self.inner.flush)

    def tried(self, write: Callable[[], object]) -> None:
        """Write; after a failure discard the buffer, because Python would try to write it again at exit."""
        try:
            write()
        except OSError as error:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.inner.fileno())
                os.close(nowhere)
            self.failed(error)


def refuse(error: OSError) -> None:
    """Report that standard output cannot be written.

    Raises:
        RunError: always.
    """
    if isinstance(error, BrokenPipeError):
        raise RunError("standard output was closed before everything was written") from error
    said = (error.strerror or str(error)).lower()
    raise RunError(f"standard output cannot be written ({said}): redirect it to a writable file") from error


def spelt(stream: Any) -> Any:
    """Make a stream escape the characters that its encoding lacks, as in JSON."""
    if isinstance(stream, TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
        codecs.register_error(ESCAPED, escaped)
        stream.reconfigure(errors=ESCAPED)
    return stream


def escaped(error: UnicodeError) -> tuple[str, int]:
    """The characters that cannot be encoded, escaped as in JSON."""
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)), error.end
