"""What users of restoration tools ask for, case by case, through the command's own path (file in, file out)."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from runs import open_whole, pulled

from ipse import pictures
from ipse.runs.job import Job
from ipse.runs.run import Run
from ipse.settings import Settings

QUICK = Settings(preset="fast", steps=2)


def restored(task: str, source: Path, target: Path, settings: Settings = QUICK, **options: object) -> Run:
    run = open_whole(Job(task, source, target, settings, options))
    pulled(run)
    return run


def noisy(*shape: int, depth: int = 255, sigma: float = 0.1) -> np.ndarray:
    """A smooth scene with noise, full of the values that the depth has."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    scene = 0.5 + 0.3 * np.sin(rows / 9.0) * np.cos(columns / 7.0)
    scene = scene[..., None] * np.ones(shape[2]) if len(shape) == 3 else scene
    draw = np.random.default_rng(0).normal(0, sigma, scene.shape)
    return np.round((scene + draw).clip(0, 1) * depth).astype(np.uint8 if depth == 255 else np.uint16)


def test_a_gray_png_of_150_by_400(tmp_path: Path) -> None:
    Image.fromarray(noisy(150, 400)).save(tmp_path / "in.png")
    restored("denoise", tmp_path / "in.png", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as out:
        assert (out.mode, out.size) == ("L", (400, 150))
        assert np.asarray(out).std() < noisy(150, 400).std()


def test_alpha_comes_back_as_it_was(tmp_path: Path) -> None:
    alpha = (np.arange(40 * 60).reshape(40, 60) % 256).astype(np.uint8)
    Image.fromarray(np.dstack([noisy(40, 60, 3), alpha])).save(tmp_path / "in.png")
    restored("denoise", tmp_path / "in.png", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as out:
        assert out.mode == "RGBA"
        assert np.array_equal(np.asarray(out)[..., 3], alpha)


def test_a_palette_stays_a_palette(tmp_path: Path) -> None:
    Image.fromarray(noisy(50, 50, 3)).quantize(64).save(tmp_path / "in.png")
    restored("denoise", tmp_path / "in.png", tmp_path / "out.png", sigma=25)
    with Image.open(tmp_path / "out.png") as out:
        assert (out.mode, out.size) == ("P", (50, 50))


def test_a_picture_48_pixels_wide(tmp_path: Path) -> None:
    Image.fromarray(noisy(70, 48, 3)).save(tmp_path / "in.png")
    restored("denoise", tmp_path / "in.png", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as out:
        assert out.size == (48, 70)


@pytest.mark.parametrize(
    ("task", "size"),
    [
        (task, size)
        for task in ("denoise", "dejpeg", "upscale", "inpaint")
        for size in ((1, 1), (1, 9), (7, 2))
        if (task, size) != ("inpaint", (1, 1))  # a mask over one pixel is empty or full, which is refused
    ],
)
def test_any_size_from_one_pixel_upward(tmp_path: Path, task: str, size: tuple[int, int]) -> None:
    Image.fromarray(noisy(*size, 3)).save(tmp_path / "in.png")
    mask = np.zeros(size, bool)
    mask.flat[0] = True
    options = {"dejpeg": {"quality": 20}, "upscale": {"factor": 3}, "inpaint": {"mask": mask}}
    told = options.get(task, {"sigma": 20.0})
    restored(task, tmp_path / "in.png", tmp_path / "out.png", **told)
    factor = 3 if task == "upscale" else 1
    with Image.open(tmp_path / "out.png") as out:
        assert out.size == (size[1] * factor, size[0] * factor)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is not kept elsewhere")
def test_1792_squared_with_150_bytes_a_pixel(tmp_path: Path) -> None:
    """Three million pixels are cut into tiles; what their whole takes is little."""
    given = np.tile(noisy(448, 448), (4, 4))
    Image.fromarray(given).save(tmp_path / "in.png", compress_level=1)
    limited = """
import resource, sys, torch
from pathlib import Path
from ipse.cli import main
(used,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmData" in line)
resource.setrlimit(resource.RLIMIT_DATA, ((int(used) << 10) + 150 * 1792**2,) * 2)
sys.exit(main(["denoise", "in.png", "-o", "out.png", "--seconds", "1", "--quiet"]))
"""
    command, room = (
        [sys.executable, "-c", limited],
        os.environ | {"OMP_NUM_THREADS": "1"},
    )  # threads have stacks
    done = subprocess.run(command, cwd=tmp_path, env=room, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "out.png") as out:
        result = np.asarray(out)
    assert result.shape == given.shape
    assert result.std() < 0.95 * given.std()


def test_64_to_192_without_a_large_picture(tmp_path: Path) -> None:
    Image.fromarray(noisy(64, 64, 3, sigma=0)).save(tmp_path / "in.png")
    restored("upscale", tmp_path / "in.png", tmp_path / "out.png", factor=3)
    with Image.open(tmp_path / "out.png") as out:
        assert out.size == (192, 192)


def test_a_portrait_jpeg_keeps_its_orientation(tmp_path: Path) -> None:
    image = Image.fromarray(noisy(64, 96, 3, sigma=0.02))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "in.jpg", quality=20, exif=exif.tobytes())
    restored("dejpeg", tmp_path / "in.jpg", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as out:
        assert out.size == (96, 64)
        assert out.getexif()[0x0112] == 6


def test_a_colour_profile_survives(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(noisy(40, 40, 3)).save(tmp_path / "in.png", icc_profile=profile)
    restored("denoise", tmp_path / "in.png", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as out:
        assert out.info["icc_profile"] == profile


def test_a_16_bit_radiograph_has_no_bands(tmp_path: Path) -> None:
    Image.fromarray(noisy(96, 96, depth=65535, sigma=0.03)).save(tmp_path / "in.png")
    restored("denoise", tmp_path / "in.png", tmp_path / "out.png")
    out = pictures.read(tmp_path / "out.png")
    assert out.samples.dtype == np.uint16
    assert len(np.unique(out.samples)) > 96 * 96 / 4


def test_speckle_is_told_and_taken_out(tmp_path: Path) -> None:
    clean = 0.15 + 0.6 * (np.mgrid[0:160, 0:160][1] / 160)
    speckled = clean * (1 + 0.2 * np.random.default_rng(0).normal(size=clean.shape))
    Image.fromarray(np.round(speckled.clip(0, 1) * 255).astype(np.uint8)).save(tmp_path / "in.png")
    run = restored("denoise", tmp_path / "in.png", tmp_path / "out.png")
    assert run.stream.problem is not None
    assert run.stream.problem.estimates["kind"] == "speckle"
    out = pictures.read(tmp_path / "out.png").pixels[0]
    assert np.mean((out - clean) ** 2) < 0.2 * np.mean((speckled - clean) ** 2)


def test_an_inverted_mask_is_noticed_and_said(tmp_path: Path) -> None:
    clean = noisy(60, 60, 3, sigma=0)
    hole = np.zeros((60, 60), bool)
    hole[20:26, 30:50] = True
    damaged = np.where(hole[..., None], 0, clean).astype(np.uint8)
    Image.fromarray(damaged).save(tmp_path / "in.png")
    outs: list[bytes] = []
    for name, mask in (("white-is-hole", hole), ("black-is-hole", ~hole)):
        Image.fromarray((mask * 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
        run = restored(
            "inpaint", tmp_path / "in.png", tmp_path / f"o-{name}.png", mask=tmp_path / f"{name}.png"
        )
        assert run.stream.problem is not None
        said = str(run.stream.problem.estimates["mask"])
        assert said.startswith(name.split("-", maxsplit=1)[0])
        outs.append((tmp_path / f"o-{name}.png").read_bytes())
    assert outs[0] == outs[1]
    with Image.open(io.BytesIO(outs[0])) as out:
        assert np.array_equal(np.asarray(out)[~hole], clean[~hole])
        assert np.abs(np.asarray(out)[hole].astype(int) - clean[hole]).mean() < 20


def test_many_pictures_in_flat_memory() -> None:
    script = """
import resource
import numpy as np
from ipse.pictures import Picture
from ipse.streams.open import restore
from ipse.settings import Settings
import torch
torch.set_num_threads(1)
def used():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
draw = np.random.default_rng(0)
for i in range(1, 126):
    y = draw.integers(0, 256, (16, 16)).astype(np.uint8)
    restore(Picture.from_array(y), "denoise", Settings(preset="fast", steps=1), {"sigma": 20})
    if i == 50:
        early = used()
print(early, used())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    early, late = map(int, done.stdout.split())
    assert late < 1.01 * early


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    Image.fromarray(noisy(40, 40, 3)).save(tmp_path / "in.png")
    for name in ("one.png", "two.png"):
        restored("denoise", tmp_path / "in.png", tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_clean_picture_comes_back_unchanged_and_says_so(tmp_path: Path) -> None:
    Image.fromarray(noisy(64, 64, 3, sigma=0)).save(tmp_path / "in.png")
    run = restored("denoise", tmp_path / "in.png", tmp_path / "out.png")
    assert run.stream.result().unchanged
    assert "nothing to restore" in run.stream.result().reason
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "in.png").read_bytes()
