"""Own architectures, objectives and metrics of a program or a notebook, without a package.

They are known to this process alone. Knows functions and their source. Does not know how they are used.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from torch import Generator, Tensor, nn

from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import Batch
from daecore.errors import PluginError, quote
from daecore.model.autoencoder import Autoencoder, as_autoencoder
from daecore.plugin.definitions import define
from daecore.plugin.extension import Kind
from daecore.plugin.kinds import Architecture, Metric, Objective
from daecore.plugin.options import Options
from daecore.plugin.own_options import own_options
from daecore.plugin.own_source import own_source
from daecore.training.loss import Loss, comparable

SHAPES = ("input_shape", "output_shape")
VALUES = ("restored", "clean")

Defined = TypeVar("Defined", bound=Callable[..., Any])


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
    options = own_options(build, "architecture", SHAPES)

    def function(chosen: Options, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Autoencoder:
        return as_autoencoder(build(input_shape=input_shape, output_shape=output_shape, **dict(chosen)))

    define(Architecture(name=build.__name__, options=options, function=function), _source(build, "architecture"))
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
    options = own_options(measure, "objective", VALUES)

    def function(chosen: Options, corruptor: Corruptor) -> Loss:
        def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
            restored = comparable(model(corruptor(batch.clean, generator).x), batch.clean)
            found = measure(restored, batch.clean, **dict(chosen))
            if not isinstance(found, Tensor):
                raise PluginError(f"The objective {measure.__name__!r} gives {quote(found)}, and no tensor.")
            return found.mean()

        return loss

    define(Objective(name=measure.__name__, options=options, function=function), _source(measure, "objective"))
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
    options = own_options(measure, "metric", VALUES)

    def function(restored: Tensor, clean: Tensor, chosen: Options) -> Tensor:
        found: Tensor = measure(restored=restored, clean=clean, **dict(chosen))
        return found

    define(
        Metric(name=measure.__name__, options=options, function=function, higher_is_better=higher_is_better, unit=unit),
        _source(measure, "metric"),
    )
    return measure


def _source(written: Callable[..., Any], kind: Kind) -> str:
    try:
        return own_source(written)
    except LookupError as error:
        raise PluginError(
            f"The code of the {kind} {written.__name__!r} cannot be found, so that nothing would tell when it changes: "
            f"that of {error.args[0]} is not there. Define it in a file or in a cell of a notebook.",
            written.__name__,
        ) from None
