"""Several files at once: a queue, one act for all, and one archive."""

import base64
import io
import zipfile

import numpy as np
import pytest
from browser import hold, more, saved, shoot
from hosted import noisy, opened, png, until

from ipse.web.archive import distinct
from ipse.web.upload import safe_folder

DROP_ALL = """(files) => {
  const transfer = new DataTransfer();
  for (const [data, name] of files) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  document.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""


def names(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_a_queue_is_there_again_after_a_reload(tab, page):
    files = [(base64.b64encode(png(noisy((40, 48), seed=k))).decode(), f"{k}.png") for k in range(3)]
    tab.evaluate(DROP_ALL, files)
    hold(tab, "document.querySelectorAll('#many .grid li button:enabled').length == 3")
    tab.reload()
    tab.wait_for_selector("body[data-ready]")
    assert tab.locator("#many .grid .name").all_inner_texts() == ["0.png", "1.png", "2.png"]
    more(tab)
    tab.select_option("#option-preset", "fast")
    tab.click("#start-all:enabled")
    hold(tab, "/^\\d of 3/.test(document.querySelector('#many-said').textContent)")
    until(lambda: len(page.client.get("/jobs").json()) == 3)
    tab.reload()
    tab.wait_for_selector("#save-all")
    assert sorted(names(saved(tab, "#save-all")[1])) == [f"{k}_ipse.png" for k in range(3)]
    page.client.delete(f"/pictures/{page.client.get('/pictures').json()[-1]['id']}")
    tab.reload()
    tab.wait_for_selector("body[data-ready]")
    assert tab.locator("#many .grid .name").all_inner_texts() == ["0.png", "1.png"]


def test_twenty_files_two_of_them_broken_give_eighteen_results_and_two_sentences(tab, page):
    files = {f"{k:02}.png": png(noisy((40, 48), seed=k)[..., 0]) for k in range(18)}
    files |= {"letter.png": b"PK\x03\x04" + bytes(60), "half.png": png(noisy())[:300]}
    tab.evaluate(DROP_ALL, [(base64.b64encode(data).decode(), name) for name, data in files.items()])
    tab.wait_for_selector("#many")
    hold(tab, "document.querySelectorAll('#many .grid li:not([hidden]) button:enabled').length == 18")
    hold(tab, "document.querySelectorAll('#broken li').length == 2")
    said = tab.locator("#broken li").all_inner_texts()
    assert "ZIP archive" in said[0]
    assert said[1].startswith("half.png")
    more(tab)
    tab.select_option("#option-preset", "fast")
    tab.click("#start-all")
    shoot(tab, "8-queue")
    tab.wait_for_selector("#save-all", timeout=120000)
    assert tab.inner_text("#many-said") == "18 of 18 are done."
    assert tab.locator("#broken li").count() == 2
    name, data = saved(tab, "#save-all")
    assert name == "ipse.zip"
    assert sorted(names(data)) == [f"{k:02}_ipse.png" for k in range(18)]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert opened(archive.read("07_ipse.png")).size == (48, 40)
    jobs = {job["name"]: job["id"] for job in page.client.get("/jobs").json()}
    tab.click(".grid li:nth-child(8) button")
    tab.wait_for_selector("#result")
    assert tab.evaluate("location.hash") == f"#job={jobs['07.png']}"
    tab.click("#all")
    tab.wait_for_selector("#save-all")


def test_several_pasted_at_once_become_a_queue_too(tab):
    tab.evaluate(
        DROP_ALL.replace(
            'new DragEvent("drop", {dataTransfer: transfer,',
            'new ClipboardEvent("paste", {clipboardData: transfer,',
        ),
        [(base64.b64encode(png(noisy(seed=k))).decode(), f"{k}.png") for k in range(2)],
    )
    hold(tab, "document.querySelectorAll('#many .grid button:enabled').length == 2")


def test_names_and_folders_are_kept_in_the_archive(tmp_path, tab):
    for folder in ("a", "b/c"):
        (tmp_path / "trip" / folder).mkdir(parents=True)
        (tmp_path / "trip" / folder / "one.png").write_bytes(png(np.full((40, 40), 90, np.uint8)))
    tab.set_input_files("#folder", tmp_path / "trip")
    hold(tab, "document.querySelectorAll('#many .grid button:enabled').length == 2")
    tab.click("#start-all")
    tab.wait_for_selector("#save-all")
    assert sorted(names(saved(tab, "#save-all")[1])) == ["trip/a/one_ipse.png", "trip/b/c/one_ipse.png"]


def test_an_archive_takes_only_what_is_done_and_numbers_equal_names(page):
    data = png(np.full((40, 40), 90, np.uint8))
    jobs = [page.submit(page.upload(data, "x.png"), preset="fast") for _ in range(2)]
    for name in jobs:
        page.wait(name)
    answer = page.client.get("/archive", params={"job": [*jobs, jobs[0]]})
    assert names(answer.content) == ["x_ipse.png", "x_ipse (2).png"]
    assert page.client.get("/archive", params={"job": ["0" * 16]}).status_code == 404
    assert page.client.get("/archive").status_code == 422


def test_numbers_follow_the_names_that_are_there():
    assert list(distinct(["a/x.png", "a/X.png", "b/x.png", "x", "x"])) == [
        "a/x.png", "a/X (2).png", "b/x.png", "x", "x (2)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("trip/day 1/a.png", "trip/day 1"),
        ("../../etc/a.png", "etc"),
        ("/root/a.png", "root"),
        ("C:\\Users\\a.png", "C/Users"),
        ("a\0b/./..//x.png", "ab"),
        ("a.png", ""),
    ],
)
def test_no_path_leads_out_of_the_archive(path, kept):
    assert safe_folder(path) == kept


def test_what_was_deleted_meanwhile_is_left_out(page):
    data = png(np.full((40, 40), 90, np.uint8))
    jobs = [page.submit(page.upload(data, f"{k}.png"), preset="fast") for k in range(2)]
    for name in jobs:
        page.wait(name)
    (page.server.store.job_folder(jobs[0]) / page.job(jobs[0])["result"]).unlink()
    assert names(page.client.get("/archive", params={"job": jobs}).content) == ["1_ipse.png"]
    until(lambda: page.client.get("/tasks").status_code == 200)
