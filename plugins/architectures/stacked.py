"""Stacked autoencoder: fully connected layers that can be trained one after the other, and a decoder that mirrors them.

The code may be larger than the picture: over-complete layers of sigmoids are the source's own case, and what keeps
them from copying is the corruption, not their size. So the size of the code is not checked here as `dense` does.
"""

from itertools import pairwise
from math import prod
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from daecore import Architecture, Autoencoder, Options, hookimpl

from ..bibliography import cite

Width = Annotated[int, Field(ge=1, le=16_384)]
Activation = Literal["sigmoid", "tanh", "relu", "linear"]
MODULES: dict[Activation, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "linear": nn.Identity,
}  # fmt: skip
# Of the uniform first weights, beside sqrt(6 / (in + out)) (Glorot and Bengio, AISTATS 2010, equation 16). A sigmoid
# is a tanh of half the slope and half the height, which the deep learning tutorials (LISA, Montréal) make up for by 4.
GAINS: dict[Activation, float] = {"sigmoid": 4, "tanh": 1, "relu": 2**0.5, "linear": 1}


class Stacked(Options):
    """Fully connected layers to be trained one after the other, and mirrored back, with tied weights if wanted."""

    widths: tuple[Width, ...] = Field(
        default=(1000, 1000, 1000), min_length=1, max_length=8, description="units of each layer, inwards"
    )
    activation: Literal["sigmoid", "tanh", "relu"] = Field(default="sigmoid", description="what follows each layer")
    tied: bool = Field(default=True, description="the decoder uses the encoder's weights, transposed")
    output: Activation = Field(default="sigmoid", description="what follows the last layer, in float32")


def stacked(options: Stacked, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Autoencoder:
    """Build it, for example 784-1000-1000-1000-1000-1000-784, for pictures or vectors.

    Source: Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, sections 2.2, 3.5 and 6.1.

    Args:
        options: The layers' widths, what follows them, and whether weights are tied.
        input_shape: Shape of one corrupted sample.
        output_shape: Shape of one clean sample; with tied weights of as many values.

    Raises:
        ValueError: Weights are tied, and a clean sample has another number of values than a corrupted one.
    """
    values, restored = prod(input_shape), prod(output_shape)
    if options.tied and values != restored:
        raise ValueError(
            f"tied weights map back to as many values as they came from, but {input_shape} holds {values} and "
            f"{output_shape} holds {restored}; set tied to false"
        )
    layers = [_linear(before, after, options.activation) for before, after in pairwise((values, *options.widths))]
    inward = [part for layer in layers for part in (layer, MODULES[options.activation]())]
    decoder = nn.Sequential(*_outward(layers, restored, options), nn.Unflatten(1, output_shape))
    return Autoencoder(nn.Sequential(nn.Flatten(), *inward), decoder)


class Transposed(nn.Module):
    """A layer's way back through its own weights: ``(B, out) -> (B, in)``, with a bias of its own.

    The weights stay the layer's, and are registered, saved and averaged there alone.

    Args:
        layer: The layer.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(layer.in_features))
        self._layer = (layer,)  # in a tuple, where torch registers no module; a copy of both finds the copied layer

    def forward(self, code: Tensor) -> Tensor:
        """Map a batch of codes back."""
        return torch.addmm(self.bias, code, self._layer[0].weight)  # the parameter itself: autocast casts it once


class InFloat32(nn.Module):
    """The last activation, in float32: bf16 knows no number between 0.996 and 1, where a cross-entropy needs many.

    Args:
        activation: What is computed.
    """

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Activate a batch."""
        activated: Tensor = self.activation(x.float())
        return activated


def _outward(layers: list[nn.Linear], restored: int, options: Stacked) -> list[nn.Module]:
    """The decoder's layers, from the code back to the picture."""
    modules: list[nn.Module] = []
    for number, layer in reversed(list(enumerate(layers))):
        following: Activation = options.activation if number else options.output
        values = layer.in_features if number else restored
        back = Transposed(layer) if options.tied else _linear(layer.out_features, values, following)
        activation = MODULES[following]()
        modules += [back, activation if number else InFloat32(activation)]
    return modules


def _ends_in_a_sigmoid(options: Stacked) -> bool:
    return options.output == "sigmoid"


def _linear(before: int, after: int, following: Activation) -> nn.Linear:
    layer = nn.Linear(before, after)
    nn.init.xavier_uniform_(layer.weight, GAINS[following])
    nn.init.zeros_(layer.bias)
    return layer


@hookimpl
def register_architectures() -> list[Architecture]:
    """Ship `stacked`."""
    return [
        Architecture(
            name="stacked", options=Stacked, function=stacked, source=cite("vincent2010"), bounded=_ends_in_a_sigmoid
        )
    ]
