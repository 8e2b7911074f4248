"""(name, file), (name, file), … ↦ a ZIP as a stream, which is never held as a whole."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

PIECE = 1 << 18  # bytes that are read at a time
LIMIT = 2**31  # bytes from which an entry needs the 64-bit format


class Sink(io.RawIOBase):
    """A stream that can only be written to, and emptied."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep bytes until they are taken."""
        self.parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        data = b"".join(self.parts)
        self.parts.clear()
        return data


def zipped(files: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """Yield the bytes of an archive; pictures are stored as they are, because they are compressed already."""
    sink = Sink()
    with ZipFile(sink, "w", ZIP_STORED) as archive:
        for name, path in files:
            if not path.exists():  # deleted meanwhile
                continue
            entry = ZipInfo.from_file(path, name)
            with (
                path.open("rb") as file,
                archive.open(entry, "w", force_zip64=entry.file_size > LIMIT) as into,
            ):
                while data := file.read(PIECE):
                    into.write(data)
                    yield sink.taken()
    yield sink.taken()


def distinct(names: Iterable[str]) -> Iterator[str]:
    """Number the names that are there already, as in ``photo (2).jpg``."""
    seen: set[str] = set()
    for name in names:
        path, count, one = PurePosixPath(name), 1, name
        while one.lower() in seen:  # file systems may not tell case
            count += 1
            one = str(path.with_name(f"{path.stem} ({count}){path.suffix}"))
        seen.add(one.lower())
        yield one
