"""Keep files tidy: no spaces at the ends of lines, a newline at the end, no conflict markers, nothing huge.

python scripts/tidy.py FILE …      fixes spaces and newlines, reports the rest; exit code 1 if anything was found
"""

import re
import sys
from pathlib import Path

LARGEST = 1_000_000  # bytes of a file that belongs into the repository
MARKER = re.compile(r"^(<{7} |>{7} )", re.MULTILINE)
SPACES = re.compile(r"[ \t]+$", re.MULTILINE)


def mended(text: str) -> str:
    """The text without spaces at the ends of its lines, and with one newline at its own."""
    body = SPACES.sub("", text).rstrip("\n")
    return f"{body}\n" if body else ""


def faults(path: Path) -> list[str]:
    """What is wrong with a file; spaces and newlines are mended at once."""
    stored = path.read_bytes()
    if len(stored) > LARGEST:
        return [f"{len(stored)} bytes; at most {LARGEST} belong into the repository"]
    try:
        text = stored.decode("utf-8")
    except UnicodeDecodeError:
        return []  # a picture or the like
    if "\0" in text:
        return []
    found = ["a conflict marker is left; resolve the merge"] if MARKER.search(text) else []
    if (tidy := mended(text)) != text:
        path.write_text(tidy, encoding="utf-8", newline="")
        found.append("spaces or newlines were mended; add the file again")
    return found


def main() -> int:
    """Check the files that are named on the line."""
    wrong = [
        f"{path}: {fault}" for path in map(Path, sys.argv[1:]) if path.is_file() for fault in faults(path)
    ]
    print("\n".join(wrong), end="\n" if wrong else "")
    return min(1, len(wrong))


if __name__ == "__main__":
    sys.exit(main())
