"""Read damaged files of every format: each must be a picture, or be refused in one line, in little time and memory.

    python scripts/fuzz.py --count 500 --seed 0

Bits are flipped, bytes replaced, ends cut off, stretches repeated, moved or taken from another format. One process a
format reads them all, so that what takes it down (a signal, memory, time) shows as well. Prints a row a format; the
exit code is 1 if any file was read in another way. Files that were are kept in build/fuzz.
"""

import argparse
import io
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType

import numpy as np
from PIL import Image

SECONDS = 20  # a file
MEMORY = 6 << 30  # bytes of address space
KEPT = Path("build/fuzz")
SIDE = 24  # pixels of what is damaged


@cache
def sources() -> dict[str, bytes]:
    """A small file of each format, by a name with its suffix."""
    import tifffile

    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    deep = rng.integers(0, 65536, (SIDE, SIDE), np.uint16)
    found = {
        f"a{suffix}": saved(Image.fromarray(colour), form)
        for suffix, form in {
            ".png": "PNG", ".jpg": "JPEG", ".bmp": "BMP", ".gif": "GIF", ".webp": "WEBP", ".ppm": "PPM",
            ".tga": "TGA", ".ico": "ICO", ".jp2": "JPEG2000", ".icns": "ICNS", ".pcx": "PCX", ".sgi": "SGI",
        }.items()
    }  # fmt: skip
    found["deep.png"] = saved(Image.fromarray(deep), "PNG")
    found["alpha.png"] = saved(Image.fromarray(np.dstack([colour, colour[..., 0]])), "PNG")
    found["palette.png"] = saved(Image.fromarray(colour).quantize(16), "PNG")
    found["cmyk.jpg"] = saved(Image.fromarray(colour).convert("CMYK"), "JPEG")
    for name, samples, options in (
        ("a.tif", colour, {"photometric": "rgb"}),
        ("deep.tif", deep, {"compression": "zlib", "predictor": True}),
        ("float.tif", deep.astype(np.float32), {"tile": (16, 16)}),
        ("stack.tif", np.stack([deep] * 3), {"imagej": True}),
    ):
        stream = io.BytesIO()
        imagej = bool(options.pop("imagej", False))
        with tifffile.TiffWriter(stream, imagej=imagej) as file:
            file.write(samples, **options)  # pyright: ignore[reportArgumentType]
        found[name] = stream.getvalue()
    return found


def saved(image: Image.Image, form: str) -> bytes:
    """A picture as a file of that format."""
    stream = io.BytesIO()
    image.save(stream, form)
    return stream.getvalue()


def mutated(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The file with one to four of its parts damaged."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        rng.choice(DAMAGES)(out, other, rng)
    return bytes(out)


def _flip(out: bytearray, _other: bytes, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 8)):
        if out:
            out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)


def _replace(out: bytearray, _other: bytes, rng: random.Random) -> None:
    """A field of one, two or four bytes gets an extreme value; mostly in the header."""
    size, reach = rng.choice((1, 2, 4)), rng.choice((64, len(out)))
    start = rng.randrange(max(1, min(reach, len(out))))
    out[start : start + size] = rng.choice((b"\xff", b"\x00", b"\x7f", b"\x80")) * size


def _cut(out: bytearray, _other: bytes, rng: random.Random) -> None:
    del out[rng.randrange(len(out) + 1) :]


def _splice(out: bytearray, other: bytes, rng: random.Random) -> None:
    """A stretch of this file, or of another format, lands elsewhere."""
    whole = rng.choice((bytes(out), other))
    start = rng.randrange(len(whole) + 1)
    place = rng.randrange(len(out) + 1)
    out[place:place] = whole[start : start + rng.randint(1, 64)]


def _remove(out: bytearray, _other: bytes, rng: random.Random) -> None:
    start = rng.randrange(len(out) + 1)
    del out[start : start + rng.randint(1, 64)]


DAMAGES: tuple[Callable[[bytearray, bytes, random.Random], None], ...] = (
    _flip,
    _replace,
    _cut,
    _splice,
    _remove,
)


def files(name: str, count: int, seed: int) -> Iterator[bytes]:
    """So many damaged files of a format, the same for the same seed."""
    every, rng = sources(), random.Random(f"{seed} {name}")
    others = list(every.values())
    for _ in range(count):
        yield mutated(every[name], rng.choice(others), rng)


def read_all(name: str, count: int, seed: int) -> dict[str, int]:
    """Read the damaged files of a format, here; how each went, by kind, and the longest in milliseconds."""
    went = {"read": 0, "refused": 0, "faults": 0, "slowest": 0}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        for number, data in enumerate(files(name, count, seed)):
            path.write_bytes(data)
            began = time.perf_counter()
            signal.alarm(SECONDS)
            kind = how(path)
            signal.alarm(0)
            went[kind] += 1
            went["slowest"] = max(went["slowest"], round(1000 * (time.perf_counter() - began)))
            if kind == "faults":
                KEPT.mkdir(parents=True, exist_ok=True)
                (KEPT / f"{seed}-{number}-{name}").write_bytes(data)
    return went


def how(path: Path) -> str:
    """Whether a file is read, is refused in one line, or neither."""
    from ipse import pictures
    from ipse.errors import IpseError

    try:
        pictures.read(path).pixels.sum()
    except IpseError as error:
        return "refused" if "\n" not in str(error) else "faults"
    except Exception as error:  # what else there is, is what is sought
        print(f"{path.name}: {type(error).__name__}: {error}", file=sys.stderr)
        return "faults"
    return "read"


def limited() -> None:
    """Give this process little memory, and each file little time."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)


def main() -> int:
    """Read all, a process a format, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=500, help="files a format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", help="read those of this one here")
    told = parser.parse_args()
    if told.format:
        limited()
        went = read_all(told.format, told.count, told.seed)
        print(
            f"| {told.format} | {went['read']} | {went['refused']} | {went['faults']} | {went['slowest']} ms |"
        )
        return int(went["faults"] > 0)
    print("| format | read | refused | faults | slowest |\n|---|---|---|---|---|")
    failed = 0
    for name in sources():
        line = [
            sys.executable,
            __file__,
            "--count",
            str(told.count),
            "--seed",
            str(told.seed),
            "--format",
            name,
        ]
        try:
            code = subprocess.run(line, timeout=SECONDS * told.count, check=False).returncode
        except subprocess.TimeoutExpired:
            code = 124
        if code not in (0, 1):
            print(f"| {name} | ended with {code} | | | |", flush=True)
        failed += code != 0
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
