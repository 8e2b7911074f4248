"""Two runs into one output at the same time: one whole result, and each run says what happened."""

import dataclasses
import time
from pathlib import Path
from threading import Thread

import pytest
import stubs

from ipse.errors import OutputError
from ipse.pictures import files
from ipse.pictures.files import Content, write_files
from ipse.runs.job import Job
from ipse.runs.open import open_run
from ipse.runs.receipt import Receipt, beside, sha256
from ipse.settings import Settings


@pytest.mark.parametrize("overwrite", [False, True])
def test_one_of_two_results_is_whole(overwrite: bool, here: Path) -> None:
    job = Job("smooth", stubs.noisy(here / "in.png"), here / "out.png", overwrite=overwrite, snapshots=True)
    runs = [
        open_run(
            dataclasses.replace(job, options={"quiet_pilot": True}, settings=Settings(steps=3, seed=seed))
        )
        for seed in (1, 2)
    ]
    for _ in zip(*runs, strict=True):
        pass
    runs[1].finish()
    if overwrite:
        runs[0].finish()
    else:
        with pytest.raises(OutputError, match=r"out\.png: exists already"):
            runs[0].finish()
    said = Receipt.read(beside(here / "out.png"))
    assert said.settings["seed"] == (1 if overwrite else 2)
    assert said.output_sha256 == sha256((here / "out.png").read_bytes())
    assert {path.name.removeprefix("out.png") for path in here.iterdir()} == {
        "in.png", "", ".ipse.json", ".ipse.safetensors",
    }  # fmt: skip


def test_files_that_belong_together_are_of_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, names = files.publish, [tmp_path / "out.png", tmp_path / "out.png.ipse.json"]

    def publish(draft: Path, target: Path, *, overwrite: bool) -> None:
        data = draft.read_bytes()
        real(draft, target, overwrite=overwrite)
        if data == b"slow":
            time.sleep(0.3)

    def write(data: bytes) -> None:
        write_files(*(Content(name, data) for name in names))

    monkeypatch.setattr(files, "publish", publish)
    slow = Thread(target=write, args=[b"slow"])
    slow.start()
    while not names[0].exists():
        time.sleep(0.01)
    write(b"quick")
    slow.join()
    assert [name.read_bytes() for name in names] == [b"quick", b"quick"]
