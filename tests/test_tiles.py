import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipse.tiles import count, tiles

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
    parts = list(tiles((height, width), tile=64, overlap=16))
    assert len(parts) == count((height, width), tile=64, overlap=16)
    for part in parts:
        assert part.rows.start % 16 == part.columns.start % 16 == 0
        assert part.weight.shape == (part.rows.stop - part.rows.start, part.columns.stop - part.columns.start)
        assert max(part.weight.shape) <= 64


@pytest.mark.parametrize("side", [100, 128, 177])
def test_neighbours_share_at_least_the_overlap(side: int) -> None:
    parts = list(tiles((8, side), tile=64, overlap=16))
    for one, other in itertools.pairwise(parts):
        assert one.columns.stop - other.columns.start >= 16
