"""Fully connected autoencoder with a mirrored decoder, for samples of any shape."""

from itertools import pairwise
from math import prod
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from daecore import Architecture, Autoencoder, Options, Sampler, hookimpl

from .code import check_code
from .time_features import TimeFeatures

Width = Annotated[int, Field(ge=1, le=16_384)]
FEATURES = 32  # of the time


class Dense(Options):
    """Fully connected layers down to a code, and mirrored back."""

    widths: tuple[Width, ...] = Field(default=(512, 256), max_length=8, description="units of each encoder layer")
    code: int = Field(default=32, ge=1, le=16_384, description="numbers in the code")
    sampler: bool = Field(default=False, description="whether it can also draw: for the objective flow")


def dense(options: Dense, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Autoencoder:
    """Build it, for example 784-512-256-32-256-512-784, with ReLU between and a linear code and output.

    Args:
        options: The layers' widths and the code's size, and whether it can draw.
        input_shape: Shape of one corrupted sample.
        output_shape: Shape of one clean sample; it may differ.

    Raises:
        ValueError: The code has as many numbers as the image, or more.
    """
    check_code(options.code, input_shape)
    inward = (*options.widths, options.code)
    outward = (options.code, *reversed(options.widths), prod(output_shape))
    if options.sampler:
        encoder = TimedEncoder(prod(input_shape), prod(output_shape), inward)
        return SamplingDense(encoder, nn.Sequential(*_layers(outward), nn.Unflatten(1, output_shape)))
    plain = nn.Sequential(nn.Flatten(), *_layers((prod(input_shape), *inward)))
    return Autoencoder(plain, nn.Sequential(*_layers(outward), nn.Unflatten(1, output_shape)))


class TimedEncoder(nn.Module):
    """The layers down to the code, of a corrupted sample, a state, a time and what is hidden."""

    def __init__(self, inputs: int, outputs: int, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.outputs, self.time = outputs, TimeFeatures(FEATURES)
        self.layers = nn.Sequential(*_layers((2 * inputs + outputs + FEATURES, *sizes)))

    def timed(self, x: Tensor, state: Tensor | None, time: Tensor, hidden: Tensor) -> Tensor:
        """The code ``(B, code)``."""
        state = x.new_zeros(len(x), self.outputs) if state is None else state
        told = (x.flatten(1), hidden.flatten(1).to(x), state.flatten(1), self.time(time))
        code: Tensor = self.layers(torch.cat(told, 1))
        return code

    def forward(self, x: Tensor) -> Tensor:
        """The code of a corrupted sample alone."""
        return self.timed(x, None, x.new_zeros(len(x)), torch.zeros_like(x))


class SamplingDense(Sampler):
    """The fully connected autoencoder that also draws."""

    encoder: TimedEncoder

    def predict(self, x: Tensor, state: Tensor | None, time: Tensor, hidden: Tensor) -> Tensor:
        """See `Sampler.predict`."""
        said: Tensor = self.decoder(self.encoder.timed(x, state, time, hidden))
        return said


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
