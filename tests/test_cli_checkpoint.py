"""A fit that is killed and resumed gives the same bytes as one that was not."""

import dataclasses
import signal
import sys
import time
from pathlib import Path

import pytest
import stubs
import torch
from runs import open_whole, pulled

from ipse import devices
from ipse.cli import main
from ipse.engine.stopping import Discrepancy, ExponentialVariance, HeldOut, Last, Seconds, WindowedVariance
from ipse.errors import InputError, OutputError
from ipse.runs.checkpoint import Checkpoint
from ipse.runs.job import Job
from ipse.runs.receipt import Receipt, beside
from ipse.settings import Settings

COMMAND = Path(sys.executable).with_name("ipse")


@pytest.fixture
def job(tmp_path, monkeypatch):
    stubs.install(monkeypatch)
    stubs.noisy(tmp_path / "in.png")
    return Job(
        "smooth",
        tmp_path / "in.png",
        tmp_path / "out.png",
        checkpoint=tmp_path / "fit.checkpoint",
        every=0.0,
        settings=Settings(steps=12),
    )


def carried_out(job):
    pulled(open_whole(job))
    return job.target.read_bytes()


@pytest.mark.parametrize("options", [{}, {"quiet_pilot": True}])
@pytest.mark.parametrize("left_after", [1, 7, 12])
def test_resumed_is_uninterrupted(job, options, left_after, tmp_path):
    job = dataclasses.replace(job, options=options, snapshots=True)
    whole = carried_out(dataclasses.replace(job, checkpoint=None, target=tmp_path / "whole.png"))
    run, events = open_whole(job), 0
    for event in run:
        events += hasattr(event, "step")
        if events == left_after:
            break  # as a kill would: after the checkpoint of this step, nothing more
    del run
    resumed = open_whole(dataclasses.replace(job, resume=True))
    steps = [event.step for event in resumed if hasattr(event, "step")]
    resumed.finish()
    assert steps == list(range(left_after + 1, 13))
    assert job.target.read_bytes() == whole
    points = [tmp_path / f"{name}.png.ipse.safetensors" for name in ("whole", "out")]
    assert points[0].read_bytes() == points[1].read_bytes()
    assert Receipt.read(beside(job.target)).pilots == (0 if options else 2)
    assert not job.checkpoint.exists()


def test_the_checkpoint_stays_when_the_run_is_cancelled(job):
    run = open_whole(job)
    for event in run:
        if getattr(event, "step", 0) == 5:
            break
    said = run.finish(cancelled=True)
    assert said.cancelled
    assert said.steps == 5
    assert job.checkpoint.exists()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"options": {"weight": 0.25}}, "options"),
        ({"settings": Settings(steps=12, seed=1)}, "settings"),
        ({"snapshots": True}, "snapshots"),
        ({"source": "other"}, "picture"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(job, change, word, tmp_path):
    for event in open_whole(job):
        if getattr(event, "step", 0) == 3:
            break
    if "source" in change:
        change = {"source": stubs.noisy(tmp_path / "other.png", seed=1)}
    before = job.checkpoint.read_bytes()
    with pytest.raises(InputError, match=f"its {word} is"):
        carried_out(dataclasses.replace(job, resume=True, **change))
    assert job.checkpoint.read_bytes() == before
    assert not job.target.exists()


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04junk"])
def test_a_file_that_is_no_checkpoint_is_refused(job, content):
    job.checkpoint.write_bytes(content)
    with pytest.raises(InputError, match="checkpoint"):
        carried_out(dataclasses.replace(job, resume=True))


def test_code_in_a_checkpoint_is_not_run(job, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"kind": "ipse checkpoint", "schema": 1, "fingerprint": Evil()}, job.checkpoint)
    with pytest.raises(InputError, match="checkpoint"):
        carried_out(dataclasses.replace(job, resume=True))
    assert not (tmp_path / "ran").exists()


def test_an_existing_checkpoint_is_not_lost_by_mistake(job):
    job.checkpoint.write_bytes(b"precious")
    with pytest.raises(OutputError, match="--resume"):
        open_whole(job)
    assert job.checkpoint.read_bytes() == b"precious"


def test_resume_without_a_file_begins(job):
    assert carried_out(dataclasses.replace(job, resume=True)) == carried_out(
        dataclasses.replace(job, checkpoint=None, overwrite=True)
    )


def test_a_draft_that_a_kill_left_goes_with_the_checkpoint(job, monkeypatch):
    events = iter(open_whole(job))
    with monkeypatch.context() as killed:
        killed.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        killed.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            list(events)
    (job.checkpoint.parent / ".ipse-0123456789ab-x.tmp").touch()  # of another
    assert len(list(job.checkpoint.parent.glob(".ipse-*.tmp"))) == 2
    carried_out(dataclasses.replace(job, resume=True))
    assert [path.name for path in job.checkpoint.parent.glob(".ipse*")] == [".ipse-0123456789ab-x.tmp"]


def test_a_checkpoint_that_another_run_removes_while_it_is_read_is_read_all_the_same(job, monkeypatch):
    events = iter(open_whole(job))
    assert [next(event.step for event in events if hasattr(event, "step")) for _ in range(3)] == [1, 2, 3]
    events.close()
    real = devices.find_device

    def slow(name):
        job.checkpoint.unlink(missing_ok=True)
        return real(name)

    again = open_whole(dataclasses.replace(job, resume=True))
    monkeypatch.setattr(devices, "find_device", slow)
    again.open()
    assert not job.checkpoint.exists()
    assert next(event.step for event in again.stream if hasattr(event, "step")) == 4


@pytest.mark.parametrize(
    "rule",
    [
        Discrepancy(0.1),
        ExponentialVariance(),
        HeldOut(),
        Last(),
        Last() | Seconds(100.0),
        WindowedVariance(window=3),
    ],
)
def test_what_rules_remember_is_plain_enough_to_be_trusted(rule, tmp_path):
    from ipse.engine.stopping import State

    for step in range(1, 6):
        x = torch.full((1, 1, 4, 4), 1.0 / step)
        rule(State(step, 0.1, x, x, 0.1, float(step)))

    class Restoration:
        def state_dict(self):
            return {"rule": rule.state_dict()}

    Checkpoint(tmp_path / "c", {}).save(Restoration())
    saved = torch.load(tmp_path / "c", weights_only=True)["state"]["rule"]
    assert saved.keys() == rule.state_dict().keys()


def test_killed_and_resumed_commands_write_the_same_bytes(tmp_path, monkeypatch):
    stubs.noisy(tmp_path / "in.png", size=(48, 40))
    common = ("denoise", "in.png", "--steps", "40", "--rule", "last", "--strength", "0.4")
    saving = ("--checkpoint", "fit", "--checkpoint-every", "0")
    monkeypatch.chdir(tmp_path)
    assert main([*common, "-o", "whole.png", "-q"]) == 0
    killed = stubs.start(*common, *saving, "-o", "out.png", cwd=tmp_path, command=COMMAND)
    give_up = time.monotonic() + 60
    while not (tmp_path / "fit").exists() and killed.poll() is None and time.monotonic() < give_up:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    assert stubs.finish(killed)[0] == -signal.SIGKILL
    assert not (tmp_path / "out.png").exists()
    again = stubs.start(*common, *saving, "--resume", "-o", "out.png", cwd=tmp_path, command=COMMAND)
    code, _, said = stubs.finish(again)
    assert code == 0, said
    assert "step 1 of" not in said
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
    assert not (tmp_path / "fit").exists()
