"""What a mask marks is decided band by band as it is of the whole, and a window of it is that of the whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from dusty import SIZE, WAVES, dust, given
from PIL import Image

from ipse.pictures import Picture, known_of, mask_for, read, read_mask
from ipse.pictures.large import opened
from ipse.pictures.large.mask import known_in


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGB", "RGBA", "I;16", "layer", "0 and 1", "blue"])
@pytest.mark.parametrize("polarity", ["auto", "white-is-known"])
def test_a_mask_is_read_as_it_is_in_memory(
    mode: str, polarity: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    given(tmp_path, dust())
    gray = Image.fromarray(np.uint8(255) * dust())
    made = gray.convert(mode) if len(mode) < 5 and mode not in {"I;16", "blue"} else gray
    if mode == "I;16":
        made = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    elif mode == "layer":
        made = Image.new("RGBA", gray.size, (255, 0, 0, 0))
        made.putalpha(gray)
    elif mode == "0 and 1":
        made = Image.fromarray(np.asarray(gray) // 255)
    elif mode == "blue":
        made = Image.merge("RGB", [Image.new("L", gray.size)] * 2 + [gray])
    made.save(tmp_path / "mask.png")
    wanted = read_mask(tmp_path / "mask.png", read(tmp_path / "in.tif"), polarity=polarity)
    monkeypatch.setattr("ipse.pictures.shown.ROOM", 7 * SIZE[1])
    source = opened(tmp_path / "in.tif")
    assert source is not None
    found = known_in(tmp_path / "mask.png", source, polarity=polarity)
    assert (found.said, found.inverted) == (wanted.said, wanted.inverted)
    assert found.share == pytest.approx(wanted.share)
    place = slice(20, 90), slice(3, 120)
    np.testing.assert_array_equal(found[place], wanted.known[place])


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_of_the_upright_view_is_turned_window_by_window(orientation: int) -> None:
    picture, upright = Picture.from_array(WAVES), dust().T
    found = known_of(Picture.from_array(upright), picture, orientation)
    whole = found[slice(0, SIZE[0]), slice(0, SIZE[1])]
    assert (~whole).sum() == dust().sum()
    np.testing.assert_array_equal(found[slice(9, 77), slice(31, 120)], whole[9:77, 31:120])


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_bands_decide_the_polarity_as_the_whole_does(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = np.random.default_rng(1).random(SIZE) < share
    picture = Picture.from_array(np.where(missing, 17, WAVES).astype(np.uint8))
    wanted = [mask_for(marks, picture) for marks in (missing, ~missing)]
    monkeypatch.setattr("ipse.pictures.shown.ROOM", 5 * SIZE[1])
    for marks, whole in zip((missing, ~missing), wanted, strict=True):
        found = known_of(Picture.from_array(marks), picture)
        assert (found.said, found.inverted) == (whole.said, whole.inverted)
        assert "one colour" in found.said


def test_a_mask_may_be_a_zarr_folder_or_a_tiff_in_strips(tmp_path: Path) -> None:
    given(tmp_path, dust())
    pytest.importorskip("zarr").save_array(str(tmp_path / "mask.zarr"), np.uint8(255) * dust())
    tifffile.imwrite(tmp_path / "mask.tif", np.uint8(255) * dust(), rowsperstrip=3)
    source = opened(tmp_path / "in.tif")
    assert source is not None
    for name in ("mask.zarr", "mask.tif"):
        found = known_in(tmp_path / name, source)
        np.testing.assert_array_equal(found[slice(5, 99), slice(0, 80)], ~dust()[5:99, :80])
