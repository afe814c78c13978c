"""Fully connected autoencoder with a mirrored decoder, for samples of any shape."""

from itertools import pairwise
from math import prod
from typing import Annotated

from pydantic import Field
from torch import nn

from daecore import Architecture, Autoencoder, Options, hookimpl

from .code import check_code

Width = Annotated[int, Field(ge=1, le=16_384)]


class Dense(Options):
    """Fully connected layers down to a code, and mirrored back."""

    widths: tuple[Width, ...] = Field(default=(512, 256), max_length=8, description="units of each encoder layer")
    code: int = Field(default=32, ge=1, le=16_384, description="numbers in the code")


def dense(options: Dense, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Autoencoder:
    """Build it, for example 784-512-256-32-256-512-784, with ReLU between and a linear code and output.

    Args:
        options: The layers' widths and the code's size.
        input_shape: Shape of one corrupted sample.
        output_shape: Shape of one clean sample; it may differ.

    Raises:
        ValueError: The code has as many numbers as the image, or more.
    """
    check_code(options.code, input_shape)
    inward = (prod(input_shape), *options.widths, options.code)
    outward = (options.code, *reversed(options.widths), prod(output_shape))
    encoder = nn.Sequential(nn.Flatten(), *_layers(inward))
    decoder = nn.Sequential(*_layers(outward), nn.Unflatten(1, output_shape))
    return Autoencoder(encoder, decoder)


def _layers(sizes: tuple[int, ...]) -> list[nn.Module]:
    """Linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return layers[:-1]


@hookimpl
def register_architectures() -> list[Architecture]:
    """Ship `dense`."""
    return [Architecture(name="dense", options=Dense, function=dense)]
