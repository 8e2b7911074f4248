"""A picture in overlapping pieces, each of which one thread denoises: what the non-local estimates have in common."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from ipse.pilots._patches import CELL, References
from ipse.pilots._steps import Step

TILE = 128  # pixels a side that are worked on at once; half of it …
SPARSE = 0.1  # … where fewer of the pixels are wanted, so that more tiles are left out
AHEAD = 2  # pieces a thread that wait

Here = tuple[slice, slice, slice]
Piece = tuple[Here, References]
Part = tuple[Here, Tensor, Tensor]  # weighted sum of estimates, and of weights


def mapped(shrunk: Callable[[Piece], Part], pieces: Iterable[Piece], device: str) -> Iterator[Part]:
    """The pieces' estimates in their order, on all threads: many small matrices keep no two cores busy.

    Each worker computes on its own thread alone, or there would be as many squared; and no sum hangs on their number.
    """
    threads = torch.get_num_threads() if device == "cpu" else 1
    if threads == 1:
        yield from map(shrunk, pieces)
        return
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    under_way: deque[Future[Part]] = deque()
    try:
        for piece in pieces:
            under_way.append(pool.submit(shrunk, piece))
            if len(under_way) > AHEAD * threads:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:  # Ctrl-C waits for the pieces under way, not for all
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # PyTorch gives threads born later the number that was set last


def pieces(wanted: References, step: Step, size: tuple[int, int], where: Tensor | None) -> Iterator[Piece]:
    """Parts of a picture with the references in each, and the pixels that these search, where any is wanted."""
    side = TILE if where is None or float(where.float().mean()) > SPARSE else TILE // 2
    tile = max(1, side // step.stride // CELL) * CELL  # whole cells: the search is the same however it is cut
    for top in range(0, len(wanted.ys), tile):
        for left in range(0, len(wanted.xs), tile):
            ys, xs = wanted.ys[top : top + tile], wanted.xs[left : left + tile]
            rows = _reach(ys, wanted.sides[0], step.window, size[0])
            columns = _reach(xs, wanted.sides[1], step.window, size[1])
            if where is not None and not bool(where[rows, columns].any()):
                continue
            inside = References(wanted.sides, [y - rows.start for y in ys], [x - columns.start for x in xs])
            yield (slice(None), rows, columns), inside


def _reach(starts: list[int], side: int, window: int, length: int) -> slice:
    """The pixels that references at ``starts`` search: near a border as many as elsewhere."""
    first = min(starts[0] - window // 2, length - side + 1 - window)
    end = max(starts[-1] + window // 2, window - 1) + side
    return slice(max(0, first), min(length, end))
