"""`ipse serve` as a process: the clients of the docs, a kill in mid-fit, an end in order."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from hosted import PATIENCE, noisy, opened, png, until

TOKEN = "a-token-that-nobody-guesses"
OWN = {"Authorization": f"Bearer {TOKEN}"}
COMMAND = Path(sys.executable).with_name("ipse")
DOCS = Path(__file__).parents[2] / "docs" / "web.md"
BLOCKS = dict(re.findall(r"```(sh|python)\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S))


def serve(folder):
    """Start the command; return the process and its address."""
    args = [COMMAND, "serve", "--no-browser", "--port", "0", "--folder", folder]
    process = subprocess.Popen(
        args, stderr=subprocess.PIPE, text=True, env=os.environ | {"IPSE_TOKEN": TOKEN}
    )
    address = re.search(r"http://[\d.:]+", process.stderr.readline()).group()
    assert "Ctrl-C" in process.stderr.readline()  # the last that it says, unless something goes wrong
    until(lambda: answers(address))
    return process, address


def answers(address):
    try:
        return httpx.get(f"{address}/api/v1/tasks", headers=OWN).status_code == 200
    except httpx.TransportError:
        return False


def finish(process, how):
    process.send_signal(how)
    said = process.communicate(timeout=PATIENCE)[1]
    return process.returncode, said


def test_a_killed_server_loses_no_job_and_the_docs_clients_work(tmp_path):
    process, address = serve(tmp_path / "kept")
    with httpx.Client(base_url=f"{address}/api/v1", timeout=PATIENCE, headers=OWN) as client:
        picture = client.post("/pictures", content=png(noisy())).json()["id"]
        long = {
            "picture": picture,
            "task": "denoise",
            "settings": {"preset": "fast", "rule": "last", "steps": 100000},
        }
        job = client.post("/jobs", json=long).json()["id"]
        until(lambda: client.get(f"/jobs/{job}").json()["progress"]["step"] > 5)
    finish(process, signal.SIGKILL)
    process, address = serve(tmp_path / "kept")
    with httpx.Client(base_url=f"{address}/api/v1", timeout=PATIENCE, headers=OWN) as client:
        until(lambda: client.get(f"/jobs/{job}").json()["progress"]["step"] > 5)
        client.post(f"/jobs/{job}/cancel")
        (tmp_path / "photo.png").write_bytes(png(noisy()))
        for kind, program in (("sh", "bash"), ("python", sys.executable)):
            if kind == "sh" and not shutil.which("curl"):
                continue
            code = BLOCKS[kind].replace("http://127.0.0.1:7860", address)
            subprocess.run(
                [program, "-c", f"set -e\n{code}" if kind == "sh" else code],
                cwd=tmp_path,
                env=os.environ | {"IPSE_TOKEN": TOKEN},
                check=True,
                capture_output=True,
            )
            assert opened((tmp_path / "restored.png").read_bytes()).size == (88, 72)
            (tmp_path / "restored.png").unlink()
    code, said = finish(process, signal.SIGINT)
    assert (code, said) == (0, "")


def test_a_port_that_is_taken_is_said(page):
    port = page.address.rsplit(":", 1)[1]
    args = [COMMAND, "serve", "--no-browser", "--port", port]
    done = subprocess.run(args, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert port in done.stderr
