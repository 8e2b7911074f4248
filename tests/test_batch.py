"""Many pictures: which are meant, what becomes of each, and what a second run finds done."""

import dataclasses
import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import stubs

from ipse import batch
from ipse.batch.abreast import Abreast
from ipse.batch.carried import carried
from ipse.batch.errands import Order
from ipse.batch.fits import fit
from ipse.batch.listing import Scan, listed
from ipse.batch.pairs import matched
from ipse.batch.records import Manifest, Moment, Record, append, read
from ipse.batch.watch import Watch
from ipse.errors import InputError, OptionError, OutputError, PictureError, RunError
from ipse.pictures.files import publish, write_files
from ipse.runs.job import Job
from ipse.runs.receipt import Receipt, beside
from ipse.settings import Settings

STEPS = Settings(steps=3)


@pytest.fixture
def folder(here):
    """Three pictures, one of them in a folder, and what is none."""
    Path("in/sub").mkdir(parents=True)
    Path("in/dir.png").mkdir()
    for index, name in enumerate(("a.png", "b.png", "sub/c.tif")):
        stubs.noisy(Path("in") / name, seed=index)
    Path("in/notes.txt").write_text("no picture")
    return here


def order(*pictures, output="out", **given):
    fields = {f.name for f in dataclasses.fields(Job)}
    told = {name: given.pop(name) for name in list(given) if name in fields}
    job = Job("smooth", None, None, **{"settings": STEPS} | told)
    return Order(tuple(map(Path, pictures)), Path(output), job, **given)


def done(asked):
    """Carry an order out: its records."""
    errands = asked.errands(asked.listing())
    asked.make_output()
    with closing(carried(errands, Abreast(), Manifest(asked.manifest))) as events:
        return [event for event in events if isinstance(event, Record)]


def tree(place):
    """Every file below a folder, with its bytes; receipts and the manifest hold times."""
    files = [path for path in Path(place).rglob("*") if path.is_file() and "json" not in path.suffix]
    return {str(path.relative_to(place)): path.read_bytes() for path in files}


def names(*pictures, output="out", recursive=False, pairs=(), words=()):
    scan = Scan(Path(output), recursive, frozenset(Path(one).absolute() for one in pairs), words)
    return [str(one.inside) for one in listed([Path(one) for one in pictures], scan).found]


@pytest.mark.usefixtures("folder")
def test_files_folders_and_globs_are_found_once_each():
    assert names("in") == ["a.png", "b.png"]
    assert names("in", recursive=True) == ["a.png", "b.png", "sub/c.tif"]
    assert names("in/b.png", "in") == ["b.png", "a.png"]
    assert names("in/*.png") == ["a.png", "b.png"]
    assert names("in/*/*.tif") == ["sub/c.tif"]
    assert names("in/**/*.tif") == ["sub/c.tif"]
    assert names("in/notes.txt") == ["notes.txt"]  # named: its own error, later
    listing = listed([Path("in")], Scan(Path("out")))
    assert (listing.others, listing.own) == (1, 0)


@pytest.mark.usefixtures("folder")
def test_a_name_with_brackets_is_a_file_first():
    stubs.noisy(Path("in/a[1].png"))
    assert names("in/a[1].png") == ["a[1].png"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("missing", ["gone.png", "gone", "in/*.bmp"])
def test_what_is_not_there_is_refused_by_name(missing):
    with pytest.raises(PictureError, match=missing.replace("*", r"\*")):
        names("in", missing)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("output", ["in/out", "in"])
def test_outputs_are_never_taken_for_pictures(output):
    asked = order("in", output=output, recursive=True, snapshots=True, settings=Settings(steps=3, seeds=1))
    first = done(asked)
    assert [record.state for record in first] == ["done"] * 3
    before = tree("in")
    assert [record.state for record in done(asked)] == ["earlier"] * 3
    assert tree("in") == before
    assert names("in/*.png", "in/*_ipse.png" if output == "in" else "in/a.png", output=output) == [
        "a.png",
        "b.png",
    ]
    named = sorted(path for path in Path(output).glob("*.png") if path.is_file())
    assert {str(one) for one in names(*named, output=output)} <= {"a.png", "b.png"}


@pytest.mark.usefixtures("folder")
def test_outputs_mirror_the_folders_each_with_its_receipt():
    records = done(order("in", recursive=True, suffix="-x"))
    assert set(tree("out")) == {"a-x.png", "b-x.png", "sub/c-x.tif"}
    for record in records:
        said = Receipt.read(beside(Path(record.output)))
        assert (said.output_sha256, said.input_sha256) == (record.output_sha256, record.input_sha256)
        assert record.receipt == str(beside(Path(record.output)))
    assert [dataclasses.replace(one, foreseen=True) for one in records] == read(
        Path("out/ipse-manifest.jsonl")
    )
    assert not list(Path("out").rglob(".*"))


@pytest.mark.usefixtures("folder")
def test_a_picture_is_restored_as_by_itself():
    done(order("in"))
    alone = fit(
        order("in/a.png", output="alone").errand(listed([Path("in/a.png")], Scan(Path("x"))).found[0])
    )
    assert next(event for event in alone if isinstance(event, Record)).state == "done"
    assert Path("out/a_ipse.png").read_bytes() == Path("alone/a_ipse.png").read_bytes()


@pytest.mark.usefixtures("folder")
def test_two_pictures_of_one_output_are_refused_by_name():
    Path("more").mkdir()
    stubs.noisy(Path("more/a.png"))
    asked = order("in", "more")
    with pytest.raises(OutputError, match=r"in/a\.png and more/a\.png .* out/a_ipse\.png"):
        asked.errands(asked.listing())
    asked = order("in", output="in", suffix="")
    with pytest.raises(OutputError, match=r"in/a\.png: would be overwritten"):
        asked.errands(asked.listing())


@pytest.mark.usefixtures("folder")
def test_a_broken_picture_does_not_stop_the_rest():
    Path("in/aa.png").write_bytes(b"broken")
    records = done(order("in", "in/notes.txt"))
    assert [record.state for record in records] == ["done", "failed", "done", "failed"]
    assert "in/aa.png" in records[1].error
    assert "in/notes.txt" in records[3].error
    assert [one.state for one in read(Path("out/ipse-manifest.jsonl"))] == [
        "done",
        "failed",
        "done",
        "failed",
    ]


@pytest.mark.usefixtures("folder")
def test_what_nobody_foresaw_is_a_record_too(monkeypatch, caplog):
    def broken(_self):
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("ipse.batch.fits.Fit.run", broken)
    records = done(order("in"))
    assert [record.state for record in records] == ["failed", "failed"]
    assert "ZeroDivisionError: of all things" in records[0].error
    assert not records[0].foreseen
    assert "Traceback" in caplog.text


@pytest.mark.usefixtures("folder")
def test_a_full_disk_ends_the_batch_and_keeps_what_is_finished(monkeypatch):
    written = []

    def full(*contents):
        if written:
            raise RunError("the disk is full; nothing was written; free some space and run again")
        written.append(contents)
        write_files(*contents)

    with monkeypatch.context() as patch:
        patch.setattr("ipse.runs.outputs.write_files", full)
        with pytest.raises(RunError, match="disk is full"):
            done(order("in", recursive=True))
    assert [one.state for one in read(Path("out/ipse-manifest.jsonl"))] == ["done", "failed"]
    assert [record.state for record in done(order("in", recursive=True))] == ["earlier", "done", "done"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("change", "states"),
    [
        ({}, ["earlier", "earlier"]),
        ({"settings": Settings(steps=4)}, ["done", "done"]),
        ({"options": {"weight": 0.3}}, ["done", "done"]),
        ({"strength": 0.5}, ["done", "done"]),
        ({"snapshots": True}, ["done", "done"]),
    ],
)
def test_a_second_run_does_what_would_come_out_otherwise(change, states):
    done(order("in"))
    assert [record.state for record in done(order("in", **change))] == states


@pytest.mark.usefixtures("folder")
def test_a_changed_input_is_restored_again_and_a_changed_output_is_not_replaced():
    done(order("in"))
    stubs.noisy(Path("in/a.png"), seed=7)
    Path("out/b_ipse.png").write_bytes(b"painted on")
    first, second = done(order("in"))
    assert first.state == "done"
    assert (second.state, "exists already" in second.error) == ("failed", True)
    assert Path("out/b_ipse.png").read_bytes() == b"painted on"
    assert [record.state for record in done(order("in", skip_existing=True))] == ["skipped", "skipped"]
    assert [record.state for record in done(order("in", overwrite=True))] == ["earlier", "done"]


@pytest.mark.usefixtures("folder")
def test_the_output_of_another_picture_is_not_replaced():
    done(order("in"))
    before = tree("out")
    Path("more").mkdir()
    stubs.noisy(Path("more/a.png"), seed=9)
    (record,) = done(order("more"))
    assert record.state == "failed"
    assert tree("out") == before


@pytest.mark.usefixtures("folder")
def test_a_kill_between_output_and_receipt_leaves_nothing_that_seems_a_strangers(monkeypatch):
    class Killed(BaseException):
        pass

    def kill(draft, target, **given):
        if target.suffix == ".json":
            raise Killed
        publish(draft, target, **given)

    with monkeypatch.context() as patch:
        patch.setattr("ipse.pictures.files.publish", kill)
        with pytest.raises(Killed):
            done(order("in"))
    assert Path("out/a_ipse.png").exists()
    assert not beside(Path("out/a_ipse.png")).exists()
    assert [record.state for record in done(order("in"))] == ["done", "done"]
    assert not list(Path("out").rglob(".*"))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("left_after", [1, 4, 9])
def test_a_fit_that_is_left_goes_on_and_comes_out_the_same(left_after):
    whole = done(order("in", settings=Settings(steps=12), output="whole"))
    asked = order("in", settings=Settings(steps=12))
    seen = 0
    with closing(carried(asked.errands(asked.listing()), Abreast())) as events:
        for event in events:
            seen += isinstance(event, Moment) and event.step > 0
            if seen == left_after:
                break
    assert list(Path("out/.ipse").glob("a_ipse.png.*.checkpoint"))
    errand = asked.errands(asked.listing())[0]
    steps = [event.step for event in fit(errand) if isinstance(event, Moment)]
    assert steps[0] == left_after + 1
    assert [record.state for record in done(asked)] == ["earlier", "done"]
    assert tree("out") == tree("whole")
    assert len(whole) == 2


@pytest.mark.usefixtures("folder")
def test_a_torn_line_is_passed_over_and_mended():
    done(order("in"))
    place = Path("out/ipse-manifest.jsonl")
    text = place.read_text()
    place.write_text(text[: text.index("\n") + 40])
    assert [Path(one.input).name for one in read(place)] == ["a.png"]
    done(order("in"))
    assert [Path(one.input).name for one in read(place)] == ["a.png", "b.png"]
    assert [one.state for one in read(place)] == ["done", "earlier"]


def test_appended_lines_stay_lines(tmp_path):
    place = tmp_path / "m"
    for line in ("1", "2"):
        append(place, line)
    assert place.read_text() == "1\n2\n"
    assert Record.from_json('{"task": 1}') is None
    assert Record.from_json("[1]") is None


@pytest.mark.usefixtures("folder")
def test_masks_are_found_by_stem():
    masks = Path("masks")
    (masks / "sub").mkdir(parents=True)
    for name in ("a_mask.png", "b-mask.tif", "sub/c.png"):
        (masks / name).touch()
    options = {"mask": masks, "weight": 0.5}
    for picture, mask in (("a.png", "a_mask.png"), ("b.png", "b-mask.tif"), ("sub/c.tif", "sub/c.png")):
        found = matched(options, Path("in") / picture, Path(picture))
        assert found == {"mask": masks / mask, "weight": 0.5}
    with pytest.raises(PictureError, match=r"in/d\.png: no matching mask in masks; .*d_mask\.\*"):
        matched(options, Path("in/d.png"), Path("d.png"))
    (masks / "a_mask.gif").touch()
    with pytest.raises(PictureError, match=r"a_mask\.gif or .*a_mask\.png"):
        matched(options, Path("in/a.png"), Path("a.png"))


@pytest.mark.usefixtures("folder")
def test_masks_among_the_pictures_are_no_pictures():
    stubs.noisy(Path("in/a_mask.png"))
    assert names("in", pairs=["in"], words=("mask",)) == ["a.png", "b.png"]
    assert names("in") == ["a.png", "a_mask.png", "b.png"]
    assert names("in", recursive=True, pairs=["in/sub"], words=("mask",)) == ["a.png", "a_mask.png", "b.png"]


@pytest.mark.usefixtures("folder")
def test_a_missing_mask_is_that_pictures_error():
    from PIL import Image

    Path("masks").mkdir()
    hole = Image.new("L", (20, 24))
    hole.paste(255, (4, 4, 9, 9))
    hole.save("masks/a.png")
    first, second = done(order("in", options={"mask": Path("masks")}))
    assert (first.state, second.state) == ("done", "failed")
    assert "no matching mask" in second.error
    assert Receipt.read(Path(first.receipt)).options["mask"]["path"] == str(Path("masks/a.png").absolute())
    assert done(order("in", options={"mask": Path("masks")}))[0].state == "earlier"


@pytest.mark.usefixtures("folder")
def test_a_watch_takes_a_file_once_it_rests():
    watch = Watch(order("in"), rest=0.0)
    assert list(watch.look()) == []
    with Path("in/late.png").open("wb") as file:
        file.write(b"half")
        file.flush()
        assert [one.source.name for one in watch.look()] == ["a.png", "b.png"]
        file.write(b"whole")
        file.flush()
        assert list(watch.look()) == []
    assert [one.source.name for one in watch.look()] == ["late.png"]
    assert list(watch.look()) == []
    Path("in/empty.png").touch()
    assert list(watch.look()) + list(watch.look()) == []


@pytest.mark.usefixtures("folder")
def test_a_watch_refuses_a_second_picture_of_one_output():
    Path("more").mkdir()
    stubs.noisy(Path("more/a.png"))
    watch = Watch(order("in", "more"), rest=0.0)
    found = [*watch.look(), *watch.look()]
    assert [one.state for one in found if isinstance(one, Record)] == ["failed"]
    with pytest.raises(OptionError, match=r"in/a\.png is not one"):
        Watch(order("in/a.png"))


@pytest.mark.usefixtures("folder")
def test_the_library_yields_records_and_can_be_left():
    records = batch.restore_many(["in"], task="smooth", output="out", settings=STEPS, recursive=True)
    assert next(records).state == "done"
    records.close()
    assert list(tree("out")) == ["a_ipse.png"]
    again = batch.restore_many(["in"], task="smooth", output="out", settings=STEPS, recursive=True)
    assert [one.state for one in again] == ["earlier", "done", "done"]


@pytest.mark.usefixtures("folder")
def test_the_library_takes_jobs():
    jobs = [Job("smooth", Path(f"in/{name}.png"), Path(f"{name}.tif"), STEPS) for name in "ab"]
    assert [Path(one.output).name for one in batch.restore_many(jobs)] == ["a.tif", "b.tif"]
    assert not Path(".ipse").exists()
    for wrong in (
        lambda: batch.restore_many(["in"], task="smooth"),
        lambda: batch.restore_many([*jobs, "in"], task="smooth", output="out"),
        lambda: batch.restore_many([dataclasses.replace(jobs[0], target=None)]),
        lambda: batch.restore_many([jobs[0], dataclasses.replace(jobs[1], target=jobs[0].target)]),
    ):
        with pytest.raises(InputError):
            list(wrong())


def test_a_record_is_one_line_and_comes_back(tmp_path):
    told = Record("t", "in\nput", "out", "failed", error="ß")
    assert "\n" not in told.to_json()
    assert Record.from_json(told.to_json()) == told
    assert json.loads(told.to_json())["input_sha256"] is None
    assert read(tmp_path / "none") == []


@pytest.mark.usefixtures("folder")
def test_stacks_and_stores_are_pictures_like_any_other():
    import tifffile
    import zarr

    stack = (np.arange(3 * 24 * 20) % 251).astype(np.uint8).reshape(3, 24, 20)
    tifffile.imwrite("in/stack.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    zarr.save_array("in/store.zarr", stack[0])
    assert names("in") == ["a.png", "b.png", "stack.tif", "store.zarr"]
    states = {Path(one.input).name: one for one in done(order("in"))}
    assert states["stack.tif"].state == "done", states["stack.tif"].error
    assert tifffile.imread("out/stack_ipse.tif").shape == stack.shape
    assert zarr.open_group("out/store_ipse.zarr", mode="r")["0"].shape == stack[0].shape
    assert [one.state for one in done(order("in"))] == ["earlier"] * 4
    assert not list(Path("out").glob(".*"))


@pytest.mark.usefixtures("folder")
def test_a_stack_is_made_again_where_its_planes_are_to_start_from_one_another():
    import tifffile

    stack = (np.arange(2 * 24 * 20) % 251).astype(np.uint8).reshape(2, 24, 20)
    tifffile.imwrite("in/stack.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    cold, warm = order("in/stack.tif"), order("in/stack.tif", warm=True)
    states = [record.state for each in (cold, warm, warm) for record in done(each)]
    assert states == ["done", "done", "earlier"]
