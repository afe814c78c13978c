"""Defined: architectures and objectives that a program or a notebook writes itself, without a package.

They are known to this process alone, until it ends. Their code is part of what results depend on: one that is written
again is another one, and trained again. Knows functions and their source. Does not know how they are used.
"""

import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import create_model

from daecore.errors import PluginError, quote
from daecore.plugin.extension import NAME, Extension, Kind
from daecore.plugin.installed import Installed, Provenance
from daecore.plugin.kinds import Architecture, Objective
from daecore.plugin.options import Options

if TYPE_CHECKING:  # these modules need PyTorch
    from torch import Generator, Tensor, nn

    from daecore.corruption.corruptor import Corruptor
    from daecore.data.samples import Batch
    from daecore.model.autoencoder import Autoencoder
    from daecore.training.loss import Loss

HERE = "this program"  # in the place of a distribution
SHAPES = ("input_shape", "output_shape")
VALUES = ("restored", "clean")

Defined = TypeVar("Defined", bound=Callable[..., Any])

_definitions: dict[tuple[Kind, str], Installed] = {}
_sources: dict[tuple[Kind, str], str] = {}


def definitions() -> Mapping[tuple[Kind, str], Installed]:
    """What this process has defined."""
    return MappingProxyType(_definitions)


def source_of(kind: Kind, name: str) -> str:
    """The code of a definition, as it was written; empty where there is none."""
    return _sources.get((kind, name), "")


def define_architecture(build: Defined) -> Defined:
    """Let experiments of this program name a function, or a class of `torch.nn.Module`, as their architecture.

    It takes ``input_shape`` and ``output_shape``, of one corrupted and one clean sample; what else it takes are its
    options, each with a type and a default. It gives a `daecore.Autoencoder`, or a module that restores a batch; such a
    one has no encoder of its own, and nothing is learnt from its codes. Its first weights come from torch's global
    generator. It is not reproducible from YAML alone: a run keeps its code, and another program must define it again.

    Args:
        build: The function or class; its name is the architecture's.

    Raises:
        PluginError: It takes something else, or a plugin has its name.

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
        PluginError: It takes something else, or a plugin has its name.

    >>> @define_objective
    ... def log_cosh(restored, clean, sharpness: float = 10.0):
    ...     return torch.log(torch.cosh(sharpness * (restored - clean)))
    """
    options = _options(measure, "objective", VALUES)

    def function(chosen: Options, corruptor: "Corruptor") -> "Loss":
        from daecore.training.loss import comparable

        def loss(model: "nn.Module", batch: "Batch", generator: "Generator") -> "Tensor":
            restored = comparable(model(corruptor(batch.clean, generator).x), batch.clean)
            found: Tensor = measure(restored, batch.clean, **dict(chosen))
            return found.mean()

        return loss

    _define(Objective(name=measure.__name__, options=options, function=function), measure)
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
    taken = inspect.signature(written).parameters
    if missing := [one for one in given if one not in taken]:
        raise PluginError(f"{who} must take {' and '.join(given)}; it lacks {' and '.join(missing)}.", name)
    fields: dict[str, Any] = {}
    for parameter in taken.values():
        if parameter.name in given:
            continue
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY) or parameter.empty in (
            parameter.annotation, parameter.default,
        ):  # fmt: skip
            raise PluginError(
                f"{who} takes {' and '.join(given)}, and else options, each with a type and a default, as "
                f"width: int = 8; {parameter.name} has none.",
                name,
            )
        fields[parameter.name] = (inspect.get_annotations(_takes(written), eval_str=True)[parameter.name],
                                  parameter.default)  # fmt: skip
    about = (inspect.getdoc(written) or f"Defined in {HERE}.").split("\n")[0]
    return create_model(name, __base__=Options, __doc__=about, **fields)


def _takes(written: Callable[..., Any]) -> Callable[..., Any]:
    """The function that is called where a class is."""
    return written.__init__ if isinstance(written, type) else written  # type: ignore[misc]


def _source(written: Callable[..., Any], kind: Kind) -> str:
    try:
        return textwrap.dedent(inspect.getsource(written))
    except (OSError, TypeError):
        raise PluginError(
            f"The code of the {kind} {written.__name__!r} cannot be found, so that nothing would tell when it changes. "
            "Define it in a file or in a cell of a notebook.",
            written.__name__,
        ) from None
