"""argmin over at most 256 entries p_k of Σ_i min_k |x_i − p_k|², with the entries of unchanged pixels held fixed.

A palette picture stays one. Entries that kept or fully transparent pixels use stay at their index; the other
slots are free for the new colours: all of them where they fit, their median cut where they do not.

Heckbert, "Color image quantization for frame buffer display" (1982), https://doi.org/10.1145/800064.801294.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

SLOTS = 256
CHUNK = 2**14  # number of colours looked up at a time, each compared with 256 entries
APART = np.float32(2**20)  # distance added for another alpha, larger than that of any two colours, 3 · 255²


def refit(old: Bytes, palette: Bytes, new: Bytes, *, hold: Flags) -> tuple[Bytes, Bytes]:
    """Index new colours.

    Args:
        old: stored indices (H, W); used only where ``hold`` is True.
        palette: entries (K, 3) or (K, 4), the fourth column alpha.
        new: new colours (H, W, 3) or (H, W, 4) like the palette's columns.
        hold: (H, W), True for pixels whose index must not change.

    Returns:
        Indices (H, W) and the palette they index, (K', 3) or (K', 4), K' ≤ 256.
    """
    held = np.unique(old[hold])
    colours, place, counts = np.unique(new[~hold], axis=0, return_inverse=True, return_counts=True)
    if not len(colours):
        return old.copy(), palette
    fresh = _fresh(colours, counts, palette[held])
    entries = np.concatenate([palette[held], fresh])
    free = np.setdiff1d(np.arange(SLOTS), held)[: len(fresh)]
    slots = np.concatenate([held.astype(np.intp), free])
    indices = old.copy()
    indices[~hold] = slots[_nearest(colours, entries)][place.reshape(-1)]
    table = np.zeros((int(slots.max()) + 1, palette.shape[1]), np.uint8)
    table[slots] = entries
    return indices, table


def repainted(
    old: Bytes, palette: Bytes, colours: NDArray[Any], alpha: NDArray[Any] | None, *, hold: Flags
) -> tuple[Bytes, Bytes]:
    """Index the new colours (H, W, 3) of a palette picture; fully transparent pixels are unchanged; see ``refit``."""
    if alpha is None:
        return refit(old, palette, colours, hold=hold)
    return refit(old, palette, np.dstack([colours, alpha]), hold=hold | (alpha == 0))


def indexed(colours: NDArray[Any], palette: Bytes, alpha: NDArray[Any] | None) -> tuple[Bytes, Bytes]:
    """Index the colours (H, W, 3) of a resized palette picture; see ``refit``."""
    new = colours if alpha is None else np.dstack([colours, alpha])
    size = colours.shape[:2]
    return refit(np.zeros(size, np.uint8), palette, new, hold=np.zeros(size, np.bool_))


def _nearest(colours: Bytes, entries: Bytes) -> NDArray[np.intp]:
    """The index of the nearest entry with the same alpha, for each colour."""
    table = entries[:, :3].astype(np.float32)
    squares = (table**2).sum(axis=1)
    found = np.empty(len(colours), np.intp)
    for at in range(0, len(colours), CHUNK):
        part = colours[at : at + CHUNK]
        # |x − p|² = |x|² − 2 x·p + |p|²; the first term is the same for all entries.
        far = squares - 2.0 * part[:, :3].astype(np.float32) @ table.T
        if entries.shape[1] == 4:
            far += APART * (part[:, 3:] != entries[:, 3])
        found[at : at + CHUNK] = np.argmin(far, axis=1)
    return found


def _fresh(colours: Bytes, counts: NDArray[np.intp], held: Bytes) -> Bytes:
    """Entries for the free slots: all new colours if they fit, otherwise by median cut for each alpha."""
    taken = {tuple(entry) for entry in held.tolist()}
    missing = np.array([tuple(colour) not in taken for colour in colours.tolist()])
    free = SLOTS - len(held)
    if np.count_nonzero(missing) <= free:
        return colours[missing]
    if colours.shape[1] == 3:
        return _median_cut(colours, counts, free)
    parts: list[Bytes] = []
    for alpha, slots in _shares(colours[:, 3], counts, held[:, 3], free).items():
        same = colours[:, 3] == alpha
        rgb = _median_cut(colours[same, :3], counts[same], slots)
        parts.append(np.column_stack([rgb, np.full(len(rgb), alpha, np.uint8)]))
    return np.concatenate(parts) if parts else colours[:0]


def _shares(alphas: Bytes, counts: NDArray[np.intp], held: Bytes, free: int) -> dict[int, int]:
    """Divide the free slots among the alpha values: one if none is held, the rest in proportion to the pixels."""
    groups = {int(a): int(counts[alphas == a].sum()) for a in np.unique(alphas)}
    least = {a: 0 if a in held else 1 for a in groups}
    spare, total = free - sum(least.values()), sum(groups.values())
    slots = {a: least[a] + spare * n // total for a, n in groups.items()}
    return {a: n for a, n in slots.items() if n > 0}


def _median_cut(colours: Bytes, counts: NDArray[np.intp], slots: int) -> Bytes:
    """Reduce colours (N, 3), with their counts, to at most ``slots`` entries by median cut."""
    if slots <= 0:
        return colours[:0]
    # Counts are scaled down, since the cut depends only on their proportions.
    often = np.maximum(1, counts * 2**20 // max(int(counts.sum()), 2**20))
    line = np.repeat(colours, often, axis=0)[None]
    cut = Image.fromarray(np.ascontiguousarray(line)).quantize(slots, Image.Quantize.MEDIANCUT, kmeans=1)
    table = np.array(cut.getpalette("RGB"), np.uint8).reshape(-1, 3)
    return table[np.unique(np.asarray(cut))]
