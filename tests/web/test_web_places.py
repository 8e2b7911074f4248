"""Places that fail under a server: it says so, and goes on answering."""

import shutil
import signal

import pytest
from hosted import hosted, noisy, png

from ipse.cli import main
from ipse.web.serve import Ending, Place, serve


def test_a_folder_that_vanishes_is_said(tmp_path, caplog):
    with hosted(tmp_path / "kept") as page:
        picture = page.upload(png(noisy()))
        shutil.rmtree(tmp_path / "kept")
        ask = page.client
        answers = [
            ask.post("/pictures", params={"name": "b.png"}, content=png(noisy())),
            ask.get(f"/pictures/{picture}/file"),
            ask.post("/jobs", json={"picture": picture, "task": "denoise"}),
            ask.post("/plan", json={"picture": picture, "task": "denoise"}),
        ]
        assert [answer.status_code >= 400 for answer in answers] == [True] * 4
        assert [answer.json()["code"] for answer in answers if answer.status_code == 500] == ["Place"] * 2
        assert "kept: no such file or directory" in answers[0].json()["message"]
        assert ask.get("/tasks").status_code == 200
    assert "Traceback" not in caplog.text


def test_a_user_without_a_home_is_asked_for_a_folder(monkeypatch, capsys):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr("pathlib.Path.home", homeless)
    assert main(["serve", "--no-browser", "--port", "0"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--folder" in line


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_a_terminal_that_is_closed_ends_it_in_order(tmp_path, monkeypatch):
    ended = []

    def run(self, sockets):
        sockets[0].close()
        self.parts.store.held.close()
        signal.raise_signal(signal.SIGHUP)
        ended.append(self.should_exit)

    monkeypatch.setattr(Ending, "run", run)
    before = signal.getsignal(signal.SIGHUP)
    try:
        serve(Place(port=0, browser=False, folder=tmp_path / "kept"), lambda _: None)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert ended == [True]
