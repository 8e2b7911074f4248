"""The exceptions that ipse raises.

    IpseError
    ├── InputError          invalid input; nothing was started                           exit code 2
    │   ├── PictureError        a file or array that is not a usable picture
    │   ├── MaskError           a mask that does not match its picture
    │   ├── OptionError         an invalid value of an option (also a ValueError)
    │   ├── DeviceError         a device that is not available
    │   ├── OutputError         an output path that cannot be written
    │   └── NotEnoughMemory     the fit needs more memory than is available
    └── RunError            a failure during the run; no partial output is left          exit code 1

Every message is one line that gives the value, what was expected and what to do.
"""

import errno
from collections.abc import Iterable
from difflib import get_close_matches

MEMORY = "there was not enough memory: give a smaller picture, --preset fast, or another --device"
NO_ROOM = ("can't allocate memory", "failed to map segment", "cannot allocate memory", "out of memory")


class IpseError(Exception):
    """The base class; ``exit_code`` is the command's exit status."""

    exit_code = 1


class InputError(IpseError):
    """The user's input cannot be used."""

    exit_code = 2


class PictureError(InputError):
    """A file or an array is not a usable picture."""


class MaskError(InputError):
    """A mask does not match its picture."""


class OptionError(InputError, ValueError):
    """An option has an invalid value."""


class DeviceError(InputError):
    """A device is not available."""


class OutputError(InputError):
    """The output path cannot be written."""


class NotEnoughMemory(InputError):  # noqa: N818 - the name already states the error
    """The fit would need more memory than is available."""


class RunError(IpseError):
    """The run failed; no partial output is left."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a hint for an unknown name: the closest names, or all of them."""
    known = sorted(names)
    close = get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"choose one of {', '.join(known)}"


def lack(error: Exception) -> str | None:
    """The message for an exception caused by a lack of memory or disk space; None for any other."""
    if is_out_of_memory(error):
        return MEMORY
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full: free some space and run again"
    return None


def amiss(error: Exception) -> str | None:
    """The message for a path that the operating system refused; None for any other exception."""
    if not isinstance(error, OSError) or error.strerror is None:
        return None
    name = error.filename if isinstance(error.filename, str) else None
    place = "" if name is None else f"{name}: "
    return f"{place}{error.strerror.lower()}: fix this and run again"


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception of Python, PyTorch or the dynamic loader means that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    known = isinstance(error, RuntimeError | ImportError | OSError)
    return known and any(word in str(error).lower() for word in NO_ROOM)


def cause(error: BaseException) -> str:
    """An exception of code that is not ipse's, in one line."""
    line = next(iter(str(error).splitlines()), "")[:200]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def one_line(text: str) -> str:
    """Return the text on one line, with control and other unprintable characters escaped."""
    joined = " ".join(text.split())
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in joined)
