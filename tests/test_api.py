"""The library's face: what goes in comes out, and faces, flags and signatures are one list."""

import inspect
import subprocess
import sys
from dataclasses import fields
from typing import get_args, get_type_hints

import numpy as np
import pytest
import stubs
import torch
from PIL import Image

import ipse
from ipse import api, tasks
from ipse.errors import OptionError, PictureError
from ipse.settings import Settings
from ipse.tasks._signature import simple

FACES = {name: getattr(api, name) for name in ("denoise", "dejpeg", "inpaint", "upscale")}


@pytest.fixture
def _stub(monkeypatch):
    stubs.install(monkeypatch)


def restored(image, **given):
    return ipse.restore(image, "smooth", steps=2, **given)


def test_import_is_cheap():
    code = "import sys, ipse; ipse.__dir__(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert not packages & {"torch", "numpy", "PIL", "skimage", "typer"}


def test_every_public_name_is_there():
    assert sorted(ipse._HOME) == ipse.__all__
    for name in ipse.__all__:
        assert getattr(ipse, name) is not None
    assert callable(ipse.restore)
    assert ipse.__version__.startswith("0.")
    with pytest.raises(AttributeError, match="nonsense"):
        ipse.nonsense  # noqa: B018 - the access is the test


def test_common_options_are_the_settings():
    assert set(api.Common.__annotations__) == {f.name for f in fields(Settings)} | {"channel_axis", "alpha"}
    hints = get_type_hints(api.Common)
    for known in tasks.shared_options():
        if known.name != "rule":  # its words are those of the package's files
            assert simple(hints[known.name]) == known.kind


@pytest.mark.parametrize("task", sorted(set(FACES) & set(tasks.names())))
def test_faces_are_the_signatures(task):
    parameters = inspect.signature(FACES[task]).parameters.values()
    face = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
    hints = get_type_hints(FACES[task])
    own = tasks.options(task)
    assert set(face) == {one.name for one in own}
    for one in own:
        assert face[one.name].default == one.default
        if not (task == "inpaint" and one.name == "mask"):
            assert simple(hints[one.name]) == one.kind
    assert get_args(hints["common"]) == (api.Common,)


DTYPES = [np.uint8, np.uint16, np.int16, np.int32, np.float16, np.float32, np.float64, np.bool_]


@pytest.mark.usefixtures("_stub")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 1), (7, 9, 3), (7, 9, 4), (7, 9, 2), (7, 9, 6)])
def test_arrays_come_back_as_they_went_in(dtype, shape):
    x = np.random.default_rng(0).random(shape)
    x = x > 0.5 if dtype is np.bool_ else (x * (99 if np.dtype(dtype).kind in "iu" else 1)).astype(dtype)
    before = x.copy()
    result = restored(x)
    assert isinstance(result.image, np.ndarray)
    assert (result.image.shape, result.image.dtype) == (x.shape, x.dtype)
    assert np.array_equal(x, before), "the input was written to"


@pytest.mark.usefixtures("_stub")
def test_channels_may_be_anywhere_and_doubt_is_said():
    x = np.random.default_rng(0).random((3, 20, 30))
    first = restored(x, channel_axis=0).image
    last = restored(np.moveaxis(x, 0, -1), channel_axis=-1).image
    assert np.array_equal(first, np.moveaxis(last, -1, 0))
    with pytest.raises(PictureError, match="channel_axis"):
        restored(x)


@pytest.mark.usefixtures("_stub")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(7, 9), (1, 7, 9), (3, 7, 9), (1, 3, 7, 9)])
def test_tensors_come_back_as_they_went_in(dtype, shape):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    x = ((x * 255) if dtype is torch.uint8 else x).to(dtype)
    image = restored(x).image
    assert isinstance(image, torch.Tensor)
    assert (image.shape, image.dtype, image.device) == (x.shape, x.dtype, x.device)


@pytest.mark.usefixtures("_stub")
def test_tensors_with_a_gradient_are_taken_and_batches_refused():
    assert not restored(torch.rand(3, 7, 9, requires_grad=True)).image.requires_grad
    with pytest.raises(PictureError, match="one picture at a time"):
        restored(torch.rand(2, 3, 7, 9))


@pytest.mark.usefixtures("_stub")
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "CMYK", "LA"])
def test_pil_images_come_back_as_they_went_in(mode):
    rgb = Image.fromarray(np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8))
    image = restored(rgb.convert(mode)).image
    assert isinstance(image, Image.Image)
    assert (image.mode, image.size) == (mode, (9, 7))


@pytest.mark.usefixtures("_stub")
def test_paths_become_pictures_that_can_be_saved(tmp_path):
    stubs.noisy(tmp_path / "in.png")
    for given in (tmp_path / "in.png", str(tmp_path / "in.png")):
        result = restored(given)
        assert isinstance(result.image, ipse.Picture)
        assert result.picture is result.image
    result.save(tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as made:
        assert made.size == (20, 24)
    with pytest.raises(ipse.OutputError, match="exists"):
        result.save(tmp_path / "out.png")


@pytest.mark.usefixtures("_stub")
def test_all_kinds_of_one_picture_give_one_result(tmp_path):
    path = stubs.noisy(tmp_path / "in.png")
    with Image.open(path) as image:
        array = np.asarray(image)
        results = [restored(path).image.to_array(), np.asarray(restored(image).image), restored(array).image]
    results.append(restored(torch.from_numpy(array.copy()).permute(2, 0, 1)).image.permute(1, 2, 0).numpy())
    for other in results[1:]:
        assert np.array_equal(results[0], other)


@pytest.mark.usefixtures("_stub")
def test_a_mask_may_be_of_any_kind():
    x = np.random.default_rng(0).integers(0, 256, (9, 8), np.uint8)
    mask = np.zeros((9, 8), np.bool_)
    mask[2:4, 2:4] = True
    for given in (mask, mask.astype(np.uint8) * 255, torch.from_numpy(mask), Image.fromarray(mask)):
        image = restored(x, mask=api.array_of(given)).image
        assert np.array_equal(image[~mask], x[~mask])


@pytest.mark.usefixtures("_stub")
def test_unknown_names_are_refused_with_the_nearest():
    x = np.random.default_rng(0).random((5, 5))
    with pytest.raises(OptionError, match=r"wieght.*weight"):
        restored(x, wieght=1)
    with pytest.raises(ValueError, match="preset"):
        restored(x, preset="bset")


def test_unknown_tasks_are_refused_with_the_nearest():
    with pytest.raises(OptionError, match=r"upscal'.*upscale"):
        ipse.restore(np.zeros((5, 5)), "upscal")


@pytest.mark.usefixtures("_stub")
def test_nothing_to_restore_is_the_very_image():
    x = np.full((5, 6, 3), 7, np.uint8)
    result = restored(x)
    assert result.unchanged
    assert np.array_equal(result.image, x)


@pytest.mark.usefixtures("_stub")
@pytest.mark.parametrize(
    "bad", [np.full((4, 4), np.nan), np.zeros((0, 4)), np.zeros((2, 3, 4, 5)), np.zeros((4, 4), "U1")]
)
def test_what_is_no_picture_is_refused(bad):
    with pytest.raises(PictureError):
        restored(bad)


@pytest.mark.parametrize(
    ("task", "given", "said"),
    [
        ("denoise", {"noise": "gausian"}, "did you mean gaussian"),
        ("denoise", {"sigma": "25"}, "sigma '25' is not a number"),
        ("denoise", {"noise": ["poisson"]}, "is unknown"),
        ("denoise", {"steps": True}, "steps True is not a whole number"),
        ("denoise", {"preset": "turbo"}, "preset 'turbo'"),
        ("upscale", {"factor": 2.5}, "factor 2.5 is not a whole number"),
        ("upscale", {"factor": float("nan")}, "is not a whole number"),
        ("upscale", {"kernel": 3}, "kernel 3 is unknown"),
        ("inpaint", {"mask": np.eye(8, dtype=bool), "polarity": "white"}, "polarity 'white'"),
    ],
)
def test_values_of_another_kind_are_refused_in_a_line(task, given, said):
    with pytest.raises(OptionError, match="(?s)" + said) as error:
        ipse.restore(np.zeros((8, 8), np.uint8), task, **given)
    assert "\n" not in str(error.value)


def test_numbers_of_numpy_and_whole_floats_are_numbers():
    image = np.zeros((8, 8), np.uint8)
    assert ipse.upscale(image, factor=2.0, preset="fast").image.shape == (16, 16)
    assert ipse.denoise(image, sigma=np.float32(20), seed=np.int64(3), preset="fast").image.shape == (8, 8)
