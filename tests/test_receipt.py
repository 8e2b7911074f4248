"""Receipts: nothing is lost on the way to JSON and back, and nothing else is taken for one."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ipse.errors import InputError
from ipse.runs.receipt import Receipt, plain, sha256, sha256_of_samples

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def receipt(**changes):
    said = Receipt(
        task="smooth",
        input="/a/in.png",
        input_sha256="0" * 64,
        output="/a/out.png",
        output_sha256="1" * 64,
        pixels_sha256="2" * 64,
        options={"weight": 0.5, "mask": {"path": "/a/mask.png", "sha256": "3" * 64}},
        settings={"preset": "good", "seed": 7, "seconds": None},
        strength=None,
        snapshots=None,
        estimates={"sigma": 0.1},
        reason="ünïted ∎",
        unchanged=False,
        cancelled=False,
        pilots=2,
        step=30,
        steps=40,
        tiles=None,
        runs=[[2, 40]],
        disagreement={"mean": 0.01},
        score=0.001,
        pilot_score=0.002,
        seconds={"pilot": 0.1, "fit": 1.0, "total": 2.0},
        device={"name": "cpu", "model": "a processor"},
        threads=2,
        versions={"ipse": "0.1.0"},
        created="2026-01-01T00:00:00+00:00",
    )
    return dataclasses.replace(said, **changes)


@given(PLAIN, st.none() | st.floats(0, 1))
def test_json_there_and_back(value, strength):
    said = receipt(estimates={"found": value}, strength=strength)
    assert Receipt.from_json(said.to_json()) == said


def test_whole_numbers_are_floats_where_floats_are_meant():
    back = Receipt.from_json(receipt(score=1.0).to_json().replace('"score": 1.0', '"score": 1'))
    assert back.score == 1.0
    assert isinstance(back.score, float)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("not json", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        ("[1, 2]", "not an ipse receipt"),
        ('{"kind": "something else"}', "not an ipse receipt"),
        ('{"kind": "ipse receipt", "schema": 99}', "schema 99"),
        ('{"kind": "ipse receipt", "schema": 1, "task": "smooth"}', "lacks 'input'"),
    ],
)
def test_foreign_text_is_refused_by_name(text, words):
    with pytest.raises(InputError, match=words) as caught:
        Receipt.from_json(text, name="that.json")
    assert "that.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", [f.name for f in dataclasses.fields(Receipt)])
def test_each_field_is_needed_and_of_its_type(key):
    body = json.loads(receipt().to_json())
    wrong, less = {} if key == "runs" else [[]], {k: v for k, v in body.items() if k != key}
    for damaged in (body | {key: wrong}, *([] if key in ("stack", "residual") else [less])):
        with pytest.raises(InputError, match=key):
            Receipt.from_json(json.dumps(damaged))


def test_a_receipt_from_before_there_were_stacks_and_residuals_is_read():
    body = json.loads(receipt().to_json())
    del body["stack"], body["residual"]
    assert Receipt.from_json(json.dumps(body)).stack == {}
    assert Receipt.from_json(json.dumps(body)).residual == {}


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"gone\.json"):
        Receipt.read(tmp_path / "gone.json")


def test_plain_takes_what_tasks_find():
    found = {"a": np.float32(0.5), "b": np.arange(3), "c": torch.tensor([1.0]), "d": (1, 2), 3: float("nan")}
    assert plain(found) == {"a": 0.5, "b": [0, 1, 2], "c": [1.0], "d": [1, 2], "3": "nan"}
    json.dumps(plain(found), allow_nan=False)


def test_hashes_tell_pictures_apart():
    x = np.zeros((2, 3), np.uint8)
    same = sha256_of_samples(x, None)
    assert same == sha256_of_samples(x.copy(order="F"), None)
    others = [x.reshape(3, 2), x.astype(np.int8), x + 1]
    assert len({same, *(sha256_of_samples(y, None) for y in others), sha256_of_samples(x, x)}) == 5
    assert sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
