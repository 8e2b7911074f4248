"""Jobs are steered, survive what ends a server, and are taken away."""

import errno
import time

import httpx
import numpy as np
import pytest
from hosted import PROFILE, hosted, noisy, opened, png, until

from ipse.errors import OutputError
from ipse.web.server import Server

LONG = {"preset": "fast", "rule": "last", "steps": 100000}
running = lambda job: job["progress"]["step"] > 0  # noqa: E731


@pytest.fixture(scope="module")
def picture(page):
    return page.upload(png(noisy(), icc_profile=PROFILE), "a photo.png")


def test_stop_keeps_the_best_so_far(page, picture):
    name = page.submit(picture, **LONG)
    page.wait(name, running)
    page.ask(name, "stop")
    job = page.wait(name)
    assert job["state"] == "done", job
    assert job["receipt"]["cancelled"]
    assert opened(page.client.get(f"/jobs/{name}/result").content).size == (88, 72)


def test_cancel_takes_effect_within_half_a_second_and_leaves_the_preview(page, picture):
    name = page.submit(picture, **LONG)
    page.wait(name, lambda job: running(job) and job["progress"]["preview"] > 1)
    process = page.server.queue.processes[name]
    began = time.monotonic()
    assert page.ask(name, "cancel")["state"] == "cancelled"
    assert not process.alive
    assert time.monotonic() - began < 0.5
    assert opened(page.client.get(f"/jobs/{name}/preview").content).size == (88, 72)
    assert page.client.get(f"/jobs/{name}/result").status_code == 404


def test_a_paused_job_lets_the_next_one_through_and_loses_nothing(page, picture):
    whole = page.wait(page.submit(picture, preset="fast", steps=40, rule="last"))
    first = page.submit(picture, preset="fast", steps=40, rule="last")
    second = page.submit(picture, preset="fast")
    page.wait(first, running)
    assert page.job(second)["position"] == 0
    assert page.ask(first, "pause")["state"] == "paused"
    assert page.wait(second)["state"] == "done"
    assert page.job(first)["state"] == "paused"
    page.ask(first, "resume")
    assert page.wait(first)["state"] == "done"
    results = [page.client.get(f"/jobs/{name}/result").content for name in (whole["id"], first)]
    assert results[0] == results[1]


def test_deleting_takes_all_of_it_away(page):
    picture = page.upload(png(noisy(seed=9)))
    name = page.submit(picture, **LONG)
    page.wait(name, running)
    answer = page.client.delete(f"/pictures/{picture}")
    assert (answer.status_code, answer.headers["clear-site-data"]) == (204, '"cache"')
    assert page.client.get(f"/jobs/{name}").status_code == 404
    assert page.client.get(f"/pictures/{picture}").status_code == 404
    assert not page.server.store.job_folder(name).exists()
    assert not page.server.store.picture_folder(picture).exists()


def test_what_cannot_be_done_is_said_in_a_sentence(page, picture):
    for body, code, word in (
        ({"picture": "0" * 16, "task": "denoise"}, "OptionError", "upload"),
        ({"picture": picture, "task": "denose"}, "OptionError", "denoise"),
        ({"picture": picture, "task": "denoise", "options": {"sigma": "x"}}, "OptionError", "'x'"),
        ({"picture": picture, "task": "denoise", "settings": {"preset": "x"}}, "OptionError", "'x'"),
        ({"picture": picture, "task": "denoise", "options": {"sigma": 1000.0}}, "OptionError", "sigma 1000"),
        ({"picture": picture, "task": "upscale"}, "OptionError", "factor"),
        (
            {"picture": picture, "task": "inpaint", "options": {"mask": "/etc/passwd"}},
            "OptionError",
            "upload",
        ),
        ({"picture": picture}, "Malformed", "task"),
    ):
        answer = page.client.post("/jobs", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), body
        assert word in answer.json()["message"]
    assert page.wait(page.submit(picture, preset="fast"))["state"] == "done"


def test_jobs_go_on_after_a_restart(tmp_path, page):
    data, settings = png(noisy(seed=2)), {"preset": "fast", "rule": "last", "steps": 60}
    with hosted(tmp_path / "kept") as before:
        picture = before.upload(data)
        first, second = before.submit(picture, **settings), before.submit(picture, preset="fast")
        before.wait(first, lambda job: job["progress"]["step"] > 5)
    assert (before.server.store.job_folder(first) / "checkpoint").exists()
    with hosted(tmp_path / "kept") as after:
        assert [job["id"] for job in after.client.get("/jobs").json()] == [first, second]
        assert after.wait(first)["state"] == "done"
        assert after.wait(second)["state"] == "done"
        made = after.client.get(f"/jobs/{first}/result").content
    whole = page.wait(page.submit(page.upload(data), **settings))
    assert made == page.client.get(f"/jobs/{whole['id']}/result").content


def test_old_jobs_are_reclaimed(page):
    store = page.server.store
    picture = page.upload(png(noisy(seed=7)))
    name = page.wait(page.submit(picture, preset="fast", steps=0))["id"]
    assert name not in store.reclaim(days=1)
    record = store.jobs[name]
    store.put_job(type(record)(**vars(record) | {"ended": time.time() - 3 * 86400}))
    assert store.reclaim(days=2) == [name]
    assert not store.job_folder(name).exists()
    assert picture in store.pictures  # it is young


def test_a_worker_that_dies_is_said(page, picture):
    name = page.submit(picture, **LONG)
    page.wait(name, running)
    page.server.queue.processes[name].inner.kill()
    job = page.wait(name)
    assert job["state"] == "failed"
    assert "died" in job["error"]
    until(lambda: not page.server.queue.running)


def test_two_servers_do_not_share_a_folder(page):
    with pytest.raises(OutputError, match="another ipse serve"):
        Server(page.server.store.root)


def test_a_full_disk_is_said_and_the_server_still_answers(page, picture, monkeypatch):
    async def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ipse.web.upload.asyncio.to_thread", full)
        answer = page.client.post("/pictures", content=png(noisy()))
    assert (answer.status_code, answer.json()["code"]) == (507, "NoRoom")
    assert "disk is full" in answer.json()["message"]
    assert list((page.server.store.root / "incoming").iterdir()) == []
    assert page.client.get(f"/pictures/{picture}").status_code == 200


def test_a_plan_that_nobody_waits_for_is_given_up_and_holds_nothing_up(page):
    large = page.upload(png(np.tile(noisy((500, 500)), (3, 3, 1))))
    with pytest.raises(httpx.ReadTimeout):
        page.client.post(
            "/plan", json={"picture": large, "task": "denoise", "settings": {"preset": "best"}}, timeout=0.1
        )
    page.upload(png(noisy((40, 40))))
    until(lambda: not page.server.pool.plans.turn.locked(), 10)
    plan = page.client.post("/plan", json={"picture": page.upload(png(noisy())), "task": "denoise"})
    assert plan.json()["tiles"] == 1
