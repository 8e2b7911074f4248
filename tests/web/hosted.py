"""A server for tests: in a thread of this process, its workers real, its folder a temporary one."""

import io
import threading
import time
from contextlib import contextmanager

import httpx
import numpy as np
import uvicorn
from PIL import Image

from ipse.web.app import application
from ipse.web.patience import Patient
from ipse.web.serve import Ending, Place, listening
from ipse.web.server import Limits, Server

PATIENCE = 60.0  # seconds: of a machine that does other things too
PROFILE = b"\0" * 64 + b"no real profile, but its bytes must survive"


class Hosted:
    """A running server and a client of it."""

    def __init__(self, folder, *, token=None, limits=None):
        self.server = Server(folder, limits or Limits())
        bound = listening(Place(port=0))
        self.address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        app = application(self.server, token=token)
        self.uvicorn = Ending(
            uvicorn.Config(app, http=Patient, log_level="warning", timeout_graceful_shutdown=5), self.server
        )
        self.thread = threading.Thread(target=self.uvicorn.run, kwargs={"sockets": [bound]}, daemon=True)
        self.client = httpx.Client(base_url=f"{self.address}/api/v1", timeout=PATIENCE)

    def start(self):
        self.thread.start()
        until(lambda: self.uvicorn.started)
        return self

    def stop(self):
        self.client.close()
        self.uvicorn.handle_exit(2, None)
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()

    def upload(self, data, name="in.png"):
        answer = self.client.post("/pictures", params={"name": name}, content=data)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def submit(self, picture, task="denoise", *, region=None, options=None, **settings):
        body = {
            "picture": picture,
            "task": task,
            "options": options or {},
            "settings": settings,
            "region": region,
        }
        answer = self.client.post("/jobs", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def job(self, name):
        return self.client.get(f"/jobs/{name}").json()

    def ask(self, name, what):
        return self.client.post(f"/jobs/{name}/{what}").json()

    def wait(self, name, test=lambda job: job["state"] in ("done", "failed", "cancelled")):
        until(lambda: test(self.job(name)))
        return self.job(name)


@contextmanager
def hosted(folder, **options):
    one = Hosted(folder, **options).start()
    try:
        yield one
    finally:
        one.stop()


def until(test, patience=PATIENCE):
    end = time.monotonic() + patience
    while not test():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def noisy(size=(72, 88), *, seed=0, sigma=20.0):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]]
    plain = 128 + 60 * np.sin(columns / 7)[..., None] * np.cos(rows / 9)[..., None] * np.array(
        [1.0, 0.7, 0.4]
    )
    return (plain + rng.normal(0, sigma, plain.shape)).clip(0, 255).astype(np.uint8)


def png(array, **info):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", **info)
    return stream.getvalue()


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
