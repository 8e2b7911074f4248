"""The light of the photo without flash, the edges of the one with it, and no noise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from ipse import tasks
from ipse.cli import main
from ipse.engine.fit import Fit
from ipse.engine.problem import Problem
from ipse.errors import OptionError, PictureError
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.streams.open import open_stream
from ipse.streams.parts import Parts
from ipse.streams.restoration import Restoration
from ipse.tasks.flash import aligned, guided_filter

SCENE = astronaut()[60:156, 180:290] / 255
LIGHT = np.array([0.8, 0.5, 0.25]) * np.linspace(0.6, 1, SCENE.shape[1])[:, None]  # from one side, and warm
DARK = SCENE * LIGHT
NOISE = np.random.default_rng(0).normal(0, 0.08, DARK.shape)
PLAIN = np.rint(255 * np.clip(DARK + NOISE, 0, 1)).astype(np.uint8)
FLASH = np.rint(255 * SCENE).astype(np.uint8)
FAST = Settings(preset="fast", steps=40)


def error(x: np.ndarray) -> float:
    return float(np.mean((x / 255 - DARK) ** 2))


def test_noise_goes_and_the_light_stays() -> None:
    stream = Restoration(Picture.from_array(PLAIN), "flash", FAST, {"flash": FLASH})
    for _ in stream:
        pass
    out = stream.result().image
    assert error(out) < error(PLAIN) / 8
    np.testing.assert_allclose(out.mean((0, 1)), PLAIN.mean((0, 1)), rtol=0.04)


def test_the_guided_filter_keeps_the_guides_edges_and_what_is_linear_in_it() -> None:
    guide = torch.zeros(1, 1, 40, 40)
    guide[..., 20:] = 1
    noise = torch.randn(1, 2, 40, 40, generator=torch.Generator().manual_seed(0))
    y = 0.2 + 0.5 * guide + 0.1 * noise
    x = guided_filter(y, guide)
    assert (x - (0.2 + 0.5 * guide)).square().mean() < 0.1 * (0.1**2)
    torch.testing.assert_close(
        guided_filter(0.2 + 0.5 * guide, guide), 0.2 + 0.5 * guide.expand(1, 1, 40, 40), atol=5e-3, rtol=0
    )


@pytest.mark.parametrize("cut", [(0, 0, 1, 0), (2, 1, 0, 3), (0, 0, -1, -2)])
def test_photos_that_differ_by_a_few_pixels_are_aligned(cut: tuple[int, int, int, int]) -> None:
    top, bottom, left, right = cut
    whole = astronaut()[50:180, 150:290].mean(2)
    plain = whole[4 + top : -4 - bottom, 4 + left : -4 - right]
    rows, columns = aligned(whole[4:-4, 4:-4], plain)
    # Inside, where both have pixels, each is found under its like.
    assert (rows[4:-4, 0] == np.arange(plain.shape[0])[4:-4] + top).all()
    assert (columns[0, 4:-4] == np.arange(plain.shape[1])[4:-4] + left).all()


def test_sizes_that_differ_more_are_refused_with_both() -> None:
    with pytest.raises(PictureError, match=r"55×96 pixels, the one without 110×96"):
        tasks.find("flash")(Picture.from_array(PLAIN), FAST, flash=FLASH[:, ::2])


def test_the_flash_photo_is_the_latent() -> None:
    problem = tasks.find("flash")(Picture.from_array(PLAIN), FAST, flash=FLASH)
    assert isinstance(problem, Problem)
    assert problem.prior is not None
    z = problem.prior.z[0, :, : PLAIN.shape[0], : PLAIN.shape[1]].movedim(0, -1).numpy()
    np.testing.assert_allclose(z, FLASH / 255, atol=1e-6)
    with pytest.raises(OptionError, match="latent 'noise'"):
        tasks.find("flash")(Picture.from_array(PLAIN), Settings(latent="noise"), flash=FLASH)


@pytest.mark.parametrize("network", ["texture", "conv_decoder", "unet"])
def test_other_networks_take_it_too_and_so_does_gray(network: str) -> None:
    problem = tasks.find("flash")(
        Picture.from_array(PLAIN), Settings(network=network, steps=1), flash=FLASH[..., 1]
    )
    assert isinstance(problem, Problem)
    *_, last = Fit(problem)
    assert last.raw.shape == (1, 3, *PLAIN.shape[:2])


def test_paper_is_the_published_recipe() -> None:
    problem = tasks.find("flash")(Picture.from_array(PLAIN), Settings(preset="paper"), flash=FLASH)
    assert isinstance(problem, Problem)
    assert problem.prior is not None
    assert (problem.recipe.steps, problem.recipe.learning_rate) == (601, 0.1)
    assert problem.pilot is None
    ups = [m.mode for m in problem.prior.modules() if isinstance(m, torch.nn.Upsample)]
    assert sorted(ups) == ["bilinear"] * 3 + ["nearest"] * 2


def test_tiles_get_their_part_of_the_flash_photo() -> None:
    settings = Settings(preset="fast", steps=25, tile=64)
    stream = open_stream(Picture.from_array(PLAIN), "flash", settings, {"flash": FLASH})
    assert isinstance(stream, Parts)
    for _ in stream:
        pass
    assert error(stream.result().image) < error(PLAIN) / 5


def test_the_command_takes_flash_then_no_flash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(FLASH).save("with.png")
    Image.fromarray(PLAIN).save("without.png")
    assert main(["flash", "with.png", "without.png", "--steps", "2", "--preset", "fast", "-q"]) == 0
    out = np.asarray(Image.open("without_ipse.png"))
    np.testing.assert_allclose(out.mean((0, 1)), PLAIN.mean((0, 1)), rtol=0.04)
    assert main(["rerun", "without_ipse.png.ipse.json", "-o", "again.png", "-q"]) == 0
    assert Path("again.png").read_bytes() == Path("without_ipse.png").read_bytes()
    Image.fromarray(FLASH[:50]).save("with.png")
    assert main(["flash", "with.png", "without.png", "-q", "--overwrite"]) == 2
    assert "110×50" in capsys.readouterr().err
