"""Each task keeps its promise: known pixels, cells, consistency; and makes the picture better."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from torch import nn

from ipse import pictures, tasks
from ipse.engine.fit import Fit
from ipse.engine.objectives import LeastSquares
from ipse.engine.operators import Downsample
from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Nothing, Problem, Recipe
from ipse.engine.stopping import Discrepancy, ExponentialVariance, HeldOut, Last, WindowedVariance
from ipse.errors import MaskError, OptionError
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.streams.open import open_stream, restore
from ipse.streams.parts import Parts
from ipse.streams.stream import Estimate
from ipse.tasks import _paper

FAST = Settings(preset="fast")


def photo(side: int = 96) -> NDArray[np.uint8]:
    return np.ascontiguousarray(data.chelsea()[40 : 40 + side, 100 : 100 + side])


def gaussian(image: NDArray[np.uint8], sigma: float, seed: int = 0) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.round((image + noise).clip(0, 255)).astype(np.uint8)


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def problem(task: str, image: NDArray[Any], settings: Settings = FAST, **options: Any) -> Problem:
    made = tasks.find(task)(Picture.from_array(image), settings, **options)
    assert isinstance(made, Problem)
    return made


def test_denoise_told_nothing_finds_the_level_and_gains_several_db() -> None:
    clean = photo(128)
    noisy = gaussian(clean, 25)
    result = restore(Picture.from_array(noisy), "denoise", FAST)
    assert result.estimates["sigma"] == pytest.approx(25, rel=0.1)
    assert psnr(result.picture.to_array(), clean) > psnr(noisy, clean) + 7


@pytest.mark.parametrize(("sigma", "gain"), [(100, 11.5), (200, 8)])
def test_heavy_noise_that_was_clipped_is_no_weaker_for_being_told(sigma: int, gain: float) -> None:
    clean = photo(96)
    noisy = gaussian(clean, sigma)
    found = restore(Picture.from_array(noisy), "denoise", FAST)
    told = restore(Picture.from_array(noisy), "denoise", FAST, {"sigma": sigma})
    assert found.estimates["sigma"] == pytest.approx(sigma, rel=0.15)
    reached = [psnr(result.picture.to_array(), clean) for result in (found, told)]
    assert min(reached) > psnr(noisy, clean) + gain
    assert reached[1] > reached[0] - 0.5


def test_denoise_with_steps_corrects_the_pilot_and_never_falls_below_it() -> None:
    clean = photo(128)
    noisy = gaussian(clean, 25)
    result = restore(Picture.from_array(noisy), "denoise", replace(FAST, steps=12))
    assert result.steps == 12
    assert psnr(result.picture.to_array(), clean) > psnr(noisy, clean) + 7
    assert result.score is not None
    assert result.pilot_score is not None
    assert result.score <= result.pilot_score


def test_denoise_of_photon_noise_beats_taking_it_for_gaussian() -> None:
    clean = photo(128)
    counts = np.random.default_rng(0).poisson(clean / 255 * 20) / 20
    noisy = Picture.from_array(counts.clip(0, 1).astype(np.float32))
    said = {kind: restore(noisy, "denoise", FAST, {"noise": kind}) for kind in ("poisson", "gaussian")}
    gains = {kind: psnr(255 * result.picture.to_array(), clean) for kind, result in said.items()}
    assert gains["poisson"] > psnr(255 * counts, clean) + 6
    assert gains["poisson"] > gains["gaussian"] - 0.3


def test_salt_and_pepper_is_told_and_its_other_pixels_are_kept() -> None:
    clean = photo(96).clip(5, 250)
    draw = np.random.default_rng(0).random(clean.shape[:2])
    damaged = clean.copy()
    damaged[draw < 0.04], damaged[draw > 0.96] = 0, 255
    result = restore(Picture.from_array(damaged), "denoise", FAST)
    assert result.estimates["kind"] == "salt-and-pepper"
    out = result.picture.to_array()
    same = (draw >= 0.04) & (draw <= 0.96)
    assert np.array_equal(out[same], clean[same])
    assert psnr(out, clean) > psnr(damaged, clean) + 12


def test_salt_and_pepper_and_gaussian_noise_are_taken_out_in_one_go() -> None:
    clean = photo(128)
    rng = np.random.default_rng(0)
    noisy = (clean + rng.normal(0, 10, clean.shape)).clip(0, 255).round().astype(np.uint8)
    draw = rng.random(clean.shape[:2])
    damaged = noisy.copy()
    damaged[draw < 0.025], damaged[draw > 0.975] = 0, 255
    out = restore(Picture.from_array(damaged), "denoise", FAST).picture.to_array()
    alone = restore(Picture.from_array(noisy), "denoise", FAST).picture.to_array()
    assert psnr(out, clean) > psnr(alone, clean) - 1
    assert psnr(out, clean) > psnr(noisy, clean) + 3


def test_salt_and_pepper_that_is_not_there_is_said_in_its_own_words() -> None:
    picture = Picture.from_array(photo(96).clip(5, 250))
    result = restore(picture, "denoise", FAST, {"noise": "salt-and-pepper"})
    assert result.unchanged
    assert "no salt-and-pepper" in result.reason


def test_dejpeg_lies_within_the_files_cells_and_is_better() -> None:
    clean = photo(120)
    file = io.BytesIO()
    Image.fromarray(clean).save(file, "JPEG", quality=15)
    file.seek(0)
    picture = pictures.read(file)
    out = restore(picture, "dejpeg", FAST).picture
    assert psnr(out.to_array(), clean) > psnr(picture.to_array(), clean) + 0.4
    info = picture.jpeg
    assert info is not None
    parts = info.components
    cells = JpegCells(
        info.coefficients, [p.table for p in parts], [(p.h, p.v) for p in parts], size=info.size, ycc=True
    )
    levels = min(float(p.table.min()) for p in parts)
    assert cells.violation(torch.from_numpy(out.pixels)[None]) < 2 / levels  # what rounding to 8 bits moves


def test_dejpeg_finds_the_quality_of_what_is_no_file_any_more() -> None:
    file = io.BytesIO()
    gray = np.asarray(Image.fromarray(photo(160)).convert("L"))
    Image.fromarray(gray).save(file, "JPEG", quality=20)
    decoded = np.asarray(Image.open(file))
    assert problem("dejpeg", decoded).estimates["quality"] == 20
    never = tasks.find("dejpeg")(Picture.from_array(gaussian(gray, 5)), FAST)
    assert isinstance(never, Nothing)


@pytest.mark.parametrize("deep", [False, True])
def test_inpaint_keeps_known_pixels_to_the_bit(*, deep: bool) -> None:
    clean = photo(96)
    missing = np.random.default_rng(0).random((96, 96)) < 0.5
    if deep:
        missing = np.zeros((96, 96), bool)
        missing[30:60, 40:62] = True
    damaged = np.where(missing[..., None], 0, clean).astype(np.uint8)
    settings = Settings(preset="fast", steps=30)
    result = restore(Picture.from_array(damaged), "inpaint", settings, {"mask": missing})
    out = result.picture.to_array()
    assert np.array_equal(out[~missing], clean[~missing])
    assert psnr(out[missing], clean[missing]) > (15 if deep else 27)


def test_inpaint_of_floats_keeps_them_too() -> None:
    clean = (photo(64) / np.pi).astype(np.float64)
    missing = np.zeros((64, 64), bool)
    missing[::3, ::3] = True
    out = restore(Picture.from_array(clean), "inpaint", FAST, {"mask": missing}).picture.to_array()
    assert out.dtype == np.float64
    assert np.array_equal(out[~missing], clean[~missing])


@pytest.mark.parametrize(("factor", "steps"), [(2, 40), (3, 40), (5, 40), (2, None)])
def test_upscale_made_small_again_is_what_was_given(factor: int, steps: int | None) -> None:
    small = photo(24)
    settings = Settings(preset="fast", steps=steps)
    out = restore(Picture.from_array(small), "upscale", settings, {"factor": factor}).picture
    assert out.size == (24 * factor, 24 * factor)
    again = Downsample(factor)(torch.from_numpy(out.pixels)[None])[0].movedim(0, -1)
    assert np.abs(255 * again.numpy() - small).max() < 1.5


def test_fast_upscaling_gains_from_what_repeats_on_lines_and_on_what_is_smooth() -> None:
    ramp = np.linspace(0, 1, 96)
    lines = np.round(255 * (np.add.outer(ramp, ramp) % 0.25 > 0.125)).astype(np.uint8)
    for clean, gain in ((lines[..., None].repeat(3, 2), 2.0), (photo(96), 0.3)):
        whole = torch.from_numpy(Picture.from_array(clean).pixels)[None]
        small = (255 * Downsample(4)(whole)[0]).round().clamp(0, 255).movedim(0, -1).numpy()
        stream = open_stream(Picture.from_array(small.astype(np.uint8)), "upscale", FAST, {"factor": 4})
        first, *_ = (event.picture for event in stream if isinstance(event, Estimate))
        result = stream.result()
        assert result.steps == 0
        before = psnr(255 * first[0].movedim(0, -1).clamp(0, 1).numpy(), clean)
        assert psnr(result.picture.to_array(), clean) > before + gain


def test_fast_upscaling_keeps_the_network_where_it_is_asked_for_or_needed() -> None:
    small, planes = photo(16), np.zeros((16, 16, 5), np.uint8)
    assert problem("upscale", small, factor=4).prior is None
    assert problem("upscale", small, factor=8).prior is not None
    assert problem("upscale", planes, factor=4).prior is not None
    for asked in (
        {"steps": 3},
        {"rule": "last"},
        {"latent": "noise"},
        {"network": "skip"},
        {"preset": "good"},
    ):
        assert problem("upscale", small, replace(FAST, **asked), factor=4).prior is not None  # type: ignore[arg-type]


@pytest.mark.parametrize("task", ["denoise", "dejpeg", "inpaint", "upscale"])
def test_paper_is_the_published_recipe(task: str) -> None:
    image, mask = gaussian(photo(64), 25), np.zeros((64, 64), bool)
    mask[20:23] = True
    options = {"dejpeg": {"quality": 20}, "inpaint": {"mask": mask}, "upscale": {"factor": 4}}
    made = problem(task, image, Settings(preset="paper"), **options.get(task, {}))
    steps = {"denoise": 3000, "dejpeg": 2400, "inpaint": 6001, "upscale": 2000}[task]
    weights = {"denoise": 2217831, "dejpeg": 572827, "inpaint": 3002627, "upscale": 2217831}[task]
    assert made.recipe.steps == steps
    assert made.recipe.learning_rate == 0.01
    assert made.prior is not None
    assert sum(p.numel() for p in made.prior.parameters()) == weights
    assert isinstance(made.rule, Last)
    assert made.pilot is None
    jitter, average, fall_back, channels, mode = {
        "denoise": (1 / 30, 0.99, 5.0, 32, "bilinear"),
        "dejpeg": (1 / 30, 0.99, 5.0, 3, "bilinear"),
        "inpaint": (0.03, 0.0, None, 32, "nearest"),
        "upscale": (0.03, 0.0, None, 32, "bilinear"),
    }[task]
    assert (made.prior.jitter, made.prior.weight_noise) == (jitter, 0.0)
    assert (made.recipe.average, made.recipe.fall_back) == (average, fall_back)
    assert made.prior.z.shape[1] == channels
    assert 0.099 < float(made.prior.z.max()) <= 0.1  # uniform noise of a tenth
    ups = {part.mode for part in made.prior.network.modules() if isinstance(part, nn.Upsample)}
    assert ups == {mode}


def test_paper_s_rows_are_those_of_its_notebooks() -> None:
    """Steps, rate, jitter, noise on weights, latent and its channels, average, fall-back of every task."""
    rows = {
        (3000, 0.01, 1 / 30, 0, "noise", 32, 0.99, 5.0): _paper.denoise(25 / 255),
        (3000, 0.01, 1 / 20, 0, "noise", 32, 0.99, 5.0): _paper.denoise(50 / 255),
        (2400, 0.01, 1 / 30, 0, "noise", 3, 0.99, 5.0): _paper.dejpeg(),
        (2000, 0.01, 0.03, 0, "noise", 32, 0, None): _paper.upscale(4),
        (4000, 0.01, 0.05, 0, "noise", 32, 0, None): _paper.upscale(5),
        (3100, 0.001, 0, 0, "noise", 32, 0, None): _paper.invert(heavy=False),
        (20000, 0.01, 0, 0, "noise", 2, 0, None): _paper.invert(heavy=True),
        (3100, 0.01, 0.03, 1 / 50, "noise", 32, 0, None): _paper.maximise(one_class=True),
        (3100, 0.001, 0.03, 1 / 50, "noise", 32, 0, None): _paper.maximise(one_class=False),
        (2000, 0.01, 1 / 30, 0, "noise", 32, 0, None): _paper.compare_priors(),
        (601, 0.1, 0, 0, "noise", 32, 0, None): _paper.flash(),
        (1000, 0.01, 0, 0, "noise", 32, 0, None): _paper.inpaint(0.98, 12),
        (11000, 0.001, 0.03, 0, "noise", 32, 0, 5.0): _paper.inpaint(0.5, 3),
        (6001, 0.01, 0.03, 0, "noise", 32, 0, None): _paper.inpaint(0.043, 4),
        (3001, 0.01, 0, 1 / 50, "noise", 1, 0, None): _paper.inpaint(0.186, 35),
        (5001, 0.01, 0.03, 0, "meshgrid", 2, 0, None): _paper.inpaint(0.027, 23),
    }
    for row, paper in rows.items():
        made = (
            paper.steps,
            paper.learning_rate,
            paper.jitter,
            paper.weight_noise,
            paper.latent,
            paper.channels,
        )
        assert (*made, paper.average, paper.fall_back) == row


@pytest.mark.parametrize("task", ["denoise", "dejpeg"])
def test_best_alone_learns_from_its_result(task: str) -> None:
    options: dict[str, Any] = {"denoise": {"sigma": 20.0}, "dejpeg": {"quality": 20}}[task]
    for preset in ("fast", "good", "best"):
        made = problem(task, photo(40), Settings(preset=preset), **options)  # type: ignore[arg-type]  # they are
        assert made.pilot is not None
        assert made.pilot.learns == (preset == "best")


def test_paper_has_the_precision_that_was_asked_for() -> None:
    made = [
        problem(
            "denoise", gaussian(photo(40), 25), Settings(preset="paper", precision=asked)
        ).recipe.precision
        for asked in ("auto", "float32", "bfloat16")  # auto: as it was published, on every device
    ]
    assert made == ["float32", "float32", "bfloat16"]


def test_paper_chooses_by_the_mask_what_the_reference_chose_by_file_name() -> None:
    assert _paper.inpaint(0.043, 4).steps == 6001  # text on kate
    assert _paper.inpaint(0.027, 23).latent == "meshgrid"  # the hole in vase
    assert _paper.inpaint(0.186, 35).weight_noise > 0  # the regions of library
    assert _paper.inpaint(0.5, 3).steps == 11000  # barbara
    assert _paper.inpaint(0.98, 12).steps == 1000  # kate, 2 % known
    assert (_paper.upscale(8).steps, _paper.upscale(8).jitter) == (4000, 0.05)  # ×8


@pytest.mark.parametrize("latent", ["noise", "meshgrid", "image"])
@pytest.mark.parametrize("task", ["denoise", "dejpeg", "inpaint", "upscale"])
def test_every_task_fits_from_every_latent(task: str, latent: Any) -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:14] = True
    options = {"dejpeg": {"quality": 20}, "inpaint": {"mask": mask}, "upscale": {"factor": 2}}
    settings = Settings(preset="fast", steps=25, latent=latent, rule="last")
    made = problem(task, gaussian(photo(40), 25), settings, **options.get(task, {}))
    losses = [state.loss for state in Fit(made)]
    assert losses[-1] < losses[0]


def test_low_precision_is_near_and_is_not_the_same() -> None:
    clean = photo(64)
    small = Picture.from_array(clean.reshape(16, 4, 16, 4, 3).mean((1, 3)).astype(np.uint8))
    made = {}
    for precision in ("auto", "float32", "bfloat16"):
        settings = Settings(steps=12, precision=precision)  # type: ignore[arg-type]  # they are
        made[precision] = restore(small, "upscale", settings, {"factor": 4, "kernel": "box"}).picture.pixels
    assert np.array_equal(made["auto"], made["float32"])
    assert not np.array_equal(made["bfloat16"], made["float32"])
    assert psnr(255 * made["bfloat16"], 255 * made["float32"]) > 30


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("held-out", HeldOut),
        ("wmv", WindowedVariance),
        ("emv", ExponentialVariance),
        ("last", Last),
        ("discrepancy", Discrepancy),
    ],
)
def test_the_rule_that_was_asked_for(name: Any, kind: type) -> None:
    made = problem("denoise", gaussian(photo(40), 25), Settings(preset="fast", rule=name))
    assert isinstance(made.rule, kind)


@pytest.mark.parametrize(
    ("task", "options", "error"),
    [
        ("denoise", {"sigma": -1.0}, OptionError),
        ("dejpeg", {"quality": 0}, OptionError),
        ("upscale", {"factor": 0}, OptionError),
        ("upscale", {"factor": 1.5}, OptionError),
        ("upscale", {"factor": 9}, OptionError),
        ("inpaint", {"mask": np.zeros((64, 64), bool)}, MaskError),
        ("inpaint", {"mask": np.ones((64, 64), bool)}, MaskError),
        ("inpaint", {"mask": np.eye(7, dtype=bool)}, MaskError),
    ],
)
def test_options_that_cannot_be_used(task: str, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        problem(task, photo(64), **options)


@pytest.mark.parametrize("steps", [3, None])  # of a network, and none: what each task does by itself
@pytest.mark.parametrize("task", ["denoise", "dejpeg", "inpaint", "upscale"])
def test_tiles_agree_with_the_whole(task: str, steps: int | None) -> None:
    clean = photo(96)
    image, options = gaussian(clean, 20), {}
    mask = np.random.default_rng(0).random((96, 96)) < 0.3
    if task == "inpaint":
        image, options = np.where(mask[..., None], 0, clean).astype(np.uint8), {"mask": mask}
    if task == "upscale":
        image, options = clean[:80, :80], {"factor": 2}
    picture = Picture.from_array(image)
    if task == "dejpeg":
        file = io.BytesIO()
        Image.fromarray(clean).save(file, "JPEG", quality=20)
        picture = pictures.read(io.BytesIO(file.getvalue()))
    settings = {side: Settings(preset="fast", tile=side, steps=steps) for side in (0, 64)}
    streams = {side: open_stream(picture, task, told, options) for side, told in settings.items()}
    assert isinstance(streams[64], Parts)
    outs = {}
    for side, stream in streams.items():
        for _ in stream:
            pass
        outs[side] = stream.result().picture.to_array()
    assert outs[0].shape == outs[64].shape
    networks = task == "upscale" and steps is not None
    assert psnr(outs[0], outs[64]) > (24 if networks else 30 if steps else 38)
    if task == "inpaint":
        assert np.array_equal(outs[64][~mask], clean[~mask])


def test_any_callable_is_an_operator() -> None:
    clean = torch.from_numpy(Picture.from_array(photo(32)).pixels)[None]

    def gray(x: torch.Tensor) -> torch.Tensor:
        return x.mean(1, keepdim=True)

    from ipse.engine.networks import build

    with seeded(0):
        network = build("fast", 8, 3, scales=2)
    z = torch.randn(1, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    made = Problem(Prior(network, z, size=(32, 32)), LeastSquares(gray(clean), gray), Recipe(steps=200))
    *_, last = Fit(made)
    assert float((gray(last.average) - gray(clean)).square().mean()) < 1e-3


@pytest.mark.parametrize("task", ["denoise", "inpaint", "dejpeg", "upscale"])
def test_several_seeds_differ_where_nothing_else_is_random_and_their_map_sees_errors(task: str) -> None:
    clean = photo(64)
    options: dict[str, Any] = {}
    known = np.random.default_rng(0).random(clean.shape[:2]) < 0.5
    match task:
        case "denoise":
            picture = Picture.from_array(gaussian(clean, 25))
        case "inpaint":
            picture = Picture.from_array(clean * known[..., None])
            options = {"mask": known, "polarity": "white-is-known"}
        case "dejpeg":
            file = io.BytesIO()
            Image.fromarray(clean).save(file, "JPEG", quality=10)
            file.seek(0)
            picture = pictures.read(file)
        case _:
            picture = Picture.from_array(clean.reshape(16, 4, 16, 4, 3).mean((1, 3)).astype(np.uint8))
            options = {"factor": 4, "kernel": "box"}
    found = restore(picture, task, replace(FAST, seeds=3), options)
    assert found.disagreement is not None
    error = np.abs(found.picture.pixels - clean.transpose(2, 0, 1) / 255).mean(0)
    doubt = found.disagreement
    if task == "inpaint":
        assert not doubt[known].any()
        error, doubt = error[~known], doubt[~known]
    else:  # of so few runs the map is noise itself, pixel by pixel
        error, doubt = (part.reshape(16, 4, 16, 4).mean((1, 3)) for part in (error, doubt))
    assert (
        np.corrcoef(doubt.ravel(), error.ravel())[0, 1] > 0
    )  # how far it can be trusted is measured by bench.trust
    again = restore(picture, task, replace(FAST, seeds=3), options)
    assert np.array_equal(found.picture.pixels, again.picture.pixels)


def test_dejpeg_starts_and_ends_at_the_levels_of_the_file_s_errors() -> None:
    """Chosen on other pictures; a tenth of both σ would gain half as much, ten times the last would lose."""
    clean, file = photo(96), io.BytesIO()
    Image.fromarray(clean).save(file, "JPEG", quality=10, subsampling=0)
    picture = pictures.read(io.BytesIO(file.getvalue()))
    found = restore(picture, "dejpeg", Settings(preset="fast")).picture.to_array()
    assert psnr(found, clean) > psnr(picture.to_array(), clean) + 0.7
