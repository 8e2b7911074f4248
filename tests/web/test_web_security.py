"""Who may ask, what is taken, and what a stranger's file can do: nothing."""

import io
import re
import socket
import struct
import zipfile
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from hosted import hosted, noisy, png, until

import ipse.web
from ipse.cli import main
from ipse.web.server import Limits
from ipse.web.upload import safe_name

STATIC = Path(ipse.web.__file__).parent / "static"
TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    with hosted(folder, token=TOKEN, limits=Limits(upload=1 << 20)) as one:
        yield one


def bomb():
    """A PNG of 200 bytes that says it has 10 000 million pixels."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def archive(data):
    """A picture with a ZIP archive behind it: both programs open it."""
    stream = io.BytesIO()
    stream.write(data)
    with zipfile.ZipFile(stream, "a") as inner:
        inner.writestr("run.js", "alert(1)")
    return stream.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HOSTILE = {
    "no picture": (b"hello, this is text" * 5, 415, "PictureError"),
    "cut short": (png(noisy())[:900], 415, "PictureError"),
    "drawing": (b'<?xml version="1.0"?>' + SVG.replace(b"script", b"g"), 415, "PictureError"),
    "script": (SVG, 415, "Polyglot"),
    "archive": (archive(png(noisy())), 415, "Polyglot"),
    "document": (b"%PDF-1.4\n" + png(noisy()), 415, "Polyglot"),
    "bomb": (bomb(), 413, "TooManyPixels"),
    "empty": (b"", 400, "CutShort"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_with_its_status_and_a_sentence(page, kind):
    data, status, code = HOSTILE[kind]
    before = set(page.server.store.pictures)
    answer = page.client.post("/pictures", params={"name": "../../x.png"}, content=data)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    said = answer.json()["message"]
    assert "\n" not in said
    assert str(page.server.store.root) not in said
    assert "Traceback" not in said
    assert set(page.server.store.pictures) == before
    assert list((page.server.store.root / "incoming").iterdir()) == []


def test_too_many_bytes_are_refused_however_they_come(guarded):
    own = {"Authorization": f"Bearer {TOKEN}"}
    said = guarded.client.post("/pictures", content=b"x" * (2 << 20), headers=own)
    streamed = guarded.client.post("/pictures", content=(b"x" * 65536 for _ in range(64)), headers=own)
    for answer in (said, streamed):
        assert (answer.status_code, answer.json()["code"]) == (413, "TooLarge")
    until(lambda: list((guarded.server.store.root / "incoming").iterdir()) == [])


def test_a_wrong_length_leaves_nothing(page):
    host, port = page.address.removeprefix("http://").split(":")
    head = f"POST /api/v1/pictures HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 500\r\n\r\n"
    with socket.create_connection((host, int(port))) as pipe:
        pipe.sendall(head.encode() + b"x" * 100)
        pipe.shutdown(socket.SHUT_WR)
        pipe.settimeout(10)
        assert b"200" not in pipe.recv(100).split(b"\r\n")[0]
    assert page.client.get("/tasks").status_code == 200
    until(lambda: list((page.server.store.root / "incoming").iterdir()) == [])


@pytest.mark.parametrize(
    "path", ["/..%2f..%2fetc%2fpasswd", "/../../etc/passwd", "/%2e%2e/x", "/" + "z" * 16]
)
def test_a_path_from_outside_never_reaches_the_files(page, path):
    for start in ("/pictures", "/jobs"):
        assert page.client.get(start + path).status_code in (404, 422)
    assert httpx.get(f"{page.address}/static{path}").status_code == 404


def test_a_name_is_for_show(page):
    picture = page.upload(png(noisy((40, 40))), "../../etc/evil\r\nX: y.png")
    record = page.client.get(f"/pictures/{picture}").json()
    assert record["name"] == "evilX: y.png"
    assert page.server.store.picture_path(picture).name == "stored.png"
    answer = page.client.get(f"/pictures/{picture}/file")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "x" not in answer.headers
    assert [safe_name(name) for name in ("", "..", "a/b", "a\\b", "\0")] == [
        "picture",
        "picture",
        "b",
        "b",
        "picture",
    ]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Content-Length": "0", "Transfer-Encoding": "chunked"}, 400),
    ],
)
def test_other_sites_and_other_names_are_turned_away(page, headers, status):
    assert page.client.get("/tasks", headers=headers).status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_changes_nothing(page, method, site):
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for more in ({}, {"Origin": "http://evil.example"}, {"Origin": "http://["}):
        answer = page.client.request(method, "/pictures", headers=headers | more, content=b"P2 1 1 1 1")
        assert answer.status_code == 403
    assert page.client.get("/tasks", headers=headers | {"Origin": "http://["}).status_code == 403


def test_a_form_of_another_site_changes_nothing_in_a_browser(page, chromium):
    form = (
        f'<form method="post" enctype="text/plain" action="{page.address}/api/v1/pictures">'
        '<input name="P2 4 4 255 " value=" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"></form>'
    )

    class Evil(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(form.encode())

        def log_message(self, *_args):
            pass

    before = list(page.server.store.pictures)
    with ThreadingHTTPServer(("127.0.0.1", 0), Evil) as evil:
        Thread(target=evil.serve_forever, daemon=True).start()
        for host in ("127.0.0.1", "localhost"):
            tab = chromium.new_page()
            tab.goto(f"http://{host}:{evil.server_port}/")
            with tab.expect_navigation() as answered:
                tab.evaluate("document.forms[0].submit()")
            assert answered.value.status == 403
            tab.close()
        evil.shutdown()
    assert list(page.server.store.pictures) == before


@pytest.mark.parametrize(
    "settings",
    ['{"device": "\\ud800"}', '{"network": "a\\u0000"}', '{"seconds": Infinity}', '{"seconds": NaN}'],
)
def test_what_is_no_text_and_no_number_is_refused_before_it_is_kept(page, settings):
    picture = page.client.post(
        "/pictures", content=png(noisy()), headers={"Content-Type": "image/png"}
    ).json()["id"]
    body = f'{{"picture": "{picture}", "task": "denoise", "settings": {settings}}}'
    answer = page.client.post("/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert page.client.get("/jobs").status_code == 200


def test_a_cookie_of_another_program_does_not_lock_the_owner_out(guarded):
    with httpx.Client(base_url=guarded.address) as client:
        other, name = 'prefs={"a":1}; ', f"ipse-{httpx.URL(guarded.address).port}"
        assert client.get("/", headers={"Cookie": f"{other}{name}={TOKEN}"}).status_code == 200
        assert client.get("/", headers={"Cookie": f"{other}{name}=wrong"}).status_code == 401


def test_a_token_opens(guarded):
    with httpx.Client(base_url=guarded.address) as client:
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": TOKEN},
            {"Cookie": "ipse=wrong"},
            {"Cookie": ";;=,\\"},
        ):
            for path in ("/", "/api/v1/tasks", "/static/js/main.js", "/api/v1/jobs?token=" + TOKEN):
                assert client.get(path, headers=headers).status_code == 401
        assert client.get("/api/v1/tasks", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert client.get("/api/v1/tasks", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200
        locked = client.get("/", headers={"Accept": "text/html"})
        assert (locked.status_code, "needs its token" in locked.text) == (401, True)
        answer = client.get("/", params={"token": TOKEN})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        kept = answer.headers["set-cookie"].lower()
        assert "httponly" in kept
        assert "samesite=strict" in kept
        assert client.get("/").status_code == 200
        assert client.get("/api/v1/jobs").status_code == 200


def test_every_answer_forbids_inline_script_and_framing(page):
    for path in ("/", "/api", "/static/js/main.js", "/api/v1/tasks", "/api/v1/jobs/x", "/nowhere"):
        headers = httpx.get(page.address + path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_the_page_holds_no_inline_code_and_nothing_from_elsewhere():
    for path in STATIC.rglob("*.*"):
        if path.suffix == ".webp":
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|javascript:", text), path
        elsewhere = set(re.findall(r"https?://[^\"'` )]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not elsewhere, path
        assert "innerHTML" not in text
        assert len(text.splitlines()) <= 250


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--host", "0.0.0.0"], "--token"),
        (["--host", "0.0.0.0", "--token", "short"], "characters"),
        (["--host", "0.0.0.0", "--token", "a-token-that-holds-ü-and-more"], "letters"),
        (["--host", "0.0.0.0", "--no-token"], "--token"),
        (["--space", "0"], "--space"),
        (["--port", "99999"], "99999"),
        (["--fits", "0"], "--fits"),
        (["--folder", "/dev/null/x"], "/dev/null/x"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(capsys, args, word):
    assert main(["serve", "--no-browser", *args]) == 2
    said = capsys.readouterr().err
    assert word in said
    assert said.count("\n") == 1


def test_without_the_extra_it_says_how_to_install(monkeypatch, capsys):
    monkeypatch.setattr(
        "ipse.cli.commands.serve.find_spec", lambda name: None if name == "fastapi" else object()
    )
    assert main(["serve"]) == 2
    said = capsys.readouterr().err
    assert "pip install 'ipse[web]'" in said
    assert said.count("\n") == 1
