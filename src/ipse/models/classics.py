"""AlexNet and the VGG networks as chains, with the layer names that papers on visualisation use.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, https://arxiv.org/abs/1404.5997
(the AlexNet of torchvision). Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
2015, https://arxiv.org/abs/1409.1556. Their weights are torchvision's files, or the Caffe originals as converted by
J. Johnson; the digest in their file names identifies and verifies them.
"""

from dataclasses import dataclass

from ipse.models.chain import Layer
from ipse.models.model import Input

CAFFE = Input(mean=(103.939 / 255, 116.779 / 255, 123.68 / 255), std=(1 / 255, 1 / 255, 1 / 255), order="bgr")
VGG = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
WIDTHS = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class Weights:
    """A known file of weights."""

    stem: str  #: its name without the digest
    digest: str  #: the beginning of its SHA-256
    wants: Input


KNOWN = {
    "alexnet": (Weights("alexnet-owt", "7be5be79", Input()),),
    "vgg16": (Weights("vgg16", "397923af", Input()), Weights("vgg16", "00b39a1b", CAFFE)),
    "vgg19": (Weights("vgg19", "dcbb9e9d", Input()), Weights("vgg19", "d01eb7cb", CAFFE)),
}


def layers(name: str) -> list[Layer]:
    """The chain with the given name."""
    return alexnet() if name == "alexnet" else vgg(VGG[name])


def conv(cin: int, cout: int, kernel: int, *, stride: int = 1, padding: int) -> dict[str, int]:
    """A convolution's options."""
    sizes = {"in_channels": cin, "out_channels": cout, "kernel_size": kernel}
    return sizes | {"stride": stride, "padding": padding}


def classifier(cin: int) -> list[Layer]:
    """The three linear layers at the end."""
    made: list[Layer] = [("flatten", "flatten", {})]
    for name, width, out in (("6", cin, 4096), ("7", 4096, 4096), ("8", 4096, 1000)):
        made.append((f"fc{name}", "linear", {"in_features": width, "out_features": out}))
        made += [(f"relu{name}", "relu", {})] if out == 4096 else []
    return made


def vgg(depths: tuple[int, ...]) -> list[Layer]:
    """A VGG network, given the number of convolutions at each scale."""
    made: list[Layer] = []
    cin = 3
    for i, (depth, width) in enumerate(zip(depths, WIDTHS, strict=True), 1):
        for j in range(1, depth + 1):
            made += [(f"conv{i}_{j}", "conv", conv(cin, width, 3, padding=1)), (f"relu{i}_{j}", "relu", {})]
            cin = width
        made.append((f"pool{i}", "max_pool", {"kernel_size": 2, "stride": 2}))
    return [*made, *classifier(512 * 7 * 7)]


def alexnet() -> list[Layer]:
    """The AlexNet of one tower, without normalisation."""
    shapes = (
        (3, 64, 11, 4, 2),
        (64, 192, 5, 1, 2),
        (192, 384, 3, 1, 1),
        (384, 256, 3, 1, 1),
        (256, 256, 3, 1, 1),
    )
    made: list[Layer] = []
    for i, (cin, cout, kernel, stride, padding) in enumerate(shapes, 1):
        made.append((f"conv{i}", "conv", conv(cin, cout, kernel, stride=stride, padding=padding)))
        made.append((f"relu{i}", "relu", {}))
        if i in (1, 2, 5):
            made.append((f"pool{i}", "max_pool", {"kernel_size": 3, "stride": 2}))
    return [*made, *classifier(256 * 6 * 6)]
