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

from collections.abc import Iterable
from difflib import get_close_matches


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
