"""Fits as Dask's tasks: the same bytes, cancelled within a step, handed on from a worker that died."""

import dataclasses
import os
import signal
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import stubs

from ipse import batch
from ipse.batch.abreast import Abreast
from ipse.batch.carried import carried
from ipse.batch.cluster import Dask
from ipse.batch.errands import Order
from ipse.batch.records import Moment, Record, read
from ipse.cli import main
from ipse.errors import OptionError
from ipse.runs.job import Job
from ipse.settings import Settings

COMMAND = Path(sys.executable).with_name("ipse")
distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def scheduler():
    """A scheduler with two workers, threads of this process."""
    given = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**given, memory_limit=0, silence_logs=50) as cluster:
        yield cluster.scheduler_address


def order(output, **given):
    job = Job("smooth", None, None, **{"settings": Settings(steps=6)} | given)
    return Order((Path("in"),), Path(output), job, threads=1)


@pytest.mark.usefixtures("folder")
def test_a_cluster_makes_the_same_bytes(scheduler):
    Path("in/broken.png").write_bytes(b"broken")
    given = {"task": "smooth", "settings": Settings(steps=6), "threads": 1}
    there = list(batch.restore_many(["in"], output="there", scheduler=scheduler, **given))
    alone = list(batch.restore_many(["in"], output="alone", **given))
    assert stubs.outputs("there") == stubs.outputs("alone")
    assert len(stubs.outputs("there")) == 3
    assert sorted(one.state for one in there) == sorted(one.state for one in alone)
    assert {one.worker for one in there} == {"0", "1"}
    assert {one.output for one in read(Path("there/ipse-manifest.jsonl"))} == {one.output for one in there}
    again = batch.restore_many(["in"], output="there", scheduler=scheduler, **given)
    assert sorted(one.state for one in again) == ["earlier"] * 3 + ["failed"]


@pytest.mark.usefixtures("folder")
def test_cancel_reaches_the_fits_and_they_go_on_later(scheduler):
    asked = order("out", options={"wait": 0.05}, settings=Settings(steps=40))
    errands = asked.errands(asked.listing())
    begun = time.monotonic()
    with closing(carried(errands, Dask(scheduler=scheduler))) as events:
        for event in events:
            if isinstance(event, Moment) and event.step:
                break
    assert time.monotonic() - begun < 10
    assert stubs.outputs("out") == {}
    kept = list(Path("out/.ipse").glob("*.checkpoint"))
    assert kept
    time.sleep(0.3)
    assert list(Path("out/.ipse").glob("*.checkpoint")) == kept  # nobody works on
    quick = [dataclasses.replace(one, job=dataclasses.replace(one.job)) for one in errands]
    with closing(carried(quick[:1], Abreast())) as events:
        steps = [event.step for event in events if isinstance(event, Moment)]
    assert steps[0] > 1


@pytest.mark.usefixtures("folder")
def test_what_nobody_foresaw_is_tried_again(scheduler, monkeypatch):
    tries = []

    def once(fit):
        tries.append(fit)
        if len(tries) < 3:
            raise ZeroDivisionError("of all things")
        return real(fit)

    from ipse.batch.fits import Fit

    real = Fit.run
    monkeypatch.setattr(Fit, "run", once)
    asked = order("out")
    (record,) = [
        event
        for event in carried(asked.errands(asked.listing())[:1], Dask(scheduler=scheduler))
        if isinstance(event, Record)
    ]
    assert (record.state, len(tries)) == ("done", 3)


@pytest.mark.usefixtures("folder")
def test_records_come_with_the_events_and_errands_many_at_a_time(scheduler, monkeypatch):
    monkeypatch.setattr("ipse.batch.cluster.WINDOW", 4)
    monkeypatch.setattr("ipse.batch.cluster.TOGETHER", 2)
    monkeypatch.setattr(distributed.Future, "result", None)  # nothing is fetched
    sent, real = [], distributed.Client.map

    def counted(client, task, errands, **given):
        sent.append(len(errands))
        return real(client, task, errands, **given)

    monkeypatch.setattr(distributed.Client, "map", counted)
    for index in range(3, 9):
        stubs.noisy(Path(f"in/{index}.png"), seed=index)
    asked = order("out", settings=Settings(steps=1))
    with closing(carried(asked.errands(asked.listing()), Dask(scheduler=scheduler))) as events:
        records = [event for event in events if isinstance(event, Record)]
    assert [one.state for one in records] == ["done"] * 9
    assert len(stubs.outputs("out")) == 9
    assert (sent[0], sum(sent)) == (4, 9)
    assert min(sent[:-1]) >= 2


@pytest.mark.usefixtures("folder")
def test_a_gpu_that_no_worker_has_is_told(scheduler):
    with pytest.raises(OptionError, match="GPU=1"):
        list(Dask(scheduler=scheduler, device="cuda")([]))


@pytest.mark.usefixtures("folder")
def test_a_scheduler_that_is_not_there_is_named(capsys, monkeypatch):
    monkeypatch.setattr("ipse.batch.cluster.PATIENCE", 0.2)
    assert main(["smooth", "in", "-o", "out", "--scheduler", "tcp://127.0.0.1:9"]) == 2
    err = capsys.readouterr().err
    assert "tcp://127.0.0.1:9 does not answer" in err
    assert main(["smooth", "in", "-o", "out", "--workers", "0"]) == 2
    assert main(["smooth", "in", "-o", "out", "--workers", "1", "--scheduler", "x"]) == 2


@pytest.mark.usefixtures("folder")
def test_without_dask_the_way_to_it_is_said(capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    assert main(["smooth", "in", "-o", "out", "--workers", "2"]) == 2
    assert "pip install 'ipse[dask]'" in capsys.readouterr().err


def children(process):
    """The processes that compute, by what they hold open."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(place.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            command = place.joinpath("cmdline").read_text()
        except (OSError, ValueError):
            continue
        if parent == process.pid and "spawn_main" in command:
            found.append(int(place.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the workers in /proc")
def test_a_killed_worker_hands_its_fit_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for index in range(3):
        stubs.noisy(Path(f"in/{index}.png"), seed=index)
    slow = ("denoise", "in", "--sigma", "25", "--steps", "12", "--rule", "last", "--preset", "fast")
    there = ("-o", "out", "--workers", "2", "--checkpoint-every", "0", "--threads", "1")
    process = stubs.start(*slow, *there, cwd=tmp_path, command=COMMAND)
    stubs.wait_until(lambda: list(Path("out/.ipse").glob("*.checkpoint")), process)
    os.kill(children(process)[0], signal.SIGKILL)
    code, _, err = stubs.finish(process, timeout=120)
    assert code == 0, err
    assert "Traceback" not in err
    assert main([*slow, "-o", "whole", "-q", "--threads", "1"]) == 0
    assert len(stubs.outputs("whole")) == 3
    assert stubs.outputs("out") == stubs.outputs("whole")
    assert not list(Path("out").rglob(".*"))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="a terminal's Ctrl-C goes to the whole group")
def test_ctrl_c_in_a_terminal_stops_the_fits_and_keeps_them(folder):
    slow = (
        "denoise",
        "in",
        "--sigma",
        "20",
        "--steps",
        "5000",
        "--rule",
        "last",
        "--preset",
        "fast",
        "--checkpoint-every",
        "0.2",
    )
    process = stubs.start(
        *slow, "-o", "out", "--workers", "2", cwd=folder, command=COMMAND, start_new_session=True
    )
    stubs.wait_until(lambda: list(Path("out/.ipse").glob("*.checkpoint")), process)
    os.killpg(process.pid, signal.SIGINT)
    code, _, err = stubs.finish(process, timeout=120)
    assert code == 130, err
    assert err.splitlines() == ["3 left, 1 other files; see out/ipse-manifest.jsonl"]
    assert list(Path("out/.ipse").glob("*.checkpoint"))
    assert stubs.outputs("out") == {}
