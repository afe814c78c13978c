"""Convolutional autoencoder with a linear code: each layer halves the image, the decoder mirrors it."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from daecore import Architecture, Autoencoder, Options, hookimpl

from .code import check_code

Width = Annotated[int, Field(ge=1, le=2048)]


class Conv(Options):
    """Strided convolutions down to a linear code, and mirrored back."""

    widths: tuple[Width, ...] = Field(
        default=(32, 64), min_length=1, max_length=6, description="channels of each layer; each halves the image"
    )
    code: int = Field(default=64, ge=1, le=16_384, description="numbers in the code")


def conv(options: Conv, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Autoencoder:
    """Build it for images of any size: each layer goes from n to ceil(n / 2) pixels, and exactly back.

    Args:
        options: The layers' channels and the code's size.
        input_shape: ``(C, H, W)`` of a corrupted image.
        output_shape: ``(C, H, W)`` of a clean image; the same.

    Raises:
        ValueError: The shapes differ, or the code has as many numbers as the image.
    """
    if input_shape != output_shape:
        raise ValueError(
            f"conv restores images of the shape it is given, but {input_shape} should become {output_shape}; "
            "use dense, which maps any shape to any other, or upscaler for 14x14 to 28x28"
        )
    check_code(options.code, input_shape)
    channels, height, width = input_shape
    sizes = [(height, width)]
    for _ in options.widths:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    bottom = (options.widths[-1], *sizes[-1])
    volume = bottom[0] * bottom[1] * bottom[2]
    stages = (channels, *options.widths)
    encoder = nn.Sequential(*_down(stages), Flat(), nn.Linear(volume, options.code))
    lift = [nn.Linear(options.code, volume), nn.ReLU(inplace=True), Picture(bottom)]
    return Autoencoder(encoder, nn.Sequential(*lift, *_up(stages[::-1], sizes[::-1])))


class Flat(nn.Module):
    """``(B, C, H, W)`` to ``(B, H * W * C)``, channels last: of a picture in the loop's memory format, only a view."""

    def forward(self, x: Tensor) -> Tensor:
        """Flatten a batch."""
        return x.permute(0, 2, 3, 1).flatten(1)


class Picture(nn.Module):
    """``(B, H * W * C)`` back to ``(B, C, H, W)``, as a view in the loop's memory format."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """Lay a batch out."""
        channels, height, width = self.shape
        picture: Tensor = x.unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)
        return picture


def _down(channels: tuple[int, ...]) -> list[nn.Module]:
    """Convolutions that halve the image, each followed by ReLU."""
    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU(inplace=True)]
    return layers


def _up(channels: tuple[int, ...], sizes: list[tuple[int, int]]) -> list[nn.Module]:
    """Transposed convolutions that go through these sizes, with ReLU between them."""
    layers: list[nn.Module] = []
    for (before, after), size in zip(pairwise(channels), sizes[1:], strict=True):
        extra = (1 - size[0] % 2, 1 - size[1] % 2)  # ceil(n / 2) back to n: even sides lack one pixel
        up = nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=extra)
        layers += [up, nn.ReLU(inplace=True)]
    return layers[:-1]


@hookimpl
def register_architectures() -> list[Architecture]:
    """Ship `conv`."""
    return [Architecture(name="conv", options=Conv, function=conv, shapes="images")]
