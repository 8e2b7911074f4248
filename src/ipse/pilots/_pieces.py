"""Divide a picture into overlapping pieces and denoise them in parallel, for all non-local estimates."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from ipse.pilots._patches import CELL, References
from ipse.pilots._steps import Step
from ipse.work import count

TILE = 128  # side of a piece, in pixels
SPARSE = 0.1  # below this fraction of wanted pixels, pieces have half the side, so that more of them can be skipped
AHEAD = 2  # number of queued pieces per thread

Here = tuple[slice, slice, slice]
Piece = tuple[Here, References]
Part = tuple[Here, Tensor, Tensor]  # weighted sum of estimates, and of weights


def mapped(
    shrunk: Callable[[Piece], Part], pieces: Iterable[Piece], device: str, work: float
) -> Iterator[Part]:
    """Compute the pieces' estimates in order, and count the work of all, each by its number of references."""
    there = list(pieces)
    whole = sum(references(inside) for _, inside in there)
    for (_, inside), part in zip(there, _parallel(shrunk, there, device), strict=True):
        count(work * references(inside) / whole)
        yield part
    if not there:
        count(work)


def references(inside: References) -> int:
    """The number of reference patches of a piece."""
    return len(inside.ys) * len(inside.xs)


def _parallel(shrunk: Callable[[Piece], Part], pieces: Iterable[Piece], device: str) -> Iterator[Part]:
    """Compute pieces in parallel, since operations on small matrices use only one core.

    Each worker uses a single thread, so that threads do not multiply; the results do not depend on their number.
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
        torch.set_num_threads(threads)  # PyTorch gives later threads the number that was set last


def pieces(wanted: References, step: Step, size: tuple[int, int], where: Tensor | None) -> Iterator[Piece]:
    """Pieces of a picture that contain wanted pixels, each with its references and the pixels that they search."""
    side = TILE if where is None or float(where.float().mean()) > SPARSE else TILE // 2
    tile = (
        max(1, side // step.stride // CELL) * CELL
    )  # whole cells, so that the search does not depend on the pieces
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
    """The pixels that references at ``starts`` search; near a border they are as many as elsewhere."""
    first = min(starts[0] - window // 2, length - side + 1 - window)
    end = max(starts[-1] + window // 2, window - 1) + side
    return slice(max(0, first), min(length, end))
