"""Defined: architectures and objectives that a program or a notebook writes itself, without a package.

They are known to this process alone, until it ends. Their code is part of what results depend on: one that is written
again is another one, and trained again. Knows functions and their source. Does not know how they are used.
"""

import hashlib
import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError, create_model

from daecore.errors import PluginError, in_a_line, quote
from daecore.plugin.extension import NAME, Extension, Kind
from daecore.plugin.installed import Installed, Provenance
from daecore.plugin.kinds import Architecture, Metric, Objective
from daecore.plugin.options import Options
from daecore.plugin.own_source import own_source

if TYPE_CHECKING:  # these modules need PyTorch
    from torch import Generator, Tensor, nn

    from daecore.corruption.corruptor import Corruptor
    from daecore.data.samples import Batch
    from daecore.model.autoencoder import Autoencoder
    from daecore.training.loss import Loss

HERE = "this program"  # in the place of a distribution
SHAPES = ("input_shape", "output_shape")
VALUES = ("restored", "clean")

BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)

Defined = TypeVar("Defined", bound=Callable[..., Any])

_definitions: dict[tuple[Kind, str], Installed] = {}
_sources: dict[tuple[Kind, str], str] = {}


def definitions() -> Mapping[tuple[Kind, str], Installed]:
    """What this process has defined."""
    return MappingProxyType(_definitions)


def source_of(kind: Kind, name: str) -> str:
    """The code of a definition, as it was written, after that of what it refers to; empty where there is none."""
    return _sources.get((kind, name), "")


def define_architecture(build: Defined) -> Defined:
    """Let experiments of this program name a function, or a class of `torch.nn.Module`, as their architecture.

    It takes ``input_shape`` and ``output_shape``, of one corrupted and one clean sample; what else it takes are its
    options, each with a type and a default. It gives a `daecore.Autoencoder`, or a module that restores a batch; such a
    one has no encoder of its own, and nothing is learnt from its codes. Its first weights come from torch's global
    generator. It is not reproducible from YAML alone: a run keeps its code, and another program must define it again.
    Its code is also that of the functions, classes and plain values of the same module that it refers to; what it takes
    from elsewhere is not looked at.

    Args:
        build: The function or class; its name is the architecture's.

    Raises:
        PluginError: It takes something else, its code cannot be found, or a plugin has its name.

    >>> @define_architecture
    ... def straight(input_shape, output_shape, width: int = 8):
    ...     return torch.nn.Conv2d(input_shape[0], output_shape[0], 3, padding=1)
    """
    options = _options(build, "architecture", SHAPES)

    def function(chosen: Options, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> "Autoencoder":
        from daecore.model.autoencoder import as_autoencoder

        return as_autoencoder(build(input_shape=input_shape, output_shape=output_shape, **dict(chosen)))

    _define(Architecture(name=build.__name__, options=options, function=function), build)
    return build


def define_objective(measure: Defined) -> Defined:
    """Let experiments of this program name a function as their objective: what the training minimises.

    It takes ``restored`` and ``clean``, float32 ``(B, *shape)``, and gives a loss: a scalar, or a tensor of which the
    mean is taken. What else it takes are its options, each with a type and a default. It is not reproducible from YAML
    alone, as `define_architecture` says.

    Args:
        measure: The function; its name is the objective's.

    Raises:
        PluginError: It takes something else, its code cannot be found, or a plugin has its name.

    >>> @define_objective
    ... def log_cosh(restored, clean, sharpness: float = 10.0):
    ...     return torch.log(torch.cosh(sharpness * (restored - clean)))
    """
    options = _options(measure, "objective", VALUES)

    def function(chosen: Options, corruptor: "Corruptor") -> "Loss":
        import torch

        from daecore.training.loss import comparable

        def loss(model: "nn.Module", batch: "Batch", generator: "Generator") -> "Tensor":
            restored = comparable(model(corruptor(batch.clean, generator).x), batch.clean)
            found = measure(restored, batch.clean, **dict(chosen))
            if not isinstance(found, torch.Tensor):
                raise PluginError(f"The objective {measure.__name__!r} gives {quote(found)}, and no tensor.")
            return found.mean()

        return loss

    _define(Objective(name=measure.__name__, options=options, function=function), measure)
    return measure


def define_metric(measure: Defined | None = None, *, higher_is_better: bool = False, unit: str = "") -> Any:
    """Let experiments of this program name a function as one of their metrics.

    It takes ``restored`` and ``clean``, float32 ``(B, *shape)``, and gives a float for each sample, ``(B,)``. What else
    it takes are its options, each with a type and a default. A run keeps its code, as `define_architecture` says.

    Args:
        measure: The function; its name is the metric's. None: the decorator with what follows.
        higher_is_better: Which of two values is the better one.
        unit: Of a value; empty: it has none.

    Raises:
        PluginError: It takes something else, or a plugin has its name.

    >>> @define_metric
    ... def worst(restored, clean):
    ...     return (restored - clean).abs().flatten(1).amax(1)
    """
    if measure is None:
        return partial(define_metric, higher_is_better=higher_is_better, unit=unit)
    options = _options(measure, "metric", VALUES)

    def function(restored: "Tensor", clean: "Tensor", chosen: Options) -> "Tensor":
        found: Tensor = measure(restored=restored, clean=clean, **dict(chosen))
        return found

    _define(
        Metric(name=measure.__name__, options=options, function=function, higher_is_better=higher_is_better, unit=unit),
        measure,
    )
    return measure


def _define(extension: Extension, written: Callable[..., Any]) -> None:
    """Keep a definition; the same name again replaces it."""
    from daecore.plugin.registry import installed

    key = (extension.kind, extension.name)
    if key in installed().extensions:
        raise PluginError(
            f"The {extension.kind} name {extension.name!r} is a plugin's. Call your own one otherwise.", extension.name
        )
    source = _source(written, extension.kind)
    _sources[key] = source
    _definitions[key] = Installed(extension, Provenance(HERE, "", hashlib.sha256(source.encode()).hexdigest()))


def _options(written: Callable[..., Any], kind: Kind, given: tuple[str, str]) -> type[Options]:
    """The options that follow from what a function takes beside what it is given.

    Raises:
        PluginError: It does not take that, or something without a type and a default.
    """
    name = getattr(written, "__name__", "")
    who = f"The {kind} {quote(name)}"
    if not callable(written) or not NAME.fullmatch(name):
        raise PluginError(f"{who} is no function or class with a name. Define one with def or class.", name)
    try:
        taken = inspect.signature(written, eval_str=True).parameters
    except Exception as error:  # of a builtin, or of annotations that are text
        raise PluginError(f"{who} does not say what it takes: {in_a_line(str(error)).rstrip('.')}.", name) from None
    if hidden := [one for one in taken if one.startswith("_")]:
        raise PluginError(f"{who} takes {hidden[0]}, and an option's name begins with a letter.", name)
    if missing := [one for one in given if one not in taken or taken[one].kind not in BY_NAME]:
        raise PluginError(f"{who} must take {' and '.join(given)}, by name; it lacks {' and '.join(missing)}.", name)
    fields: dict[str, Any] = {}
    for parameter in taken.values():
        if parameter.name in given:
            continue
        if parameter.kind not in BY_NAME or parameter.empty in (parameter.annotation, parameter.default):
            raise PluginError(
                f"{who} takes {' and '.join(given)}, and else options, each with a type and a default, as "
                f"width: int = 8; {parameter.name} has none.",
                name,
            )
        fields[parameter.name] = (parameter.annotation, parameter.default)
    return _checked(written, who, fields)


def _checked(written: Callable[..., Any], who: str, fields: dict[str, Any]) -> type[Options]:
    """The class of these options, with defaults that are of their types and can be written.

    Raises:
        PluginError: They cannot be.
    """
    from daecore.plugin.spec import explain

    about = (inspect.getdoc(written) or f"Defined in {HERE}.").split("\n")[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a name that is a method's
            options = create_model(written.__name__, __base__=Options, __doc__=about, **fields)
            made = options()
            options.model_validate(dict(made))
            made.model_dump_json()
    except Exception as error:
        said = explain(error, "options") if isinstance(error, ValidationError) else in_a_line(str(error))
        raise PluginError(
            f"{who} has options that users could not write: {said.rstrip('.')}.", written.__name__
        ) from None
    return options


def _source(written: Callable[..., Any], kind: Kind) -> str:
    try:
        return own_source(written)
    except LookupError as error:
        raise PluginError(
            f"The code of the {kind} {written.__name__!r} cannot be found, so that nothing would tell when it changes: "
            f"that of {error.args[0]} is not there. Define it in a file or in a cell of a notebook.",
            written.__name__,
        ) from None
