"""Whether the terminal takes colours, tables and bars, or only plain lines."""

import os
import shutil

NARROW = 66  # columns; in fewer, the table of a task's flags would cut their names
WIDEST = 80  # columns of help as a list


def is_plain() -> bool:
    """Whether escape sequences are unwanted (https://no-color.org) or unknown to the terminal."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") in ("dumb", "unknown")


def width() -> int:
    """The number of columns."""
    return shutil.get_terminal_size().columns


def lists_help() -> bool:
    """Whether help is a list, which keeps the name of every flag whole, rather than a table."""
    return is_plain() or width() < NARROW
