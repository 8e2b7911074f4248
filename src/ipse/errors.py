"""Everything ipse raises on purpose.

    IpseError
    ├── InputError          the user's input cannot be used; nothing was started        exit code 2
    │   ├── PictureError        a file or array that is no usable picture
    │   ├── MaskError           a mask that does not fit its picture
    │   ├── OptionError         an option's value (also a ValueError)
    │   ├── DeviceError         a device that is not there
    │   ├── OutputError         a place where the result cannot be put
    │   └── NotEnoughMemory     the fit would not fit
    └── RunError            the work failed midway; nothing half-written is left         exit code 1

Every message names the value, what was expected and what to do, in one line.
"""

import errno
from collections.abc import Iterable
from difflib import get_close_matches

MEMORY = "there was not enough memory: give a smaller picture, --preset fast, or another --device"
NO_ROOM = ("can't allocate memory", "failed to map segment", "cannot allocate memory", "out of memory")


class IpseError(Exception):
    """The root of the tree; ``exit_code`` is what the command returns for it."""

    exit_code = 1


class InputError(IpseError):
    """The user's input cannot be used."""

    exit_code = 2


class PictureError(InputError):
    """A file or an array that is no usable picture."""


class MaskError(InputError):
    """A mask that does not fit its picture."""


class OptionError(InputError, ValueError):
    """An option with a value that cannot be used."""


class DeviceError(InputError):
    """A device that is not there."""


class OutputError(InputError):
    """A place where the result cannot be put."""


class NotEnoughMemory(InputError):  # noqa: N818 - reads as the sentence it prints
    """The fit would need more memory than there is."""


class RunError(IpseError):
    """The work failed midway; nothing half-written is left behind."""


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a message about an unknown name: what was perhaps meant, or all there is."""
    known = sorted(names)
    close = get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"choose one of {', '.join(known)}"


def lack(error: Exception) -> str | None:
    """What to say of an exception by which the machine could not give something; None for anything else."""
    if is_out_of_memory(error):
        return MEMORY
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full: free some space and run again"
    return None


def amiss(error: Exception) -> str | None:
    """What to say of a place that the system refuses; None for anything else."""
    if not isinstance(error, OSError) or error.strerror is None:
        return None
    name = error.filename if isinstance(error.filename, str) else None
    place = "" if name is None else f"{name}: "
    return f"{place}{error.strerror.lower()}: see to it, and run again"


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, in Python's words, PyTorch's, or the loader's."""
    if isinstance(error, MemoryError):
        return True
    known = isinstance(error, RuntimeError | ImportError | OSError)
    return known and any(word in str(error).lower() for word in NO_ROOM)


def one_line(text: str) -> str:
    """Return a text without its line breaks, and with what a terminal would not show, or obey, escaped."""
    joined = " ".join(text.split())
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in joined)
