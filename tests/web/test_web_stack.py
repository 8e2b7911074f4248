"""A stack on the page is the command's: every plane, and a stack again."""

import io

import numpy as np
import tifffile
from hosted import noisy, opened

from ipse.cli import main


def test_a_stack_is_restored_plane_by_plane_as_by_the_command(page, tmp_path):
    planes = np.stack([noisy((48, 56), seed=k)[..., 0] for k in range(3)])
    stream = io.BytesIO()
    tifffile.imwrite(stream, planes, imagej=True, metadata={"axes": "ZYX"})
    picture = page.upload(stream.getvalue(), "s.tif")
    job = page.wait(page.submit(picture, preset="fast"))
    assert job["state"] == "done", job
    assert (job["progress"]["tiles"], job["points"]) == (3, [])
    made = page.client.get(f"/jobs/{job['id']}/result").content
    (tmp_path / "s.tif").write_bytes(stream.getvalue())
    told = ["denoise", str(tmp_path / "s.tif"), "-o", str(tmp_path / "o.tif"), "--preset", "fast", "--quiet"]
    assert main(told) == 0
    ours, theirs = tifffile.imread(io.BytesIO(made)), tifffile.imread(tmp_path / "o.tif")
    assert ours.shape == (3, 48, 56)
    assert np.array_equal(ours, theirs)
    assert opened(page.client.get(f"/jobs/{job['id']}/view").content).size == (56, 48)
