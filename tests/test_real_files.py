"""Files as people have them, made here: what is unusual in them comes back, or is refused before any work."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, PngImagePlugin
from refusals import refused
from runs import open_whole

from ipse.batch import restore_many
from ipse.cli.task import Files, job
from ipse.errors import OutputError, PictureError
from ipse.pictures import Picture, encode, from_array, from_pil, read, to_pil
from ipse.runs.job import Job, default_target
from ipse.settings import Settings

RNG = np.random.default_rng(0)
GRAY = np.kron(RNG.integers(0, 256, (8, 8)), np.ones((8, 8))).astype(np.uint8)
COLOUR = np.dstack([GRAY, GRAY[::-1], GRAY[:, ::-1]])


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, bits: int, kind: int, *chunks: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def again(picture: Picture, form: str) -> Picture:
    return read(io.BytesIO(encode(picture, format=form)))


class TestLab:
    """Near gray, a* and b* are a little above or below 0: these must be neighbours."""

    LAB = np.dstack([GRAY, (GRAY % 9 - 4).astype(np.int8).view(np.uint8), GRAY // 255])

    @pytest.mark.parametrize("kind", [np.uint8, np.uint16])
    def test_tiff(self, kind: type, tmp_path: Path) -> None:
        stored = self.LAB.astype(kind) * np.array(257 if kind is np.uint16 else 1, kind)
        tifffile.imwrite(tmp_path / "a.tif", stored, photometric="cielab")
        found = read(tmp_path / "a.tif")
        assert found.model == "lab"
        assert np.ptp(found.pixels[1]) < 0.05
        (tmp_path / "b.tif").write_bytes(encode(found, format="TIFF"))
        assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), stored)

    def test_pillow(self) -> None:
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        neutral = Image.fromarray(np.dstack([GRAY // 255 * 3 + 120] * 3).astype(np.uint8))
        image = ImageCms.profileToProfile(neutral, srgb, lab, outputMode="LAB")
        assert image is not None
        found = from_pil(image)
        assert np.abs(found.pixels[1:] - 128 / 255).max() < 0.02
        assert to_pil(found).tobytes() == image.tobytes()


@pytest.mark.parametrize("bits", [2, 4, 10, 12, 14])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_packed_bits_are_as_bright_as_viewers_show_them(bits: int, photometric: str, tmp_path: Path) -> None:
    most, kind = 2**bits - 1, np.uint8 if bits <= 8 else np.uint16
    levels = np.rint(GRAY / 255 * most).astype(kind)
    stored = levels if photometric == "minisblack" else (most - levels).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", stored, bitspersample=bits, photometric=photometric)
    found = read(tmp_path / "a.tif")
    assert np.abs(found.pixels[0] - levels / most).max() < 1e-4
    written = again(found, "TIFF")
    assert np.array_equal(np.rint(written.pixels[0] * most), levels)


class TestRaw:
    TAGS = ((50706, "B", 4, (1, 4, 0, 0), True),)
    MOSAIC = ((33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True))

    def test_a_preview_before_a_mosaic(self, tmp_path: Path) -> None:
        with tifffile.TiffWriter(tmp_path / "a.dng") as tif:
            tif.write(COLOUR[:32, :32], photometric="rgb", subfiletype=1, subifds=1, extratags=self.TAGS)
            tif.write(GRAY.astype(np.uint16), photometric="cfa", subfiletype=0, extratags=self.MOSAIC)
        with refused(PictureError, tmp_path / "a.dng", "raw", "preview", "32×32"):
            read(tmp_path / "a.dng")

    def test_a_mosaic(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", GRAY, photometric="cfa", extratags=self.MOSAIC)
        with refused(PictureError, tmp_path / "a.tif", "mosaic"):
            read(tmp_path / "a.tif")


class TestFormats:
    def test_several_clear_entries_in_a_gif(self) -> None:
        palette = np.array([[0, 0, 0, 0], [9, 9, 9, 0], [200, 0, 0, 255], [3, 4, 5, 255]], np.uint8)
        samples = (np.arange(64) % 4).astype(np.uint8).reshape(8, 8)
        picture = Picture(
            samples, alpha=palette[samples][..., 3], model="palette", palette=palette, format="GIF"
        )
        found = again(picture, "GIF")
        assert found.alpha is not None
        assert picture.alpha is not None
        assert np.array_equal(found.alpha > 0, picture.alpha > 0)
        shown = picture.alpha > 0
        assert np.array_equal(found.colours[shown], picture.colours[shown])

    @pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "TGA"])
    def test_bits_with_a_clear_colour(self, form: str) -> None:
        rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(GRAY > 128, axis=1))
        data = png(64, 64, 1, 0, chunk(b"tRNS", b"\0\1"), chunk(b"IDAT", zlib.compress(rows)))
        found = read(io.BytesIO(data))
        written = again(found, form)
        assert written.alpha is not None
        assert np.array_equal(written.alpha > 0, GRAY <= 128)
        assert np.array_equal(written.pixels[0] > 0.5, GRAY > 128)

    def test_a_gray_profile_is_not_that_of_colours(self) -> None:
        profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        profile[16:20] = b"GRAY"
        image = Image.fromarray(GRAY)
        image.info["icc_profile"] = bytes(profile)
        picture = from_pil(image)
        assert again(picture, "PNG").metadata.icc == bytes(profile)
        assert again(picture, "WEBP").metadata.icc is None

    @pytest.mark.parametrize("what", ["xmp", "exif"])
    def test_what_does_not_fit_is_known_before_the_fit(self, what: str, tmp_path: Path) -> None:
        info, exif = PngImagePlugin.PngInfo(), Image.Exif()
        if what == "xmp":
            info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>" + "<e/>" * 40000 + "</x:xmpmeta>")
        else:
            exif[270] = "a" * 70000
        Image.fromarray(GRAY).save(tmp_path / "a.png", pnginfo=info, exif=exif)
        with refused(OutputError, tmp_path / "a.jpg", "JPEG cannot store", "too long"):
            open_whole(Job("denoise", tmp_path / "a.png", tmp_path / "a.jpg"))
        open_whole(Job("denoise", tmp_path / "a.png", tmp_path / "b.png"))


class TestDefaultTarget:
    """Where nobody says where the result goes, it goes where it can."""

    PGM = b"P5\n64 64\n65535\n" + (GRAY.astype(">u2") * 257).tobytes()
    PFM = b"Pf\n64 64\n-1.0\n" + (GRAY * 1.5).astype("<f4").tobytes()
    BMP = struct.pack("<2sIHHI", b"BM", 14 + 124 + 4 * 64 * 64, 0, 0, 138) + struct.pack(
        "<IiiHHIIiiII4I4s48x16x",
        124,
        64,
        64,
        1,
        32,
        3,
        4 * 64 * 64,
        0,
        0,
        0,
        0,
        0xFF0000,
        0xFF00,
        0xFF,
        0xFF000000,
        b"BGRs",
    )

    @pytest.mark.parametrize(
        ("name", "data", "kind"),
        [
            ("a.pgm", PGM, ".png"),
            ("a.pfm", PFM, ".tif"),
            ("a.bmp", BMP + np.dstack([COLOUR, GRAY]).tobytes(), ".png"),
            ("b.pgm", b"P5\n64 64\n255\n" + GRAY.tobytes(), ".pgm"),
            ("no.pgm", b"nothing", ".pgm"),
        ],
    )
    def test_deep(self, name: str, data: bytes, kind: str, tmp_path: Path) -> None:
        (tmp_path / name).write_bytes(data)
        target = default_target("denoise", tmp_path / name)
        assert target.suffix == kind
        if name != "no.pgm":
            open_whole(Job("denoise", tmp_path / name, target))

    def test_a_folder_is_where_one_picture_goes_too(self, tmp_path: Path) -> None:
        Image.fromarray(GRAY).save(tmp_path / "a.png")
        (tmp_path / "out").mkdir()
        made = job("denoise", Files(picture=[tmp_path / "a.png"], output=tmp_path / "out"), Settings(), {})
        assert made.target == tmp_path / "out" / "a_ipse.png"


def test_a_picture_of_a_batch_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr("ipse.runs.job.read", lambda source: seen.append(source) or read(source))
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    made = list(restore_many([tmp_path / "a.png"], task="denoise", output=tmp_path / "out"))
    assert [one.state for one in made] == ["done"]
    assert len(seen) == 1


class TestTiffTags:
    def test_no_resolution_stays_none(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", GRAY)
        (tmp_path / "b.tif").write_bytes(encode(read(tmp_path / "a.tif"), format="TIFF"))
        with tifffile.TiffFile(tmp_path / "b.tif") as tif:
            assert int(tif.pages[0].tags[296].value) == 1  # no unit

    @pytest.mark.parametrize("kind", ["imagej", "ome", "shaped"])
    def test_the_first_plane_of_a_stack_is_a_tiff_of_one(self, kind: str, tmp_path: Path) -> None:
        how = {"imagej": {"imagej": True}, "ome": {"ome": True}, "shaped": {"photometric": "minisblack"}}[
            kind
        ]
        tifffile.imwrite(tmp_path / "a.tif", np.stack([GRAY] * 3), metadata={"axes": "ZYX"}, **how)
        (tmp_path / "b.tif").write_bytes(encode(read(tmp_path / "a.tif"), format="TIFF"))
        assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), GRAY)
        with tifffile.TiffFile(tmp_path / "b.tif") as tif:
            assert not tif.is_imagej
            assert not tif.is_ome

    def test_a_description_by_people_stays(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", GRAY, description="Grandmother, 1931", metadata=None)
        assert b"Grandmother, 1931" in encode(read(tmp_path / "a.tif"), format="TIFF")


class TestBombs:
    PNG = png(60000, 60000, 8, 2, chunk(b"IDAT", zlib.compress(b"\0" * 100)))
    ICO = struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(PNG), 22) + PNG
    ICNS = struct.pack(">4sI4sI", b"icns", 16 + len(PNG), b"ic09", 8 + len(PNG)) + PNG

    @pytest.mark.parametrize("data", [ICO, ICNS])
    def test_within_an_icon(self, data: bytes, tmp_path: Path) -> None:
        (tmp_path / "a.ico").write_bytes(data)
        with refused(PictureError, tmp_path / "a.ico", "pixels"):
            read(tmp_path / "a.ico")

    def test_of_samples_a_pixel(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", GRAY)
        data = bytearray((tmp_path / "a.tif").read_bytes())
        with tifffile.TiffFile(tmp_path / "a.tif") as tif:
            tags = tif.pages[0].tags
            for name in ("ImageWidth", "ImageLength"):
                struct.pack_into("<HII", data, tags[name].offset + 2, 4, 1, 9000)
            struct.pack_into("<HIHH", data, tags["SamplesPerPixel"].offset + 2, 3, 1, 60000, 0)
        (tmp_path / "a.tif").write_bytes(data)
        with refused(PictureError, tmp_path / "a.tif", "samples"):
            read(tmp_path / "a.tif")


class TestJpegs:
    @staticmethod
    def jpeg(mode: str = "RGB", **options: object) -> bytes:
        stream = io.BytesIO()
        noise = RNG.integers(0, 60, (64, 64, 3)) - 30
        smooth = np.clip(np.dstack([np.add.outer(np.arange(64), np.arange(64)) * 2] * 3) + noise, 0, 255)
        Image.fromarray(smooth.astype(np.uint8)).convert(mode).save(
            stream, "JPEG", **{"quality": 40} | options
        )
        return stream.getvalue()

    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
    @pytest.mark.parametrize("progressive", [False, True])
    def test_without_its_end(self, mode: str, progressive: bool) -> None:
        data = self.jpeg(mode, progressive=progressive)
        found, whole = read(io.BytesIO(data[:-2])), read(io.BytesIO(data))
        assert np.array_equal(found.samples, whole.samples)
        assert bool(found.notes) == progressive
        assert found.jpeg is not None
        assert np.array_equal(found.jpeg.coefficients[0], whole.jpeg.coefficients[0])  # pyright: ignore

    @pytest.mark.parametrize("mode", ["RGB", "L"])
    def test_cut_within(self, mode: str) -> None:
        data = self.jpeg(mode)
        found, whole = read(io.BytesIO(data[: len(data) * 3 // 4])), read(io.BytesIO(data))
        assert np.array_equal(found.samples[:8], whole.samples[:8])
        assert "rows" in found.notes[0]
        with pytest.raises(PictureError, match="damaged or cut short"):
            read(io.BytesIO(data[: data.index(b"\xff\xda") + 16]))

    @pytest.mark.parametrize(("marker", "word"), [(b"\xff\xc1", "12 bits"), (b"\xff\xf7", "JPEG-LS")])
    def test_of_other_kinds_is_not_called_damaged(self, marker: bytes, word: str, tmp_path: Path) -> None:
        data = self.jpeg().replace(b"\xff\xc0\x00\x11\x08", marker + b"\x00\x11\x0c")
        (tmp_path / "a.jpg").write_bytes(data)
        with refused(PictureError, tmp_path / "a.jpg", word, "not read"):
            read(tmp_path / "a.jpg")


def test_arrays_are_as_they_were() -> None:
    assert np.array_equal(from_array(COLOUR).to_array(), COLOUR)
