"""Files and requests made to harm: refused at once, and nobody else notices."""

import http.client
import io
import json
import os
import signal
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import numpy as np
import pytest
import tifffile
from hosted import noisy, png, until
from PIL import Image

from ipse.errors import PictureError
from ipse.web.bounds import allowance, bounded
from ipse.web.hostile import weighed


def deep():
    """A TIFF of 200 channels: 200 MB of samples in 225 kB."""
    stream = io.BytesIO()
    plane = np.zeros((200, 1000, 1000), np.uint8)
    tifffile.imwrite(stream, plane, photometric="minisblack", planarconfig="separate", compression="zlib")
    return stream.getvalue()


def blank(width, height, kind=2):
    """A whole PNG of one colour, which packs a thousand to one."""
    row = b"\0" * (1 + width * {0: 1, 2: 3}[kind])
    packer, body = zlib.compressobj(6), b""
    for _ in range(height):
        body += packer.compress(row)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))]
    parts += [(b"IDAT", body + packer.flush()), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture(scope="module")
def bombs():
    return {"channels": deep(), "pixels": blank(11585, 11585), "a side": blank(1 << 25, 4, kind=0)}


def test_what_would_be_far_larger_decoded_is_refused_at_once_and_eight_clients_do_not_notice(page, bombs):
    page.upload(png(noisy()))  # the workers are there
    refused, waited = [], []

    def attack(_):
        for data in bombs.values():
            began = time.monotonic()
            answer = page.client.post("/pictures", content=data)
            refused.append((answer.status_code, answer.json()["code"], time.monotonic() - began))

    def ask(_):
        for _ in range(6):
            began = time.monotonic()
            assert httpx.get(f"{page.address}/api/v1/jobs").status_code == 200
            waited.append(time.monotonic() - began)

    with ThreadPoolExecutor(10) as clients:
        list(clients.map(lambda one: one[0](one[1]), [(attack, 0), *((ask, k) for k in range(8))]))
    assert {one[:2] for one in refused} == {(413, "TooManyPixels")}
    assert max(one[2] for one in refused) < 2.5  # a second, and a machine that does other things
    assert max(waited) < 2.5
    assert list((page.server.store.root / "incoming").iterdir()) == []


def test_pictures_that_are_large_and_real_are_taken(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (3000, 4000, 3), np.uint8)).save(tmp_path / "a.jpg")
    assert weighed(tmp_path / "a.jpg", "a") == 36_000_000
    (tmp_path / "b.png").write_bytes(blank(6000, 4000))  # blank, and of a camera's size
    assert weighed(tmp_path / "b.png", "b") == 72_000_000
    Image.new("I;16", (90, 50)).save(tmp_path / "c.png")
    assert weighed(tmp_path / "c.png", "c") == 9000
    Image.new("L", (70000, 2)).save(tmp_path / "d.png")
    with pytest.raises(PictureError, match="70000×2"):
        weighed(tmp_path / "d.png", "d")


@pytest.fixture(scope="module")
def large():
    """A picture of 5 megapixels."""
    return png(np.tile(noisy((500, 500)), (5, 4, 1)))


@pytest.fixture
def held(page, large):
    """The worker of large pictures, stopped by the system: whatever it is told to decode never ends by itself."""
    stop = getattr(signal, "SIGSTOP", None)
    if stop is None:
        pytest.skip("this system cannot stop a process")
    heavy = page.server.pool.heavy
    while heavy.turn.locked() or heavy.process is None or not heavy.process.alive:
        page.upload(large)
        until(lambda: not page.server.looks.tasks)
    process = heavy.process
    os.kill(process.inner.pid, stop)
    yield process
    process.end()
    until(lambda: not process.alive)


def test_a_small_picture_does_not_wait_for_a_large_one(page, held, large):
    with ThreadPoolExecutor(1) as other:
        slow = other.submit(page.upload, large)
        until(page.server.pool.heavy.turn.locked)
        page.upload(png(noisy(seed=3)))
        assert not slow.done()
        os.kill(held.inner.pid, signal.SIGCONT)
        assert slow.result()
    until(lambda: not page.server.looks.tasks)


def forgotten(page, process):
    """Wait until nothing is under way and nothing is left, which a process that is stopped does not bring about."""
    until(lambda: not process.alive and not page.server.pool.heavy.turn.locked())
    until(lambda: not page.server.looks.tasks)
    assert list((page.server.store.root / "incoming").iterdir()) == []


def test_whoever_hangs_up_ends_the_work(page, held, large):
    before = set(page.server.store.pictures)
    with closing(http.client.HTTPConnection(page.address.removeprefix("http://"))) as caller:
        caller.request("POST", "/api/v1/pictures", body=large)
        until(page.server.pool.heavy.turn.locked)
    forgotten(page, held)
    assert set(page.server.store.pictures) == before
    page.upload(large)  # there is another worker for the next


def test_whoever_deletes_ends_the_work(page, held, large, monkeypatch):
    read, put = [], page.server.store.put_picture

    def stopping(record):
        put(record)
        os.kill(held.inner.pid, signal.SIGSTOP)
        read.append(record.id)

    monkeypatch.setattr(page.server.store, "put_picture", stopping)
    os.kill(held.inner.pid, signal.SIGCONT)
    picture = page.upload(large)
    assert read == [picture]  # its header is known, its views are not drawn
    assert page.client.delete(f"/pictures/{picture}").status_code == 204
    forgotten(page, held)
    assert not page.server.store.picture_folder(picture).exists()


def test_a_worker_takes_no_more_memory_than_it_was_given():
    with bounded(allowance(0) - (1 << 30)), pytest.raises(MemoryError):
        np.ones(3 << 27)
    np.ones(1 << 20)


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("upscale", {"options": {"factor": 0}}),
        ("upscale", {"options": {"factor": 10**9}}),
        ("dejpeg", {"options": {"quality": 10**9}}),
        ("denoise", {"options": {"sigma": -5}}),
        ("denoise", {"options": {"sigma": 10**400}}),
        ("denoise", {"settings": {"device": "/dev/mem"}}),
        ("denoise", {"settings": {"steps": 10**30}}),
        ("denoise", {"settings": {"network": "x" * 4000}}),
    ],
)
def test_options_are_refused_when_they_are_told_not_when_their_turn_comes(page, task, told):
    picture = page.upload(png(noisy()))
    answer = page.client.post("/jobs", json={"picture": picture, "task": task} | told)
    assert answer.status_code == 422, answer.text
    assert len(answer.json()["message"]) < 400
    assert page.server.queue.on(picture) == []


def test_what_each_task_has_by_default_is_not_refused(page):
    picture = page.upload(png(noisy()))
    needed = {"upscale": {"factor": 2}, "inpaint": {"mask": {"picture": picture}}}
    needed |= {"flash": {"flash": {"picture": picture}}, "restore": {"factor": 2}}
    for task in ("enhance", "denoise", "dejpeg", "compare-priors", *needed):
        for preset in ("fast", "paper"):
            page.client.delete(f"/jobs/{page.submit(picture, task, options=needed.get(task), preset=preset)}")


@pytest.mark.parametrize("length", [70_000, 10 << 20])
def test_a_request_of_words_has_a_limit(page, length):
    body = json.dumps({"picture": "0" * 16, "task": "denoise", "options": {"x" * length: 1}})
    began = time.monotonic()
    answer = page.client.post("/jobs", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "TooLarge")
    pieces = (body[k : k + 8192].encode() for k in range(0, 90_000, 8192))
    assert page.client.post("/plan", content=pieces).status_code == 413
    assert time.monotonic() - began < 2
