import os

import pytest

pytest.importorskip("fastapi", reason="the page is not installed: pip install 'ipse[web]'")
pytest.importorskip("uvicorn", reason="the page is not installed: pip install 'ipse[web]'")

from browser import PROGRAM
from hosted import hosted


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """A server that tests share; each has pictures and jobs of its own."""
    with hosted(tmp_path_factory.mktemp("served")) as one:
        yield one


@pytest.fixture(scope="session")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if PROGRAM is None:
        missing = "there is no Chromium; apt-get install chromium runs the page's tests"
        if os.environ.get("IPSE_BROWSER") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    alone = ["--disable-gpu"]  # there is none, and to look for one takes a while in each page
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # whose processes Chromium's sandbox refuses
    with sync_api.sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=PROGRAM, args=[*alone, *(["--no-sandbox"] if root else [])]
        )
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium, page):
    """A page of its own; whatever it asks for lies on this server, and nothing in it fails."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860}, accept_downloads=True)
    context.set_default_timeout(30000)
    asked, failures = [], []
    context.on("request", lambda request: asked.append(request.url))
    one = context.new_page()
    one.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    one.on("pageerror", lambda error: failures.append(str(error)))
    one.goto(page.address)
    one.wait_for_selector("body[data-ready]")
    yield one
    context.close()
    assert [url for url in asked if not url.startswith((page.address, "blob:"))] == []
    refusals = [
        text for text in failures if "status of 4" in text
    ]  # a refused upload is said on the page too
    assert [text for text in failures if text not in refusals] == []
    for job in page.client.get("/jobs").json():
        page.client.delete(f"/jobs/{job['id']}")
