"""The server's folder: nothing in it that this program did not make is ever removed."""

from pathlib import Path

import pytest

from ipse.errors import OutputError
from ipse.web.store import MARK, Store

THEIRS = ("pictures/Holiday/IMG_1.jpg", "jobs/client/invoice.pdf", "incoming/scan.tif")


def fill(root: Path) -> None:
    for name in THEIRS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("theirs")


def test_a_folder_of_somebody_else_is_refused_and_left_alone(tmp_path):
    fill(tmp_path)
    with pytest.raises(OutputError, match="empty folder"):
        Store(tmp_path)
    assert all((tmp_path / name).read_text() == "theirs" for name in THEIRS)
    assert not (tmp_path / MARK).exists()


def test_a_home_is_refused(tmp_path):
    (tmp_path / ".profile").write_text("theirs")
    with pytest.raises(OutputError, match="empty folder"):
        Store(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".profile"]


def test_what_others_put_into_the_folder_later_stays(tmp_path):
    Store(tmp_path).close()
    fill(tmp_path)
    Store(tmp_path).close()
    assert all((tmp_path / name).read_text() == "theirs" for name in THEIRS)


@pytest.mark.parametrize("record", ["", "{}", "[]", "null", '{"id": 3}', "\x00\xff"])
@pytest.mark.parametrize("kind", ["pictures", "jobs"])
def test_a_record_that_cannot_be_read_is_moved_aside_with_its_files(tmp_path, kind, record):
    Store(tmp_path).close()
    folder = tmp_path / kind / "0123456789abcdef"
    folder.mkdir()
    (folder / "record.json").write_text(record)
    (folder / "photo.png").write_text("theirs")
    Store(tmp_path).close()
    assert not folder.exists()
    (kept,) = (tmp_path / "unreadable" / kind).iterdir()
    assert (kept / "photo.png").read_text() == "theirs"


def test_a_folder_of_the_version_before_is_taken(tmp_path):
    for name in ("pictures", "jobs", "incoming"):
        (tmp_path / name).mkdir()
    (tmp_path / "lock").touch()
    Store(tmp_path).close()
    assert (tmp_path / MARK).exists()
