"""The page on a server: settings by the environment, log lines as JSON, health, metrics, and the container's files."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import yaml
from hosted import hosted, noisy, png, until

ROOT = Path(__file__).parent.parent.parent
TOKEN = "a-token-of-the-environment"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ready(address):
    try:
        return httpx.get(f"{address}/health").text == "ok"
    except httpx.TransportError:
        return False


def test_the_environment_says_all_and_log_lines_are_json(tmp_path):
    port = free_port()
    told = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "TOKEN": TOKEN,
        "FOLDER": str(tmp_path / "kept"),
        "LOG": "json",
    }
    env = os.environ | {f"IPSE_{name}": value for name, value in told.items()} | {"IPSE_UPLOAD_LIMIT": "1"}
    command = [sys.executable, "-m", "ipse", "serve", "--no-browser"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as server:
        address = f"http://127.0.0.1:{port}"
        try:
            until(lambda: ready(address))
            assert httpx.get(f"{address}/metrics").status_code == 401
            with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as own:
                large = own.post(f"{address}/api/v1/pictures", content=b"x" * (2 << 20))
                assert "more than 1 MiB" in large.json()["message"]
                seen = own.post(
                    f"{address}/api/v1/pictures?name=secret.png", content=png(noisy((40, 40)))
                ).json()
                wanted = {"picture": seen["id"], "task": "denoise", "settings": {"preset": "fast"}}
                job = own.post(f"{address}/api/v1/jobs", json=wanted).json()["id"]
                until(lambda: own.get(f"{address}/api/v1/jobs/{job}").json()["state"] == "done")
        finally:
            server.terminate()
        said = server.communicate(timeout=60)[1]
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    states = [(line["job"], line["state"]) for line in lines if "job" in line]
    assert states == [(job, state) for state in ("queued", "running", "done") if (job, state) in states]
    assert states[-1] == (job, "done")
    assert lines[-1]["seconds"] > 0
    assert not any("secret" in json.dumps(line) or TOKEN in json.dumps(line) for line in lines)


def test_metrics_count_jobs_and_weigh_processes(tmp_path):
    with hosted(tmp_path / "kept") as page:
        root = page.address
        picture = page.upload(png(noisy((40, 40))))
        page.wait(page.submit(picture, preset="fast"))
        page.ask(page.submit(picture, steps=100000, rule="last"), "cancel")
        answer = httpx.get(f"{root}/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        found = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
        assert all(re.fullmatch(r'[a-z_]+(\{\w+="[^"]*"(,\w+="[^"]*")*\})?', name) for name in found)
        assert found['ipse_jobs_total{task="denoise",state="done"}'] == "1"
        assert found['ipse_jobs_total{task="denoise",state="cancelled"}'] == "1"
        assert float(found['ipse_job_seconds_total{task="denoise"}']) > 0
        assert found["ipse_pictures"] == "1"
        assert found["ipse_queue_length"] == "0"
        assert int(found['ipse_memory_bytes{process="server"}']) > 10 << 20
        assert int(found["ipse_kept_bytes"]) > 0
        names = re.findall(r"# TYPE (\S+) (?:counter|gauge)", answer.text)
        assert {re.sub(r"\{.*", "", name) for name in found} <= set(names)


def test_the_container_has_few_rights_and_a_health_check():
    text = (ROOT / "container" / "Containerfile").read_text(encoding="utf-8")
    users = re.findall(r"^USER (\d+)$", text, re.MULTILINE)
    assert users == ["10001"]
    assert "HEALTHCHECK" in text
    body = yaml.safe_load((ROOT / "container" / "compose.yaml").read_text(encoding="utf-8"))
    own, proxy = body["services"]["ipse"], body["services"]["proxy"]
    assert own["read_only"]
    assert own["cap_drop"] == ["ALL"]
    assert "ports" not in own  # only the proxy is reached from outside
    assert own["networks"] == ["inside"]
    assert body["networks"]["inside"]["internal"]
    assert "443:443" in proxy["ports"]
    copied = re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE)
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert f"!{name}" in kept


def test_behind_tls_the_cookie_is_only_sent_over_tls(tmp_path):
    with hosted(tmp_path / "kept", token=TOKEN) as page:
        own = {"X-Forwarded-Proto": "https"}
        secure = httpx.get(f"{page.address}/?token={TOKEN}", headers=own).headers["set-cookie"]
        plain = httpx.get(f"{page.address}/?token={TOKEN}").headers["set-cookie"]
    assert "Secure" in secure
    assert "Secure" not in plain
