"""Planes that belong together: slabs cover a stack, planes that moved are laid still, and help one another."""

import gc
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from refusals import refused
from runs import pulled
from scipy.ndimage import gaussian_filter

from ipse.cli import main
from ipse.engine.networks.fast3d import Fast3d
from ipse.errors import OptionError
from ipse.pictures import Picture
from ipse.pictures.stacks.drift import Canvas, aligned, drift, families
from ipse.pictures.stacks.slabs import DEPTH, OVERLAP, slabs
from ipse.runs.job import Job
from ipse.runs.open import open_run
from ipse.runs.rerun import repeated
from ipse.runs.run import Run
from ipse.runs.stacks import StackFile
from ipse.settings import Settings
from ipse.streams.adapt import volume
from ipse.streams.restoration import Restoration
from ipse.streams.tiles import tiled

SIZE = (40, 48)
ROUGH = gaussian_filter(np.random.default_rng(7).normal(0, 1, (90, 110)), 2.0)
SCENE = 128 + 110 * ROUGH / np.abs(ROUGH).max()


def seen(places: list[tuple[int, int]], *, sigma: float = 0.0) -> NDArray[Any]:
    """Views of a scene from those places, with noise of their own."""
    clean = np.stack([SCENE[down:, across:][: SIZE[0], : SIZE[1]] for down, across in places])
    return np.clip(clean + np.random.default_rng(1).normal(0, sigma, clean.shape), 0, 255)


def run_on(folder: Path, array: NDArray[Any], task: str = "denoise", **changes: Any) -> Run:
    """A run on a stack; upscaling is of few steps."""
    path = folder / "in.tif"
    tifffile.imwrite(
        path, array.astype(np.uint8), photometric="minisblack", metadata={"axes": "ZYX"[-array.ndim :]}
    )
    settings = Settings(preset="fast", steps=3 if task == "upscale" else None)
    options = {"factor": 2} if task == "upscale" else {"sigma": 25.0}
    job = Job(task, path, folder / "out.tif", settings=settings, options=options, joint="Z", overwrite=True)
    return open_run(replace(job, **changes))


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 4), st.sampled_from([0, 1, 2]))
def test_every_plane_is_kept_once_from_a_slab_that_holds_it(
    length: int, depth: int, others: int, axis: int
) -> None:
    outer = tuple(length if one == axis else others for one in range(3))
    found = list(slabs(outer, axis, depth=depth))
    assert sorted(index for slab in found for index in slab.kept) == list(range(int(np.prod(outer))))
    for slab in found:
        places = np.array(np.unravel_index(slab.planes, outer)).T
        assert set(slab.kept) <= set(slab.planes)
        assert len(slab.planes) == min(depth, length)
        np.testing.assert_array_equal(
            np.diff(places, axis=0), np.eye(3, dtype=int)[[axis] * (len(places) - 1)]
        )
        inner = [at for at, index in enumerate(slab.planes) if index in slab.kept]
        ends = {0, length - 1} & set(places[:, axis].tolist())
        if depth > OVERLAP + 1 and not ends:  # between others, the outermost planes are theirs
            assert 0 < inner[0] <= inner[-1] < depth - 1


@given(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), st.integers(-40, 40))
def test_a_displacement_is_found_in_noise_whatever_the_brightness(
    moved: tuple[int, int], brighter: int
) -> None:
    one, other = seen([(20, 20), (20 + moved[0], 20 + moved[1])], sigma=5)
    assert drift(one, other + brighter) == (-moved[0], -moved[1])


def test_of_noise_alone_no_displacement_is_believed() -> None:
    planes = np.random.default_rng(0).normal(0, 1, (60, *SIZE))
    assert {drift(planes[0], one) for one in planes[1:]} == {(0, 0)}
    flat = np.ones(SIZE)
    assert drift(flat, flat) == (0, 0)
    assert drift(flat[:1, :1], flat[:1, :1]) == (0, 0)


def test_a_canvas_shows_one_scene_in_all_planes_and_gives_each_its_own_back() -> None:
    places = [(20, 20), (22, 17), (25, 24)]
    planes = [plane[..., None] for plane in seen(places)]
    canvas = aligned(planes, 1)
    assert canvas.places == ((0, 3), (2, 0), (5, 7))
    whole = canvas.spread(planes)
    assert whole.shape == (SIZE[0] + 5, SIZE[1] + 7, 3)
    for index, plane in enumerate(planes):
        np.testing.assert_array_equal(canvas.part(whole, index)[..., index : index + 1], plane)
    some = np.zeros(canvas.sides, bool)  # where any plane shows the scene, all of them have it
    for down, across in canvas.places:
        some[down : down + SIZE[0], across : across + SIZE[1]] = True
    np.testing.assert_array_equal(whole[some], np.repeat(whole[some][:, :1], 3, axis=1))
    doubled = whole.repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(
        canvas.part(doubled, 2, factor=2)[..., 2], planes[2][..., 0].repeat(2, 0).repeat(2, 1)
    )


def test_what_did_not_move_is_one_picture() -> None:
    planes = [plane[..., None] for plane in seen([(20, 20)] * 3)]
    np.testing.assert_array_equal(Canvas.of(planes[0], 3).spread(planes), np.concatenate(planes, 2))


def test_planes_that_move_help_one_another(tmp_path: Path) -> None:
    places = [(20 + 2 * k, 20 - 3 * k) for k in range(5)]
    clean, array = seen(places), seen(places, sigma=25)
    errors = []
    for joint in (None, "Z"):
        pulled(run_on(tmp_path, array, joint=joint))
        errors.append(((tifffile.imread(tmp_path / "out.tif") - clean) ** 2).mean())
    assert errors[1] < 0.6 * errors[0]


def test_a_plane_that_shows_something_else_is_restored_by_itself(tmp_path: Path) -> None:
    array = seen([(20, 20), (21, 22), (0, 0), (22, 24), (20, 26)], sigma=15)
    array[2] = np.random.default_rng(5).permuted(seen([(40, 50)], sigma=15)[0], axis=0)  # rows of elsewhere
    planes = [plane[..., None] for plane in array]
    canvas = Canvas.of(planes[0], 1)
    assert [family for family, _ in families([planes[at] for at in (0, 2, 1, 3, 4)])] == [[0, 2, 3, 4], [1]]
    pulled(run_on(tmp_path, array[[0, 2, 1, 3, 4]]))
    together = tifffile.imread(tmp_path / "out.tif")
    pulled(run_on(tmp_path, array[[0, 2, 1, 3, 4]], joint=None))
    apart = tifffile.imread(tmp_path / "out.tif")
    np.testing.assert_array_equal(together[1], apart[1])
    assert all((together[at] != apart[at]).any() for at in (0, 2, 3, 4))
    assert canvas.only([0]) == canvas


def test_the_axis_is_the_one_that_was_named(tmp_path: Path) -> None:
    still = np.stack([seen([(20, 20)] * 3, sigma=25), 255 - seen([(20, 20)] * 3, sigma=25)], axis=1)
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, still.astype(np.uint8), photometric="minisblack", metadata={"axes": "TZYX"})
    run = open_run(Job("denoise", path, tmp_path / "out.tif", options={"sigma": 25.0}, joint="T"))
    assert isinstance(run.input, StackFile)
    assert [slab.planes for slab in run.input.slabs] == [(0, 2, 4), (1, 3, 5)]
    pulled(run)
    clean = seen([(20, 20)])
    found = tifffile.imread(tmp_path / "out.tif")
    assert found.shape == still.shape
    for index, truth in product(range(3), (0, 1)):
        assert ((found[index, truth] - abs(255 * truth - clean)) ** 2).mean() < 0.2 * 25**2


def deep(task: str, *, planes: int = 3, colours: int = 1, **more: Any) -> Restoration:
    samples = np.repeat(np.moveaxis(seen([(20, 20)] * planes, sigma=25), 0, -1), colours, axis=2)
    options: dict[str, Any] = {"factor": 2} if task == "upscale" else {"sigma": 25.0}
    picture = Picture(samples.astype(np.uint8), model="channels")
    return volume(picture, task, Settings(preset="fast", steps=2, **more), options, planes=planes, deep=True)


@pytest.mark.parametrize(
    ("task", "latent", "colours"),
    [
        ("upscale", None, 1),
        *product(["upscale", "denoise"], ["noise", "meshgrid", "image"], [3]),
        ("denoise", None, 3),
    ],
)
def test_any_task_that_fits_a_network_takes_one_over_depth(task: str, latent: Any, colours: int) -> None:
    made = deep(task, latent=latent, colours=colours)
    for _ in made:
        pass
    assert made.search is not None
    prior = made.search.fit.prior
    assert isinstance(prior.network, Fast3d)
    factor = 2 if task == "upscale" else 1
    assert prior().shape == (1, 3 * colours, factor * SIZE[0], factor * SIZE[1])
    assert made.result().picture.samples.shape == (factor * SIZE[0], factor * SIZE[1], 3 * colours)


def test_a_correction_by_depth_begins_with_the_pilot() -> None:
    made = deep("denoise")
    problem = made.posed()
    prior = getattr(problem, "prior", None)
    assert prior is not None
    torch.testing.assert_close(prior(), prior.pilot)


def test_planes_that_are_the_same_are_refined_each_as_by_itself() -> None:
    plane = seen([(20, 20)])[0, ::2, ::2].astype(np.uint8)
    x = torch.from_numpy(seen([(20, 20)])[0, None, None] / 255).float()

    def refined(samples: NDArray[Any], planes: int, picture: torch.Tensor) -> torch.Tensor:
        settings, told = Settings(preset="good"), {"factor": 2}
        made = volume(Picture(samples, model="channels"), "upscale", settings, told, planes=planes).posed()
        refine = getattr(made, "refine", None)
        assert refine is not None
        return list(refine(picture))[-1]

    alone = refined(plane[..., None], 1, x)
    both = refined(np.stack([plane, plane], 2), 2, x.expand(1, 2, -1, -1))
    torch.testing.assert_close(both, alone.expand_as(both))
    noise = np.random.default_rng(0).integers(0, 30, plane.shape).astype(np.uint8)
    other = refined(np.stack([plane, plane // 2 + noise], 2), 2, x.expand(1, 2, -1, -1))
    assert (other[:, :1] - alone).abs().max() > 1e-3


def test_tiles_are_fitted_over_depth_too() -> None:
    picture = Picture.from_array(
        np.random.default_rng(0).integers(0, 255, (96, 64, 2)).astype(np.uint8), channel_axis=-1
    )
    settings = Settings(preset="fast", steps=1, latent="noise")
    together = partial(volume, planes=2, deep=True)
    made = tiled(picture, "upscale", settings, {"factor": 2}, side=64, open_tile=together)
    kinds = {type(made.search.fit.prior.network) for _ in made if made.search is not None}
    assert kinds == {Fast3d}
    assert made.result().picture.size == (192, 128)


@pytest.mark.parametrize("network", [None, "fast3d"])
def test_what_was_killed_goes_on_to_the_same_bytes(network: str | None, tmp_path: Path) -> None:
    array = seen([(20, 20 + k) for k in range(DEPTH + 3)])[:, ::2, ::2]
    how: dict[str, Any] = {"settings": Settings(preset="fast", network=network, steps=2, latent="noise")}
    wanted = pulled(run_on(tmp_path, array, "upscale", **how))
    assert "all 11 planes" in wanted.reason
    how |= {"checkpoint": tmp_path / "saved", "every": 0.0, "target": tmp_path / "again.tif"}
    run = run_on(tmp_path, array, "upscale", **how)
    for _ in run:
        if run.stream.done["tiles"] == 1:
            break
    del run
    gc.collect()
    again = run_on(tmp_path, array, "upscale", **how, resume=True)
    assert pulled(again).output_sha256 == wanted.output_sha256
    rerun = open_run(repeated(wanted, target=tmp_path / "rerun.tif"))
    assert pulled(rerun).pixels_sha256 == wanted.pixels_sha256


def test_a_slab_is_planned_as_a_whole(tmp_path: Path) -> None:
    array = seen([(20, 20)] * 4, sigma=25)
    memory = [
        run_on(tmp_path, array, "upscale", joint=joint, settings=settings).input.plan().memory
        for joint, settings in (
            (None, Settings(preset="good")),
            ("Z", Settings(preset="good")),
            ("Z", Settings(preset="good", network="fast3d")),
        )
    ]
    assert memory[0] < memory[1] < memory[2]
    assert memory[2] > 2.5 * memory[0]


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    array = seen([(20, 20)] * 3, sigma=25)
    deep = Settings(preset="fast", network="fast3d")
    with refused(OptionError, "fast3d", "--joint T or Z"):
        run_on(tmp_path, array, joint=None, settings=deep)
    with refused(OptionError, "--warm", "--joint Z"):
        run_on(tmp_path, array, warm=True)
    tifffile.imwrite(tmp_path / "one.tif", array[0].astype(np.uint8))
    line = ["upscale", str(tmp_path / "one.tif"), "-o", str(tmp_path / "o.png"), "--factor", "2"]
    assert main([*line, "--network", "fast3d", "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--joint" in said
