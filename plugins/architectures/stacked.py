"""Fully connected layers with one activation; the decoder may be the encoder transposed (Vincent et al. 2010)."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from daecore import Autoencoder, Extension, Options, hookimpl

Width = Annotated[int, Field(ge=1, le=16_384)]
ACTIVATIONS: dict[str, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


class Stacked(Options):
    """Fully connected layers, each followed by the activation, and mirrored back, with the same weights if tied."""

    widths: tuple[Width, ...] = Field(
        default=(1000,), min_length=1, max_length=8, description="units of each encoder layer; the last are the code"
    )
    activation: Literal["sigmoid", "tanh", "relu"] = Field(default="sigmoid", description="after each hidden layer")
    tied: bool = Field(default=True, description="the decoder uses the encoder's weights, transposed")
    output: Literal["sigmoid", "linear"] = Field(
        default="sigmoid", description="the decoder's end: sigmoid for values in [0, 1], linear for any"
    )


class Mirror(nn.Module):
    """The decoder of linear layers: their transposed weights, biases of its own.

    Args:
        layers: The encoder's linear layers; they stay the encoder's.
        activation: Between the decoder's layers.
        end: After the last.
        shape: Of one clean sample.
    """

    def __init__(
        self, layers: Sequence[nn.Linear], activation: nn.Module, end: nn.Module, shape: tuple[int, ...]
    ) -> None:
        super().__init__()
        self._mirrored = [layers]  # a list hides them: registered twice, they would be saved and trained twice
        self.biases = nn.ParameterList([nn.Parameter(layer.weight.new_zeros(layer.in_features)) for layer in layers])
        self.activation, self.end, self.shape = activation, end, shape

    def forward(self, code: Tensor) -> Tensor:
        """Codes ``(B, units)`` to samples ``(B, *shape)``."""
        for place in reversed(range(len(self.biases))):
            code = F.linear(code, self._mirrored[0][place].weight.T, self.biases[place])
            code = self.activation(code) if place else self.end(code)
        return code.unflatten(1, self.shape)


def stacked(options: Stacked, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Autoencoder:
    """Build it; the first layer's filters are the rows of ``encoder[1].weight`` ``(units, values)``.

    Args:
        options: Widths, activation, tied or not, the decoder's end.
        input_shape: Shape of one corrupted sample.
        output_shape: Shape of one clean sample.

    Raises:
        ValueError: Tied weights, and the two shapes hold different numbers of values.
    """
    if options.tied and prod(input_shape) != prod(output_shape):
        raise ValueError(f"tied weights need samples of one size, got {input_shape} and {output_shape}; set tied false")
    activation, end = ACTIVATIONS[options.activation](), nn.Sigmoid() if options.output == "sigmoid" else nn.Identity()
    layers = [nn.Linear(before, after) for before, after in pairwise((prod(input_shape), *options.widths))]
    encoder = nn.Sequential(nn.Flatten(), *(module for layer in layers for module in (layer, activation)))
    if options.tied:
        return Autoencoder(encoder, Mirror(layers, activation, end, output_shape))
    outward = [nn.Linear(b, a) for b, a in pairwise((*reversed(options.widths), prod(output_shape)))]
    modules = [module for layer in outward for module in (layer, activation)][:-1]
    return Autoencoder(encoder, nn.Sequential(*modules, end, nn.Unflatten(1, output_shape)))


@hookimpl
def register_architectures() -> list[Extension]:
    """Ship `stacked`."""
    return [Extension(name="stacked", options=Stacked, function=stacked)]
