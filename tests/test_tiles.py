import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipse.pictures.tiling import count, side_for, tiles

SIDES = st.integers(1, 300)


@given(height=SIDES, width=SIDES, tile=st.sampled_from([32, 64, 112]), overlap=st.sampled_from([0, 8, 16]))
def test_weights_sum_to_one_everywhere(height: int, width: int, tile: int, overlap: int) -> None:
    total = np.zeros((height, width))
    for part in tiles((height, width), tile=tile, overlap=overlap):
        assert part.weight.min() > 0
        total[part.rows, part.columns] += part.weight
    np.testing.assert_allclose(total, 1, atol=1e-5)


@given(height=SIDES, width=SIDES)
def test_tiles_start_on_blocks_and_never_exceed_their_side(height: int, width: int) -> None:
    parts = list(tiles((height, width), tile=64))
    assert len(parts) == count((height, width), tile=64)
    for part in parts:
        assert part.rows.start % 32 == part.columns.start % 32 == 0
        assert part.weight.shape == (part.rows.stop - part.rows.start, part.columns.stop - part.columns.start)
        assert max(part.weight.shape) <= 64


@pytest.mark.parametrize("side", [100, 128, 177])
def test_neighbours_share_at_least_the_overlap(side: int) -> None:
    parts = list(tiles((8, side), tile=64, overlap=16))
    for one, other in itertools.pairwise(parts):
        assert one.columns.stop - other.columns.start >= 16


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_enlarged_tiles_share_pixels_of_the_result(factor: int) -> None:
    """What a method sees is pixels of the result: 32 of them, and no more of the picture than that takes."""
    parts = list(tiles((8, 500), tile=64, factor=factor))
    shared = [one.columns.stop - other.columns.start for one, other in itertools.pairwise(parts[:-1])]
    assert min(shared) * factor >= 32
    assert max(shared) <= max(8, 32 / factor) + 8
    assert len(parts) == count((8, 500), tile=64, factor=factor) < len(list(tiles((8, 500), tile=64)))
    np.testing.assert_allclose(
        sum(np.pad(p.weight[0], (p.columns.start, 500 - p.columns.stop)) for p in parts), 1, atol=1e-5
    )


def test_strips_are_cut_as_large_pictures_are() -> None:
    """What is done along a side, as a projection, grows faster than the side."""
    assert side_for((16, 4000), factor=2) == 256
    assert side_for((1, 20_000)) == 512
    assert side_for((1, 4000)) == side_for((1500, 1500)) == 0
    assert side_for((100, 100), planes=400) == 0  # one plane is smaller than a tile
    assert side_for((800, 800), planes=10) == 512
    assert side_for((16, 4000), told=0, factor=2) == 0
