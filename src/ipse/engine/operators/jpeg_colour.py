"""p = M 255 x − s: a picture's channels x in [0, 1] as the level-shifted planes of a JPEG file, −128 … 127.

For four planes, Adobe stores the inverse of each ink, 255 − 255 x; Y, Cb, Cr and K are computed from C, M, Y as if
these were R, G, B. Decoders invert both, so that 0 is no ink.

JFIF 1.02, https://www.w3.org/Graphics/JPEG/jfif3.pdf; ITU-T T.872, https://www.itu.int/rec/T-REC-T.872.
"""

import torch
from torch import Tensor

_YCC = ((0.299, 0.587, 0.114), (-0.299 / 1.772, -0.587 / 1.772, 0.5), (0.5, -0.587 / 1.402, -0.114 / 1.402))
_LEVEL = 128.0
_INVERTED = _LEVEL - 255  # 255 − 255 x is shifted by 128 too


def planes_of(count: int, *, ycc: bool) -> tuple[Tensor, tuple[float, ...]]:
    """M (count, count), float64, and s, for 1, 3 or 4 planes; ``ycc`` if the first three are Y, Cb, Cr."""
    ycc = ycc and count > 1
    shift = [_LEVEL, 0.0, 0.0] if ycc else [_LEVEL if count < 4 else _INVERTED] * count
    mix = torch.eye(count, dtype=torch.float64)
    if ycc:
        mix[:3, :3] = torch.tensor(_YCC, dtype=torch.float64)
    elif count == 4:
        mix = -mix
    if ycc and count == 4:
        mix[3, 3] = -1.0
        shift.append(_INVERTED)
    return mix, tuple(shift)
