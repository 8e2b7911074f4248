"""Small files of the page: thumbnails, and blur kernels of NumPy."""

import io

import numpy as np
import pytest
from hosted import noisy, opened, png
from scipy.ndimage import convolve

from ipse.web.places import THUMB


def saved(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.fixture(scope="module")
def wide(page):
    return page.upload(png(noisy((240, 400))))


def test_lists_show_thumbnails_of_pictures_masks_and_results(page, wide):
    mask = page.client.post(f"/pictures/{wide}/masks", content=png(np.eye(240, 400, dtype=bool)))
    job = page.wait(page.submit(wide, preset="fast", steps=0))
    assert job["state"] == "done", job
    paths = [f"/pictures/{wide}", f"/pictures/{mask.json()['id']}", f"/jobs/{job['id']}"]
    for path, size in zip(paths, [(256, 154), (256, 154), (256, 154)], strict=True):
        small, whole = (page.client.get(f"{path}/{name}") for name in ("thumb", "view"))
        assert opened(small.content).size == size
        assert len(small.content) < len(whole.content)
    (page.server.store.picture_folder(wide) / THUMB).unlink()  # as an earlier version left it
    assert opened(page.client.get(f"/pictures/{wide}/thumb").content).size == (400, 240)


def test_a_kernel_of_numpy_is_what_its_picture_is(page):
    kernel = np.outer([1, 4, 6, 4, 1], [1, 2, 1]).astype(float)
    blurred = np.rint(convolve(noisy((48, 56), sigma=0.0)[..., 0].astype(float), kernel / kernel.sum()))
    picture, made = page.upload(png(blurred.astype(np.uint8))), []
    for data, name in ((saved(kernel / 7), "k.npy"), (png((kernel * 10).astype(np.uint8)), "k.png")):
        psf = {"picture": page.upload(data, name)}
        made.append(page.wait(page.submit(picture, "restore", options={"psf": psf}, preset="fast", steps=3)))
        assert made[-1]["state"] == "done", made[-1]
    assert [job["receipt"]["estimates"]["psf"] for job in made] == ["3×5"] * 2
    results = [opened(page.client.get(f"/jobs/{job['id']}/view").content) for job in made]
    assert np.abs(np.subtract(*(np.asarray(one, int) for one in results))).max() <= 1


@pytest.mark.parametrize(
    ("data", "name", "word"),
    [
        (saved(np.zeros((3, 3))), "k.npy", "not all 0"),
        (saved(np.ones(7)), "k.npy", "shape (7,)"),
        (saved(np.array([[None]])), "k.npy", "numpy.save"),
        (saved(np.ones((3, 3)))[:-5], "k.npy", "numpy.save"),
        (saved(np.ones((1500, 1500))), "k.npy", "at most 1048576 values"),
    ],
)
def test_what_is_no_kernel_is_said(page, data, name, word):
    answer = page.client.post("/pictures", params={"name": name}, content=data)
    assert answer.status_code == 415
    assert answer.json()["message"].startswith(name)
    assert word in answer.json()["message"]


def test_how_to_upload_a_kernel_in_an_archive_is_said(page):
    stream = io.BytesIO()
    np.savez(stream, k=np.ones((3, 3)))
    answer = page.client.post("/pictures", params={"name": "k.npz"}, content=stream.getvalue())
    assert answer.status_code == 415
    assert "numpy.save, as .npy" in answer.json()["message"]
