"""What work may take, what survives a worker's death, and what is told of time."""

import json
import socket

import httpx
import pytest
from hosted import noisy, png, until

from ipse.web.serve import Place, kept_token
from ipse.web.server import Limits
from ipse.web.store import Store


def test_an_errand_has_an_end(page, monkeypatch):
    page.upload(png(noisy()))
    with monkeypatch.context() as patch:
        patch.setattr(page.server.pool.errands, "longest", 0.0)
        answer = page.client.post("/pictures", content=png(noisy()))
    assert (answer.status_code, answer.json()["code"]) == (422, "TooLong")
    page.upload(png(noisy()))


def test_no_more_is_kept_than_there_is_room_for(page, monkeypatch):
    picture = page.upload(png(noisy()))
    with monkeypatch.context() as patch:
        patch.setattr(page.server, "limits", Limits(space=1000))
        answer = page.client.post("/pictures", content=b"x" * 4000)
    assert (answer.status_code, answer.json()["code"]) == (507, "NoRoom")
    assert "--space" in answer.json()["message"]
    monkeypatch.setattr("ipse.web.space.FLOOR", 1 << 60)
    answer = page.client.post("/jobs", json={"picture": picture, "task": "denoise"})
    assert (answer.status_code, answer.json()["code"]) == (507, "NoRoom")
    assert "is full" in answer.json()["message"]


def test_a_job_whose_process_dies_goes_on_from_its_checkpoint(page):
    picture = page.upload(png(noisy(seed=11)))
    settings = {"preset": "fast", "rule": "last", "steps": 40}
    whole = page.wait(page.submit(picture, **settings))
    name = page.submit(picture, **settings)
    saved = page.server.store.job_folder(name) / "checkpoint"
    page.wait(name, lambda job: job["progress"]["step"] > 5)
    page.ask(name, "pause")  # which saves
    until(saved.exists)
    page.server.queue.processes[name].inner.kill()
    assert page.wait(name, lambda job: job["again"] == 1)["state"] == "paused"
    page.ask(name, "resume")
    assert page.wait(name)["state"] == "done"
    results = [page.client.get(f"/jobs/{one}/result").content for one in (whole["id"], name)]
    assert results[0] == results[1]


def test_a_failed_job_is_tried_again_and_a_cancelled_one_keeps_no_checkpoint(page):
    picture = page.upload(png(noisy()))
    name = page.submit(picture, preset="fast", rule="last", steps=100000)
    page.wait(name, lambda job: job["progress"]["step"] > 0)
    page.server.queue.processes[name].inner.kill()
    assert page.wait(name)["state"] == "failed"
    assert page.ask(name, "resume")["state"] in ("queued", "running")
    page.wait(name, lambda job: job["state"] == "running" and job["progress"]["step"] > 0)
    page.ask(name, "pause")
    saved = page.server.store.job_folder(name) / "checkpoint"
    until(saved.exists)
    page.ask(name, "cancel")
    assert not saved.exists()


def test_a_job_has_its_hours_and_keeps_the_best(page, monkeypatch):
    monkeypatch.setattr(page.server.queue, "longest", 1.5)
    job = page.wait(page.submit(page.upload(png(noisy())), preset="fast", rule="last", steps=100000))
    assert (job["state"], job["receipt"]["cancelled"]) == ("done", True)


def test_predictions_that_nobody_waits_for_start_no_worker_each(page, monkeypatch):
    started = []
    begin = type(page.server.pool).take

    async def counted(pool):
        started.append(pool)
        return await begin(pool)

    picture = page.upload(png(noisy((128, 128))))
    wanted = {"picture": picture, "task": "denoise"}
    page.client.post("/plan", json=wanted)
    monkeypatch.setattr(type(page.server.pool), "take", counted)
    for preset in ("good", "fast"):
        with pytest.raises(httpx.ReadTimeout):
            page.client.post("/plan", json=wanted | {"settings": {"preset": preset}}, timeout=0.1)
    assert page.client.post("/plan", json=wanted).status_code == 200
    assert len(started) <= 1


def test_time_is_predicted_before_a_mask_is_painted_and_for_a_piece(page):
    picture = page.upload(png(noisy((160, 160))))
    told = {"picture": picture, "task": "inpaint", "settings": {"preset": "fast"}}
    assert page.client.post("/plan", json=told).json()["seconds"] > 0
    assert page.client.post("/jobs", json=told).status_code == 422
    told = {"picture": picture, "task": "denoise", "settings": {"preset": "fast"}}
    whole, piece = (
        page.client.post("/plan", json=told | more).json() for more in ({}, {"region": [0, 0, 64, 64]})
    )
    assert piece["size"] == [64, 64]
    assert piece["seconds"] < whole["seconds"]


def test_tiles_say_how_many_and_how_long(page):
    name, said = page.submit(page.upload(png(noisy((96, 224)))), preset="fast", tile=64), []
    with page.client.stream("GET", f"/jobs/{name}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                said.append(json.loads(line[6:])["progress"])
    assert {one["tiles"] for one in said if one["pilots"]} == {
        8 if said[-1]["tiles"] == 8 else said[-1]["tiles"]
    }
    assert sorted({one["tile"] for one in said if one["tile"] is not None})[:3] == [0, 1, 2]
    assert any(one["left"] for one in said)


def test_who_says_nothing_loses_the_connection(page, monkeypatch):
    monkeypatch.setattr("ipse.web.patience.HEAD", 0.5)
    monkeypatch.setattr("ipse.web.upload.STALL", 0.5)
    monkeypatch.setattr("ipse.web.bodies.LONGEST", 0.5)
    place = httpx.URL(page.address)
    head = f"Host: {place.host}:{place.port}\r\n"
    words = f"POST /api/v1/jobs HTTP/1.1\r\n{head}Content-Length: 50\r\n\r\n{{"
    file = f"POST /api/v1/pictures HTTP/1.1\r\n{head}Content-Length: 50\r\n\r\nx"
    for said in ("", "GET / HTTP/1.1\r\n" + head, words, file):
        with socket.create_connection((place.host, place.port)) as pipe:
            pipe.settimeout(20)
            pipe.sendall(said.encode())
            answer = pipe.recv(1000)  # nothing, or a refusal: what follows is uvicorn's
            assert answer == b"" or answer.split()[1] in (b"408", b"400")
    assert page.client.get("/jobs").status_code == 200
    assert list((page.server.store.root / "incoming").iterdir()) == []


def test_no_answer_waits_for_the_clients_acknowledgement(page):
    assert page.client.get("/jobs").status_code == 200
    pipes = [one.transport.get_extra_info("socket") for one in page.uvicorn.server_state.connections]
    assert {pipe.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for pipe in pipes} == {1}


def test_what_is_kept_is_nobody_elses(tmp_path):
    Store(tmp_path / "kept").close()
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
    token = kept_token(tmp_path / "kept")
    assert kept_token(tmp_path / "kept") == token
    assert (tmp_path / "kept" / "token").stat().st_mode & 0o077 == 0
    assert Place().locked
    Store(tmp_path / "kept").close()
