"""Clean pictures of many kinds, drawn by code or taken from installed packages: nobody would call any of it noise.

Every kind is drawn by a rule from a number, so that a choice made on some of its pictures can be judged on others:
even numbers were looked at when the estimators were tuned, odd ones were not.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage import data
from skimage.transform import resize

Pixels = NDArray[np.uint8]  #: (H, W) or (H, W, 3)
Draw = Callable[[int], Pixels]

SIDE = 192
WORDS = (
    "Paid in full on 3 May, 1,284.50 EUR; keep it with the deed of sale, quick brown foxes jump over it".split()  # noqa: SIM905 - to be read
)


def draw_text(
    number: int, *, paper: str, ink: str, smooth: bool = True, mode: str = "RGB", size: int | None = None
) -> Pixels:
    """A page of words in a size that hangs on the number."""
    rng = np.random.default_rng(number)
    page = Image.new(mode, (SIDE + 8 * (number % 5), SIDE), paper)
    pen = ImageDraw.Draw(page)
    pen.fontmode = "L" if smooth else "1"
    size = size or (9, 12, 15, 20, 28, 11)[number % 6]
    font = ImageFont.load_default(size)
    for y in range(4, SIDE - size, round(1.3 * size)):
        pen.text((5, y), " ".join(rng.choice(WORDS, 20)), fill=ink, font=font)
    return np.asarray(page)


def as_jpeg(pixels: Pixels, quality: int) -> Pixels:
    """What a JPEG of the quality decodes to."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def shrunk(pixels: Pixels, factor: int) -> Pixels:
    """Means over cells: what was drawn in two levels gets smooth edges."""
    cells = pixels[: pixels.shape[0] // factor * factor, : pixels.shape[1] // factor * factor].astype(float)
    shape = (cells.shape[0] // factor, factor, cells.shape[1] // factor, factor, *cells.shape[2:])
    return cells.reshape(shape).mean((1, 3)).round().astype(np.uint8)


def enlarged(pixels: Pixels, factor: int) -> Pixels:
    """Each pixel a cell of factor × factor."""
    return pixels.repeat(factor, 0).repeat(factor, 1)


def draw_lines(number: int, *, scale: int = 1, paper: int = 255, ink: int = 0) -> Pixels:
    """Circles, strokes and hatching of one pixel."""
    rng = np.random.default_rng(number)
    side = SIDE * scale
    page = Image.new("L", (side, side), paper)
    pen = ImageDraw.Draw(page)
    for _ in range(12):
        x, y, r = rng.integers(0, side, 3)
        pen.ellipse((x - r / 4, y - r / 4, x + r / 4, y + r / 4), outline=ink, width=scale)
    for _ in range(12):
        pen.line(tuple(map(int, rng.integers(0, side, 4))), fill=ink, width=scale)
    for k in range(0, side // 3, (4 + number % 4) * scale):
        pen.line((k, side // 2, k + side // 6, side), fill=ink, width=scale)
    return shrunk(np.asarray(page), scale)


def draw_code(number: int, *, dark: int = 0, light: int = 255) -> Pixels:
    """A square code: random cells of 1 to 6 pixels in a quiet zone, three eyes."""
    rng = np.random.default_rng(number)
    count = (21, 25, 29, 33)[number % 4]
    cells = rng.integers(0, 2, (count, count))
    eye = np.zeros((7, 7), int)
    eye[1:-1, 1:-1], eye[2:-2, 2:-2] = 1, 0
    cells[:7, :7], cells[-7:, :7], cells[:7, -7:] = eye, eye, eye
    cells = np.pad(cells, 4, constant_values=1)
    cells = enlarged(cells.astype(np.uint8), (4, 3, 5, 2, 6, 1)[number % 6])
    cells = np.tile(cells, (1 + 64 // cells.shape[0],) * 2)
    return np.where(cells > 0, light, dark).astype(np.uint8)


def draw_barcode(number: int) -> Pixels:
    """Upright bars with digits below them."""
    rng = np.random.default_rng(number)
    bars = rng.integers(0, 2, 60).repeat(1 + number % 3)[:SIDE]
    pixels = np.full((100, bars.size + 20), 255, np.uint8)
    pixels[8:80, 10:-10] = 255 * bars
    page = Image.fromarray(pixels)
    digits = "".join(map(str, rng.integers(0, 10, 13)))
    ImageDraw.Draw(page).text((10, 84), digits, fill=0, font=ImageFont.load_default(12))
    return np.asarray(page)


def photo(number: int, side: int = SIDE, *, gray: bool = False) -> Pixels:
    """A piece of a photograph, reduced by two, which leaves no noise to speak of."""
    name = ("coffee", "chelsea", "astronaut", "rocket")[number % 4]
    whole = getattr(data, name)()[..., :3]
    top = (17 * number) % max(1, whole.shape[0] - 2 * side)
    left = (29 * number) % max(1, whole.shape[1] - 2 * side)
    small = shrunk(whole[top : top + 2 * side, left : left + 2 * side], 2)
    return np.asarray(Image.fromarray(small).convert("L")) if gray else small


def dithered(number: int) -> Pixels:
    """Floyd and Steinberg's."""
    return np.asarray(Image.fromarray(photo(number, gray=True)).convert("1").convert("L"))


def ordered(number: int) -> Pixels:
    """Bayer's matrix of 2, 4 or 8."""
    matrix = np.zeros((1, 1))
    for _ in range(1 + number % 3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    gray = photo(number, gray=True) / 255
    rows, columns = np.indices(gray.shape) % len(matrix)
    return np.where(gray > (matrix[rows, columns] + 0.5) / matrix.size, 255, 0).astype(np.uint8)


def halftone(number: int) -> Pixels:
    """Round dots on a grid, the larger the darker."""
    gray, step = photo(number, gray=True) / 255, 4 + number % 4
    rows, columns = np.indices(gray.shape)
    wave = (np.cos(2 * np.pi * rows / step) + np.cos(2 * np.pi * columns / step)) / 4 + 0.5
    return np.where(gray > wave, 255, 0).astype(np.uint8)


def quantised(number: int, *, colours: int, dither: bool) -> Pixels:
    """A palette's picture."""
    how = Image.Dither.FLOYDSTEINBERG if dither else Image.Dither.NONE
    found = Image.fromarray(photo(number)).convert(
        "P", palette=Image.Palette.ADAPTIVE, colors=colours, dither=how
    )
    return np.asarray(found.convert("RGB"))


def few_grays(number: int) -> Pixels:
    """Four levels of gray, dithered."""
    levels = Image.new("P", (1, 1))
    levels.putpalette([v for v in (0, 85, 170, 255) for _ in range(3)])
    gray = Image.fromarray(photo(number, gray=True)).convert("RGB")
    return np.asarray(gray.quantize(palette=levels, dither=Image.Dither.FLOYDSTEINBERG).convert("L"))


def silhouette(number: int) -> Pixels:
    """A horse in two levels, or a blot."""
    if number % 2 == 0:
        horse = np.asarray(data.horse()).astype(np.uint8) * 255
        return horse[(number % 3) * 60 :][:SIDE, (number % 5) * 30 :][:, :SIDE]
    rows, columns = np.indices((SIDE, SIDE)) / SIDE - 0.5
    angle, radius = np.arctan2(rows, columns), np.hypot(rows, columns)
    rim = 0.3 + 0.1 * np.cos((3 + number % 7) * angle) + 0.02 * np.cos(31 * angle + number)
    return np.where(radius < rim, number % 3 * 15, 255 - number % 4 * 5).astype(np.uint8)


def chart(number: int, *, scale: int = 1) -> Pixels:
    """A grid, one thin curve, a frame, a few marks."""
    rng = np.random.default_rng(number)
    side = SIDE * scale
    page = Image.new("RGB", (side, side), ("white", "#f8f8f8", "#101418", "white")[number % 4])
    pen = ImageDraw.Draw(page)
    for k in range(0, side, 16 * scale):
        pen.line((k, 0, k, side - 1), fill=(200, 200, 200), width=scale)
        pen.line((0, k, side - 1, k), fill=(200, 200, 200), width=scale)
    waves = [(i, side * (0.5 + 0.3 * np.sin(i / side * (6 + number)))) for i in range(side)]
    pen.line(waves, fill=("red", "blue", "lime")[number % 3], width=scale)
    for x, y in rng.integers(8 * scale, side - 8 * scale, (20, 2)):
        pen.ellipse((x - 2 * scale, y - 2 * scale, x + 2 * scale, y + 2 * scale), fill="green")
    pen.rectangle((0, 0, side - 1, side - 1), outline="black", width=scale)
    return shrunk(np.asarray(page), scale)


def scatter(number: int) -> Pixels:
    """Points of one pixel, as a plot without smoothing has them, along a line."""
    rng = np.random.default_rng(number)
    pixels = np.full((SIDE, SIDE, 3), 255, np.uint8)
    pixels[10, 10:-10] = pixels[10:-10, 10] = 0
    x = rng.uniform(12, SIDE - 12, 400)
    y = np.clip(x + rng.normal(0, 12, 400), 12, SIDE - 12)
    pixels[y.astype(int), x.astype(int)] = (31, 119, 180)
    return pixels


def country_map(number: int) -> Pixels:
    """Countries in flat colours, with borders."""
    rng = np.random.default_rng(number)
    seeds = rng.uniform(0, SIDE, (24, 2))
    rows, columns = np.indices((SIDE, SIDE))
    owner = np.argmin([(rows - y) ** 2 + (columns - x) ** 2 for y, x in seeds], 0)
    pixels = rng.integers(60, 256, (24, 3))[owner].astype(np.uint8)
    border = (owner != np.roll(owner, 1, 0)) | (owner != np.roll(owner, 1, 1))
    pixels[border] = 0 if number % 3 else 255
    return pixels


def sprites(number: int) -> Pixels:
    """Pixel art of eight colours: mirrored figures with an outline and a shade, on tiles of grass or sky."""
    rng = np.random.default_rng(number)
    colours = rng.integers(0, 256, (8, 3))
    colours[0], colours[1] = 0, 255
    sheet = np.full((96, 96), 2)
    sheet[rng.integers(0, 96, 150), rng.integers(0, 96, 150)] = 3
    for top in range(2, 90, 16):
        for left in range(2, 90, 16):
            half = np.pad(np.cumsum(rng.random((10, 5)) < 0.5, 1)[:, ::-1] > 1, 1)[:, :-1]
            body = np.concatenate([half, half[:, ::-1]], 1)[:, :12]
            rim = ~body & (
                np.roll(body, 1, 0) | np.roll(body, -1, 0) | np.roll(body, 1, 1) | np.roll(body, -1, 1)
            )
            tile = sheet[top : top + 12, left : left + 12]
            tile[body], tile[rim] = 4 + rng.integers(0, 4), 0
            tile[body & np.roll(rim, 1, 0)] = 1
    return enlarged(colours[sheet].astype(np.uint8), 1 + number % 4)[:SIDE, :SIDE]


def relief(number: int) -> Pixels:
    """Height in colours, with contour lines."""
    rng = np.random.default_rng(number)
    height = np.asarray(resize(rng.random((6, 6)), (SIDE, SIDE), order=3))
    step = (height * 10).astype(int)
    colours = rng.integers(40, 255, (20, 3))
    pixels = colours[step % 20].astype(np.uint8)
    pixels[(step != np.roll(step, 1, 0)) | (step != np.roll(step, 1, 1))] = 30
    return pixels


def constant(number: int) -> Pixels:
    """One colour."""
    return np.full((64, 80, 3), (97, 0, 255, 30, 200, 128)[number % 6], np.uint8)


def gradient(number: int) -> Pixels:
    """A ramp, straight or round, in 8 bits, of any contrast."""
    rows, columns = np.indices((SIDE, SIDE)) / SIDE
    shape = (rows, columns, (rows + columns) / 2, np.hypot(rows - 0.5, columns - 0.5))[number % 4]
    low, high = ((0, 255), (40, 200), (100, 130), (0, 20), (235, 255))[number % 5]
    return np.round(low + (high - low) * shape / shape.max()).astype(np.uint8)


def checker(number: int) -> Pixels:
    """Squares of 1 to 4 pixels, of two levels."""
    low, high = ((0, 255), (60, 190), (0, 128), (120, 136), (30, 255))[number % 5]
    size = 1 + number % 4
    cells = np.indices((160, 160)) // size
    return np.where(cells.sum(0) % 2, high, low).astype(np.uint8)


def weave(number: int) -> Pixels:
    """Threads over and under, 2 to 4 pixels wide, shaded round."""
    size = 1 + number % 4
    rows, columns = np.indices((160, 160))
    over = (rows // size + columns // size) % 2 == 0
    across = np.sin(np.pi * (rows % size + 0.5) / size)
    down = np.sin(np.pi * (columns % size + 0.5) / size)
    shade = np.where(over, 60 + 150 * across, 40 + 120 * down)
    return np.stack([shade, 0.9 * shade, 0.7 * shade], -1).round().astype(np.uint8)


def stars(number: int, *, points: bool = False) -> Pixels:
    """A sky of stars with a lens's blur, or of single pixels, of any brightness."""
    rng = np.random.default_rng(number)
    sky = np.zeros((SIDE, SIDE)) if number % 3 else np.indices((SIDE, SIDE))[0] / SIDE * 25
    count = (60, 250, 600)[number % 3]
    light = np.minimum(20 * rng.pareto(1.0, count) + 15, 600)
    rows, columns = np.indices((SIDE, SIDE))
    for (y, x), value in zip(rng.uniform(0, SIDE, (count, 2)), light, strict=True):
        if points:
            sky[int(y), int(x)] += value
        else:
            sky = sky + value * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 0.9**2))
    return sky.clip(0, 255).round().astype(np.uint8)


def rings(number: int) -> Pixels:
    """A zone plate: every frequency up to the finest, or to half of it."""
    rows, columns = np.indices((SIDE, SIDE)) - SIDE / 2
    rate = np.pi / SIDE / (1 + number % 2)
    wave = np.cos(rate * (rows**2 + columns**2))
    wave = np.sign(wave) if number % 4 == 2 else wave
    return (127.5 + (127.5, 60, 20)[number % 3] * wave).round().clip(0, 255).astype(np.uint8)


def circles(number: int) -> Pixels:
    """Thin circles around one middle."""
    page = Image.new("L", (SIDE, SIDE), 255)
    for r in range(10, 90, 5 + number % 5):
        ImageDraw.Draw(page).ellipse((96 - r, 96 - r, 96 + r, 96 + r), outline=0)
    return np.asarray(page)


def screenshot(number: int) -> Pixels:
    """A window: bars, words, buttons and a photograph."""
    dark = number % 2
    page = Image.new("RGB", (256, SIDE), (30, 30, 34) if dark else "white")
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, 0, 255, 18), fill=(50, 50, 58) if dark else (225, 228, 232))
    ink = (220, 220, 210) if dark else "black"
    for k in range(6):
        pen.text((6, 26 + 15 * k), " ".join(WORDS[k : k + 4]), fill=ink, font=ImageFont.load_default(11))
        pen.rounded_rectangle((6 + 40 * k, 170, 40 + 40 * k, 186), 4, fill=(60, 120, 220))
    page.paste(Image.fromarray(photo(number, 100)), (148, 26))
    return np.asarray(page)


def page_in_1_bit(number: int) -> Pixels:
    """A page of text that was scanned and made black and white."""
    if number % 2 == 0:
        page = (data.page() > 130).astype(np.uint8) * 255
        return page[:, (number * 20) % 150 :][:, :SIDE]
    return draw_text(number, paper="white", ink="black", smooth=False, mode="L")


def texture(number: int) -> Pixels:
    """A piece of a picture of stuff."""
    name = ("brick", "grass", "gravel", "moon", "retina")[number % 5]
    whole = getattr(data, name)()
    top, left = ((37 + 91 * number) % (n - 256) for n in whole.shape[:2])
    return np.ascontiguousarray(whole[top : top + 256, left : left + 256])


def installed(number: int) -> Pixels:
    """A picture that a package ships; those that hold noise are left out (see ``test_clean``)."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "sample_data"
    shipped = ("grace_hopper.jpg", "Minduka_Present_Blue_Pack.png", "logo2.png")
    names = "page text colorwheel coffee chelsea rocket camera coins clock logo checkerboard cell".split()  # noqa: SIM905 - to be read
    number %= len(names) + len(shipped) + 1
    if number < len(names):
        return np.asarray(getattr(data, names[number])())[:512, :512]
    if number < len(names) + len(shipped):
        return np.asarray(Image.open(folder / shipped[number - len(names)]).convert("RGB"))
    return np.round(255 * np.asarray(data.shepp_logan_phantom())).astype(np.uint8)


KINDS: dict[str, Draw] = {
    "black on white": lambda n: draw_text(n, paper="white", ink="black"),
    "white on black": lambda n: draw_text(n, paper="black", ink="white"),
    "hard-edged text": lambda n: draw_text(n, paper="white", ink="black", smooth=False),
    "dark theme": lambda n: draw_text(n, paper="#1e1e1e", ink="#dcdcc8"),
    "paper and sepia": lambda n: draw_text(n, paper="#f4ecd8", ink="#5b4636"),
    "JPEG of text": lambda n: as_jpeg(
        draw_text(
            n, paper=("white", "#eeeeee", "#202020")[n % 3], ink=("black", "#333333", "#dddddd")[n % 3]
        ),
        (85, 75, 95, 60)[n % 4],
    ),
    "line art": draw_lines,
    "smooth line art": lambda n: draw_lines(n, scale=3),
    "chalk": lambda n: draw_lines(n, scale=2, paper=40, ink=230),
    "square code": draw_code,
    "gray code": lambda n: draw_code(n, dark=20, light=235),
    "bar code": draw_barcode,
    "Floyd-Steinberg": dithered,
    "ordered dither": ordered,
    "halftone": halftone,
    "four grays": few_grays,
    "silhouette": silhouette,
    "chart": chart,
    "smooth chart": lambda n: chart(n, scale=2),
    "scatter": scatter,
    "map": country_map,
    "relief": relief,
    "pixel art": sprites,
    "constant": constant,
    "gradient": gradient,
    "checker": checker,
    "weave": weave,
    "stars": stars,
    "points of stars": lambda n: stars(n, points=True),
    "rings": rings,
    "circles": circles,
    "screenshot": screenshot,
    "JPEG of a screenshot": lambda n: as_jpeg(screenshot(n), 85),
    "8 colours": lambda n: quantised(n, colours=8, dither=False),
    "16 colours, dithered": lambda n: quantised(n, colours=16, dither=True),
    "64 colours, dithered": lambda n: quantised(n, colours=64, dither=True),
    "page in 1 bit": page_in_1_bit,
    "texture": texture,
    "photograph": photo,
    "installed": installed,
}


def pictures(numbers: range) -> Iterator[tuple[str, Pixels]]:
    """Name and pixels of every kind's pictures of these numbers."""
    for kind, draw in KINDS.items():
        for number in numbers:
            yield f"{kind} {number}", draw(number)
