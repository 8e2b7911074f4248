"""The API: what the command makes, the page makes too, and it can be watched."""

import io
import json

import numpy as np
import pytest
from hosted import PROFILE, noisy, opened, png
from PIL import Image

from ipse import tasks
from ipse.cli import main
from ipse.pictures import read


@pytest.fixture(scope="module")
def picture(page):
    return page.upload(png(noisy(), icc_profile=PROFILE), "a photo.png")


def command(folder, *args):
    """Run the command; return the bytes of its output."""
    out = folder / "out.png"
    assert main([*map(str, args), "-o", str(out), "--overwrite", "--quiet"]) == 0
    return out.read_bytes()


def test_the_form_is_the_signatures(page):
    shown = {task["name"]: task for task in page.client.get("/tasks").json()}
    assert list(shown) == [name for name in tasks.names() if tasks.sees(name) != "nothing"]
    for name, task in shown.items():
        own = [one for one in tasks.options(name) if not one.local]
        for part, known in (("options", own), ("settings", tasks.shared_options())):
            assert [one["name"] for one in task[part]] == [one.name for one in known]
            for field, one in zip(task[part], known, strict=True):
                assert field["help"] == one.help
                assert field["required"] == one.required
                assert one.required or field["default"] == one.default


def test_an_upload_says_what_it_is_and_what_is_wrong(page, picture):
    said = page.client.get(f"/pictures/{picture}", params={"wait": True}).json()
    assert (said["about"]["width"], said["about"]["height"]) == (88, 72)
    assert said["found"]["proposed task"] == "denoise"
    assert 15 < said["found"]["sigma"] < 25
    assert opened(page.client.get(f"/pictures/{picture}/view").content).size == (88, 72)
    assert page.client.get(f"/pictures/{picture}/file").content == png(noisy(), icc_profile=PROFILE)


def test_a_job_makes_what_the_command_makes(page, picture, tmp_path):
    job = page.wait(page.submit(picture, preset="fast", seed=3, steps=12))
    assert job["state"] == "done", job
    answer = page.client.get(f"/jobs/{job['id']}/result")
    assert "a%20photo_ipse.png" in answer.headers["content-disposition"]
    (tmp_path / "in.png").write_bytes(png(noisy(), icc_profile=PROFILE))
    assert answer.content == command(
        tmp_path, "denoise", tmp_path / "in.png", "--preset", "fast", "--seed", 3, "--steps", 12
    )
    assert opened(answer.content).info["icc_profile"] == PROFILE
    receipt = page.client.get(f"/jobs/{job['id']}/receipt").json()
    assert receipt["input"] == "a photo.png"
    assert receipt["settings"]["seed"] == 3
    assert str(page.server.store.root) not in json.dumps(receipt)
    assert job["curve"][-1][0] == job["receipt"]["steps"]


def test_events_tell_of_pilot_steps_previews_and_the_end(page, picture):
    name, said, states = page.submit(picture, preset="good", seed=4, steps=12), [], []
    with page.client.stream("GET", f"/jobs/{name}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: "):
                said.append(json.loads(line[6:]))
                states.append(said[-1]["state"])
                if said[-1]["progress"]["preview"]:
                    assert opened(page.client.get(f"/jobs/{name}/preview").content).size == (88, 72)
    assert states[-1] == "done"
    steps = [one["progress"]["step"] for one in said]
    assert steps == sorted(steps)
    assert steps[-1] == 12
    assert max(one["progress"]["pilots"] for one in said) >= 1
    assert said[-1]["progress"]["preview"] >= 2
    assert page.client.get(f"/jobs/{name}/events").text.count("event: job") == 1


def test_a_painted_mask_is_a_file_that_the_command_understands(page, tmp_path):
    x = noisy(sigma=0)
    y = x.copy()
    y[20:40, 30:50] = 255
    painted = np.zeros((36, 44), np.uint8)  # half the size, as a page paints large pictures
    painted[10:20, 15:25] = 255
    picture = page.upload(png(y))
    mask = page.client.post(
        f"/pictures/{picture}/masks", params={"painted": True}, content=png(painted)
    ).json()
    assert mask["share"] == pytest.approx(400 / y[..., 0].size, rel=0.15)
    options = {"mask": {"picture": mask["id"]}, "polarity": "white-is-hole"}
    job = page.wait(page.submit(picture, "inpaint", options=options, preset="fast", steps=20))
    assert job["state"] == "done", job
    made = page.client.get(f"/jobs/{job['id']}/result").content
    (tmp_path / "in.png").write_bytes(png(y))
    (tmp_path / "mask.png").write_bytes(page.client.get(f"/pictures/{mask['id']}/file").content)
    same = ["--mask", tmp_path / "mask.png", "--polarity", "white-is-hole", "--preset", "fast", "--steps", 20]
    assert made == command(tmp_path, "inpaint", tmp_path / "in.png", *same)
    hole = np.asarray(Image.open(tmp_path / "mask.png")) > 0
    assert np.array_equal(np.asarray(opened(made))[~hole], y[~hole])
    again = page.client.post(
        f"/pictures/{picture}/masks", content=(tmp_path / "mask.png").read_bytes()
    ).json()
    assert again["share"] == pytest.approx(mask["share"])
    refused = page.client.post(f"/pictures/{picture}/masks", content=png(painted))
    assert (refused.status_code, refused.json()["code"]) == (422, "MaskError")
    assert "44×36" in refused.json()["message"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_painted_on_the_upright_view_lies_on_the_stored_pixels(page, orientation):
    stored = noisy((40, 64))
    stored[:8, :12] = 0  # a mark in the stored top left corner
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = page.upload(png(stored, exif=exif.tobytes()))
    view = np.asarray(opened(page.client.get(f"/pictures/{picture}/view").content))
    painted = np.where((view == 0).all(axis=-1), np.uint8(255), np.uint8(0))
    mask = page.client.post(
        f"/pictures/{picture}/masks", params={"painted": True}, content=png(painted)
    ).json()
    made = np.asarray(opened(page.client.get(f"/pictures/{mask['id']}/file").content))
    assert made.shape == (40, 64)
    assert (made[:8, :12] == 255).all()
    assert (made > 0).sum() == 8 * 12
    assert np.array_equal(
        np.asarray(opened(page.client.get(f"/pictures/{mask['id']}/view").content)), painted
    )


def test_every_point_of_the_trajectory_is_shown_and_saved_without_a_new_fit(page, picture, tmp_path):
    job = page.wait(page.submit(picture, preset="fast", seed=5, steps=12))
    assert job["points"][0] == 0
    assert job["points"][-1] == job["receipt"]["steps"]
    (tmp_path / "in.png").write_bytes(png(noisy(), icc_profile=PROFILE))
    for step in (job["points"][0], job["points"][-1]):
        shown = opened(page.client.get(f"/jobs/{job['id']}/points/{step}").content)
        saved = page.client.get(f"/jobs/{job['id']}/result", params={"step": step}).content
        assert np.array_equal(np.asarray(shown), np.asarray(opened(saved)))
        assert opened(saved).info["icc_profile"] == PROFILE
        strength = {0: 1.0}.get(step, 0.0)
        told = ["--preset", "fast", "--seed", 5, "--steps", 12, "--strength", strength]
        assert saved == command(tmp_path, "denoise", tmp_path / "in.png", *told)
    assert page.client.get(f"/jobs/{job['id']}/points/7777").status_code == 404
    assert page.client.get(f"/jobs/{job['id']}/result", params={"step": 7777}).status_code == 404


def test_a_trial_on_a_region(page, picture):
    job = page.wait(page.submit(picture, region=[33, 10, 40, 40], preset="fast"))
    assert job["state"] == "done", job
    assert job["size"] == [50, 41]  # from where blocks begin
    assert page.client.get(f"/jobs/{job['id']}/receipt").status_code == 404
    outside = {"picture": picture, "task": "denoise", "region": [60, 10, 40, 40]}
    assert page.client.post("/jobs", json=outside).status_code == 422


def test_a_picture_with_nothing_to_restore_comes_back_as_it_was(page):
    data = png(np.full((64, 64, 3), 90, np.uint8))
    job = page.wait(page.submit(page.upload(data)))
    assert job["receipt"]["unchanged"]
    assert page.client.get(f"/jobs/{job['id']}/result").content == data


def test_a_plan_before_the_start(page, picture):
    plan = page.client.post(
        "/plan", json={"picture": picture, "task": "denoise", "settings": {"steps": 50}}
    ).json()
    assert plan["steps"] == 50
    assert plan["seconds"] > 0
    assert plan["fits"]


def test_tiles_are_seen_as_they_come(page):
    picture = page.upload(png(noisy((96, 160))))
    name = page.submit(picture, preset="fast", tile=64)
    job = page.wait(name)
    assert job["state"] == "done", job
    assert job["points"] == []
    assert job["progress"]["preview"] > 2
    assert opened(page.client.get(f"/jobs/{name}/preview").content).size == (160, 96)


def test_deep_and_clear_pictures_keep_what_they_are(page, tmp_path):
    rng = np.random.default_rng(0)
    deep = rng.normal(30000, 4000, (64, 70)).clip(0, 65535).astype(np.uint16)
    stream = io.BytesIO()
    Image.fromarray(deep).save(stream, "TIFF")
    job = page.wait(page.submit(page.upload(stream.getvalue(), "x.tif"), preset="fast"))
    (tmp_path / "made.tif").write_bytes(page.client.get(f"/jobs/{job['id']}/result").content)
    made = read(tmp_path / "made.tif")
    assert (made.format, made.dtype, made.size) == ("TIFF", np.uint16, (64, 70))
    assert opened(page.client.get(f"/jobs/{job['id']}/view").content).mode == "L"


def test_what_was_removed_can_be_looked_at(page, picture):
    job = page.wait(page.submit(picture, options={"sigma": 25.0}, preset="fast"))
    assert job["state"] == "done", job
    assert job["removed"]
    assert opened(page.client.get(f"/jobs/{job['id']}/removed").content).size == (88, 72)
    assert "doubt" in job["receipt"]


def test_several_seeds_show_where_they_disagree(page, picture):
    job = page.wait(page.submit(picture, preset="fast", seeds=2, steps=3))
    assert job["state"] == "done", job
    shown = opened(page.client.get(f"/jobs/{job['id']}/disagreement").content)
    assert shown.size == (88, 72)
    receipt = page.client.get(f"/jobs/{job['id']}/receipt").text
    assert str(page.server.store.root) not in receipt
    assert "a photo_ipse.png.disagreement.tif" in receipt
