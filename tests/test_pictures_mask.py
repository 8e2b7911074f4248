"""One mask contract: whatever marks the hole, it is found, and what was taken for it is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from skimage import data

from ipse.errors import MaskError, OptionError
from ipse.pictures import Metadata, Picture, from_array, mask_for, mask_of, read, read_mask
from ipse.pictures.metadata import oriented

PHOTO = data.astronaut()[60:160, 170:300]
PICTURE = from_array(PHOTO)
HOLE = np.zeros(PICTURE.size, bool)
HOLE[20:40, 30:80] = True
PAPER = Path(__file__).resolve().parents[2] / "shared/data/paper/inpainting"


def image(marks: np.ndarray, mode: str) -> Image.Image:
    """A mask picture in a mode, white where marked."""
    gray = Image.fromarray((marks * 255).astype(np.uint8))
    if mode == "I;16":
        return Image.fromarray((marks * 65535).astype(np.uint16))
    if mode == "clear layer":  # painted on a transparent layer, in one colour
        layer = Image.new("RGBA", gray.size, (255, 0, 0, 0))
        layer.putalpha(gray)
        return layer
    if mode == "0 and 1":
        return Image.fromarray(marks.astype(np.uint8))
    if mode == "blue":
        return Image.merge("RGB", [Image.new("L", gray.size), Image.new("L", gray.size), gray])
    return gray.convert(mode)


@pytest.mark.parametrize(
    "mode", ["L", "1", "P", "LA", "RGB", "RGBA", "I;16", "F", "clear layer", "0 and 1", "blue"]
)
@pytest.mark.parametrize("white_known", [False, True])
def test_any_mask_picture(mode: str, white_known: bool, tmp_path: Path) -> None:
    path = tmp_path / ("mask.tif" if mode == "F" else "mask.png")
    image(~HOLE if white_known else HOLE, mode).save(path)
    mask = read_mask(path, PICTURE)
    assert np.array_equal(mask.known, ~HOLE)
    assert mask.inverted == white_known
    assert mask.share == pytest.approx(HOLE.mean())
    word = {"clear layer": ("opaque", "clear")}.get(mode, ("white", "black"))[white_known]
    assert mask.said == f"{word} marks the pixels to fill: 7.7 % of the picture (the smaller part)"


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32, np.int64])
def test_arrays(dtype: Any) -> None:
    assert np.array_equal(mask_for(HOLE.astype(dtype), PICTURE).known, ~HOLE)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("fill", [0, 255, 128])
@pytest.mark.parametrize("white_known", [False, True])
def test_lost_pixels_tell_the_polarity(share: float, fill: int, white_known: bool) -> None:
    known = np.random.default_rng(1).random(PICTURE.size) < share
    damaged = from_array(np.where(known[..., None], PHOTO, np.uint8(fill)))
    mask = mask_for(known if white_known else ~known, damaged)
    assert np.array_equal(mask.known, known)
    assert mask.inverted == white_known
    assert "one colour" in mask.said


def test_a_large_lost_frame_is_found() -> None:
    known = np.zeros(PICTURE.size, bool)
    known[30:70, 30:90] = True
    damaged = from_array(PHOTO * known[..., None])
    for marks in (known, ~known):
        assert np.array_equal(mask_for(marks, damaged).known, known)


def test_a_plain_background_is_not_taken_for_lost() -> None:
    scene = np.full((100, 130, 3), 255, np.uint8)
    scene[40:60, 50:80] = PHOTO[40:60, 50:80]
    brush = np.zeros((100, 130), bool)
    brush[35:65, 45:85] = True
    for marks in (brush, ~brush):
        assert np.array_equal(mask_for(marks, from_array(scene)).known, ~brush)


def test_told_polarity_is_obeyed() -> None:
    told = mask_for(HOLE, PICTURE, polarity="white-is-known")
    assert np.array_equal(told.known, HOLE)
    assert "as told" in told.said
    assert np.array_equal(mask_for(HOLE, PICTURE, polarity="white-is-hole").known, ~HOLE)
    with pytest.raises(OptionError, match=r"'white'.*white-is-hole"):
        mask_for(HOLE, PICTURE, polarity="white")  # pyright: ignore[reportArgumentType]


def test_equal_parts_are_a_guess_that_is_said() -> None:
    marks = np.zeros(PICTURE.size, bool)
    marks[:50] = True
    mask = mask_for(marks, PICTURE)
    assert np.array_equal(mask.known, ~marks)
    assert "guess" in mask.said


def test_soft_edges_are_filled_too() -> None:
    canvas = Image.new("L", PICTURE.size[::-1])
    ImageDraw.Draw(canvas).ellipse((30, 30, 70, 60), fill=255)
    soft = np.asarray(canvas.resize((65, 50)).resize(canvas.size, Image.Resampling.BICUBIC))
    mask = mask_for(soft, PICTURE)
    assert np.array_equal(mask.known, soft == 0)
    assert "soft" in mask.said
    assert "soft" not in mask_for(HOLE, PICTURE).said
    inverse = mask_for(255 - soft, PICTURE, polarity="white-is-known")
    assert np.array_equal(inverse.known, soft == 0)
    noisy = np.clip(
        soft + np.random.default_rng(0).integers(-12, 13, soft.shape), 0, 255
    )  # as JPEG leaves them
    assert np.array_equal(mask_for(noisy, PICTURE).known, noisy <= 25)


class TestMarksOnThePicture:
    """People save a copy of the photograph with the scratch painted over, or erased."""

    @pytest.mark.parametrize("paint", [(255, 0, 0), (255, 255, 255), None])
    @pytest.mark.parametrize("orientation", [1, 3])
    def test_what_differs_is_filled(self, paint: "tuple[int, int, int] | None", orientation: int) -> None:
        picture = Picture(PHOTO, model="rgb", metadata=Metadata(exif=oriented(orientation)))
        drawn = PHOTO.copy()
        if paint is None:
            drawn = np.dstack([drawn, np.where(HOLE, 0, 255).astype(np.uint8)])
        else:
            drawn[HOLE] = paint
        mask = mask_for(drawn[::-1, ::-1] if orientation == 3 else drawn, picture)
        assert np.array_equal(mask.known, ~HOLE) or (mask.known | ~HOLE).mean() > 0.99
        assert "differs from the picture" in mask.said

    def test_a_drawing_that_is_like_its_picture_is_a_mask(self) -> None:
        plain = np.full((60, 80), 255, np.uint8)
        marks = plain.copy()
        marks[20:30, 20:40] = 0
        assert np.array_equal(mask_for(marks, Picture(plain)).known, marks > 0)


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_mask_drawn_where_people_see_the_scratch(orientation: int, lost: bool) -> None:
    side = min(PHOTO.shape[:2])
    scene = PHOTO[:side, :side].copy()
    hole = HOLE[:side, :side]
    if lost:
        scene[hole] = 255
    block = oriented(orientation)
    upright = ImageOps.exif_transpose
    drawn, seen = Image.fromarray(hole.astype(np.uint8)), Image.Exif()
    seen[0x0112] = orientation
    drawn.info["exif"] = seen.tobytes()
    shown = np.asarray(upright(drawn)) > 0
    picture = Picture(scene, model="rgb", metadata=Metadata(exif=block))
    assert np.array_equal(mask_for(shown, picture).known, ~hole)
    stored_so = Picture(
        hole, metadata=Metadata(exif=block)
    )  # its file tells that it lies as the picture does
    assert np.array_equal(mask_of(stored_so, picture).known, ~hole)
    if lost:  # the picture tells
        assert np.array_equal(mask_for(hole, picture).known, ~hole)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_of_the_upright_view_is_turned(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    picture = Picture(PHOTO, model="rgb", metadata=Metadata(exif=block))
    drawn = Image.fromarray(HOLE.astype(np.uint8) * 255)
    drawn.info["exif"] = exif.tobytes()
    upright = np.asarray(ImageOps.exif_transpose(drawn))
    mask = mask_for(upright, picture)
    assert np.array_equal(mask.known, ~HOLE)
    assert ("orientation" in mask.said) == (orientation > 1)


def test_masks_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match=r"131×100.*130×100"):
        mask_for(np.eye(100, 131), PICTURE)
    for value, word in ((0, "black"), (255, "white")):
        with pytest.raises(MaskError, match=f"{word} all over"):
            mask_for(np.full(PICTURE.size, value, np.uint8), PICTURE)
    with pytest.raises(MaskError, match=r"no\.png"):
        read_mask(tmp_path / "no.png", PICTURE)
    with pytest.raises(MaskError, match="NaN"):
        mask_for(np.full(PICTURE.size, np.nan), PICTURE)


@pytest.mark.skipif(not PAPER.is_dir(), reason="the paper's pictures are not here")
@pytest.mark.parametrize("name", ["kate", "vase", "library"])
def test_the_papers_masks_mark_the_known_pixels(name: str) -> None:
    picture = read(PAPER / f"{name}.png")
    marks = np.asarray(Image.open(PAPER / f"{name}_mask.png").convert("L")) > 127
    mask = read_mask(PAPER / f"{name}_mask.png", picture)
    assert np.array_equal(mask.known, marks)
    assert mask.inverted
    for known in (marks, ~marks):  # the same mask drawn the editors' way, with the hole lost and not
        lost = picture.with_samples(picture.samples * marks[..., None])
        assert np.array_equal(mask_for(known, lost).known, marks)
        assert np.array_equal(mask_for(known, picture).known, marks)
