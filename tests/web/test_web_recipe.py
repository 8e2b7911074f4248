"""What the page copies makes the file that the page makes: as a command, and as Python."""

import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
from hosted import noisy, png

from ipse.cli import main


def made(page, picture, task, **told):
    body = {"picture": picture, "task": task} | told
    answer = page.client.post("/recipe", json=body)
    assert answer.status_code == 200, answer.text
    job = page.client.post("/jobs", json=body).json()
    assert page.wait(job["id"])["state"] == "done"
    return answer.json(), page.client.get(f"/jobs/{job['id']}/result").content


@pytest.mark.parametrize("name", ["in.png", "it's a photo.png", "-o.png"])
def test_command_and_python_give_the_same_bytes(page, tmp_path, monkeypatch, name):
    data = png(noisy(), icc_profile=b"\0" * 128)
    settings = {"preset": "fast", "seed": 3}
    said, result = made(page, page.upload(data, name), "enhance", settings=settings)
    (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(said["command"])
    assert words[0] == "ipse"
    assert main([*words[1:], "--quiet"]) == 0
    target = tmp_path / f"{name.removesuffix('.png')}_ipse.png"
    assert target.read_bytes() == result
    target.unlink()
    exec(compile(said["python"], "recipe", "exec"), {})
    assert target.read_bytes() == result


def test_the_mask_goes_with_them(page, tmp_path, monkeypatch):
    y = noisy(sigma=0)
    picture = page.upload(png(y), "torn.png")
    hole = np.zeros(y.shape[:2], np.uint8)
    hole[20:30, 30:44] = 255
    mask = page.client.post(f"/pictures/{picture}/masks", params={"painted": True}, content=png(hole)).json()
    options = {"mask": {"picture": mask["id"]}, "polarity": "white-is-hole"}
    said, result = made(page, picture, "inpaint", options=options, settings={"preset": "fast", "steps": 5})
    assert said["files"] == ["torn.png", "torn-mask.png"]
    (tmp_path / "torn.png").write_bytes(png(y))
    (tmp_path / "torn-mask.png").write_bytes(page.client.get(f"/pictures/{mask['id']}/file").content)
    script = tmp_path / "recipe.py"
    script.write_text(said["python"])
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "torn_ipse.png").read_bytes() == result
    (tmp_path / "torn_ipse.png").unlink()
    monkeypatch.chdir(tmp_path)
    assert main([*shlex.split(said["command"])[1:], "--quiet"]) == 0
    assert (tmp_path / "torn_ipse.png").read_bytes() == result


def test_what_a_job_refuses_is_refused_here_too(page):
    picture = page.upload(png(noisy()))
    answer = page.client.post("/recipe", json={"picture": picture, "task": "inpaint"})
    assert answer.status_code == 422
    assert "needs mask" in answer.json()["message"]
