import pytest

pytest.importorskip("fastapi", reason="the page is not installed: pip install 'ipse[web]'")
pytest.importorskip("uvicorn", reason="the page is not installed: pip install 'ipse[web]'")

from hosted import hosted


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """A server that tests share; each has pictures and jobs of its own."""
    with hosted(tmp_path_factory.mktemp("served")) as one:
        yield one
