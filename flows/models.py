"""A trained network from its file: weights, and the spec that builds it; no store, no server."""

from math import prod
from pathlib import Path
from typing import Annotated, ClassVar

import torch
from pydantic import AfterValidator, Field, JsonValue, ValidationError
from torch import Tensor

from daecore.autoencoder import Autoencoder, Shapes, build
from daecore.checkpoint import Header, load_tensors
from daecore.errors import InputError, StoreError, in_a_line
from daecore.spec import Spec, explain, spec
from daecore.weights import misfit, non_finite

from .provenance import require_same

MOST_VALUES = 1_000_000_000  # in one sample


def _small(shape: tuple[int, ...]) -> tuple[int, ...]:
    if prod(shape) > MOST_VALUES:
        raise ValueError(f"a sample of {prod(shape):.3g} values is larger than any")
    return shape


SampleShape = Annotated[
    tuple[Annotated[int, Field(ge=1, le=MOST_VALUES)], ...], Field(min_length=1, max_length=3), AfterValidator(_small)
]
Name = Annotated[str, Field(min_length=1, max_length=1000)]


class ModelHeader(Header):
    """What stands beside a network's weights: all that is needed to build it again.

    Attributes:
        autoencoder: Its spec, ``{name: {option: value}}``.
        input_shape: Of one corrupted sample.
        output_shape: Of one clean sample.
        plugins: Distribution, version and code of what builds it, as `keys.provenance` gives them.
    """

    what: ClassVar[str] = "a model that daecore wrote"
    autoencoder: dict[Name, dict[Name, JsonValue]] = Field(min_length=1, max_length=1)
    input_shape: SampleShape
    output_shape: SampleShape
    plugins: dict[Name, Name] = Field(default={}, max_length=100)

    @property
    def shapes(self) -> Shapes:
        """What the network maps between."""
        return Shapes(self.output_shape, self.input_shape)


def load_model(path: Path, *, allow_changed_plugins: bool = False) -> Autoencoder:
    """The network, on the CPU, in evaluation mode.

    Args:
        path: A run's ``model/weights.safetensors``.
        allow_changed_plugins: Build it also where its architecture's code has changed since.

    Raises:
        InputError: The plugin it was built by is missing or changed.
        StoreError: The file is no model of daecore, or its weights are not those of the architecture it names.
    """
    return load_with_shapes(path, allow_changed_plugins=allow_changed_plugins)[0]


def load_with_shapes(path: Path, *, allow_changed_plugins: bool = False) -> tuple[Autoencoder, Shapes]:
    """The network as `load_model` gives it, and the shapes it maps between."""
    weights, header = load_tensors(path, ModelHeader)
    require_same(header.plugins, f"The model {path}", allow=allow_changed_plugins)
    architecture = _architecture(header, path)
    _require_those_of(architecture, header.shapes, weights, path)
    network = _built(architecture, header.shapes, path)
    broken = non_finite(weights, network.state_dict())
    if broken:
        raise StoreError(f"The model {path} is no good: its weights {broken!r} hold NaN or infinity.")
    network.load_state_dict(weights)
    return network.eval(), header.shapes


def _architecture(header: ModelHeader, path: Path) -> Spec:
    try:
        return spec("architecture", header.autoencoder)
    except ValidationError as error:
        raise StoreError(f"The model {path} cannot be built: {explain(error, 'autoencoder', first=True)}.") from None
    except InputError as error:
        raise InputError(f"The model {path} cannot be built. {error}") from None


def _require_those_of(architecture: Spec, shapes: Shapes, weights: dict[str, Tensor], path: Path) -> None:
    """Refuse other weights than the network's, found out before any room is made for it."""
    with torch.device("meta"):
        expected = _built(architecture, shapes, path).state_dict()
    wrong = misfit(weights, expected)
    if wrong:
        raise StoreError(
            f"The model {path} does not hold the weights of its own architecture, {in_a_line(str(architecture))}: of "
            f"its tensors {wrong}."
        )


def _built(architecture: Spec, shapes: Shapes, path: Path) -> Autoencoder:
    """The network, with whatever weights; a plugin may raise anything for shapes that nobody ever gave it."""
    try:
        with torch.random.fork_rng(devices=[]):
            return build(architecture, shapes)
    except Exception as error:
        said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        raise StoreError(f"The model {path} cannot be built: {in_a_line(said).rstrip('.')}.") from error
