"""A trained network from its file: weights, and the spec that builds it; no store, no server."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from threading import get_ident
from typing import Annotated, ClassVar

import torch
from pydantic import AfterValidator, Field, JsonValue, ValidationError
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from daecore.data.value_range import ValueRange
from daecore.errors import InputError, StoreError, in_a_line
from daecore.experiment.provenance import require_same
from daecore.model.autoencoder import Autoencoder, Shapes, build
from daecore.model.weights import misfit, non_finite
from daecore.plugin.spec import ArchitectureSpec, explain, spec
from daecore.training.checkpoint import Header, load_tensors

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
        architecture: Its spec, ``{name: {option: value}}``.
        input_shape: Of one corrupted sample.
        output_shape: Of one clean sample.
        plugins: Distribution, version and code of what builds it, as `provenance` gives them.
        value_range: Which numbers of the files that it has learnt from became 0 and 1; None where their type says it.
    """

    what: ClassVar[str] = "a model that daecore wrote"
    architecture: dict[Name, dict[Name, JsonValue]] = Field(min_length=1, max_length=1)
    input_shape: SampleShape
    output_shape: SampleShape
    plugins: dict[Name, Name] = Field(default={}, max_length=100)
    value_range: ValueRange | None = None

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
    return load_with_header(path, allow_changed_plugins=allow_changed_plugins)[0]


def load_with_header(path: Path, *, allow_changed_plugins: bool = False) -> tuple[Autoencoder, ModelHeader]:
    """The network as `load_model` gives it, and what its file says of it."""
    weights, header = load_tensors(path, ModelHeader)
    require_same(header.plugins, f"The model {path}", allow=allow_changed_plugins)
    network = _fitting(_architecture(header, path), header.shapes, weights, path)
    broken = non_finite(weights, network.state_dict())
    if broken:
        raise StoreError(f"The model {path} is no good: its weights {broken!r} hold NaN or infinity.")
    network.load_state_dict(weights)
    return network.eval(), header


def _architecture(header: ModelHeader, path: Path) -> ArchitectureSpec:
    try:
        return spec("architecture", header.architecture)
    except ValidationError as error:
        raise StoreError(f"The model {path} cannot be built: {explain(error, 'architecture', first=True)}.") from None
    except InputError as error:
        raise InputError(f"The model {path} cannot be built. {error}") from None


def _fitting(architecture: ArchitectureSpec, shapes: Shapes, weights: dict[str, Tensor], path: Path) -> Autoencoder:
    """The network, whose own tensors are named, shaped and typed as the weights are.

    The file of a small network may name a huge one. So it is built only as far as the file holds values for it, and
    what is larger is compared on the meta device, where a tensor takes no room.
    """
    try:
        with _at_most(sum(value.numel() for value in weights.values())):
            network = _build(architecture, shapes, path)
    except _LargerThanItsFile:
        with torch.device("meta"):
            _require_fit(weights, _build(architecture, shapes, path), architecture, path)
        network = _build(architecture, shapes, path)  # it only seemed so: parameters that it shares were counted twice
    _require_fit(weights, network, architecture, path)
    return network


def _require_fit(weights: dict[str, Tensor], network: Autoencoder, architecture: ArchitectureSpec, path: Path) -> None:
    wrong = misfit(weights, network.state_dict())
    if wrong:
        raise StoreError(
            f"The model {path} does not hold the weights of its own architecture, {in_a_line(str(architecture))}: of "
            f"its tensors {wrong}."
        )


class _LargerThanItsFile(Exception):
    pass


@contextmanager
def _at_most(values: int) -> Iterator[None]:
    """Stop a network that is built here at the parameter that makes it larger, before that has its first values."""
    left, here = values, get_ident()

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal left
        if get_ident() == here and parameter is not None:  # torch asks for the networks of all threads
            left -= parameter.numel()
            if left < 0:
                raise _LargerThanItsFile

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _build(architecture: ArchitectureSpec, shapes: Shapes, path: Path) -> Autoencoder:
    """The network, with whatever weights; a plugin may raise anything for shapes that nobody ever gave it."""
    try:
        with torch.random.fork_rng(devices=[]):
            return build(architecture, shapes)
    except _LargerThanItsFile:
        raise
    except Exception as error:
        said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        raise StoreError(f"The model {path} cannot be built: {in_a_line(said).rstrip('.')}.") from error
