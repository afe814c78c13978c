"""Autoencoder: what an architecture builds, and its first weights. Nothing about corruption or training."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from daecore import rng
from daecore.data.batch_source import Shape
from daecore.errors import InputError, in_a_line
from daecore.plugin.spec import ArchitectureSpec


class Autoencoder(nn.Module):
    """An encoder and a decoder: ``x -> z = f(x) -> x' = g(z)``.

    A subclass may override `forward` (skip connections), but its ``encoder`` must map a batch to
    codes ``(B, ...)`` all the same: that is what transfer uses.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, x: Tensor) -> Tensor:
        """Restore a batch ``(B, *input_shape)`` to ``(B, *output_shape)``."""
        restored: Tensor = self.decoder(self.encoder(x))
        return restored


class Undivided(Autoencoder):
    """A module that restores, and says of no part of it that it is the encoder; its code is what it restores."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__(module, nn.Identity())


def as_autoencoder(module: nn.Module) -> Autoencoder:
    """A module that restores batches, as an autoencoder.

    Raises:
        InputError: It is no module.
    """
    if isinstance(module, Autoencoder):
        return module
    if not isinstance(module, nn.Module):
        raise InputError(f"An architecture gives a daecore.Autoencoder or a torch.nn.Module, not {type(module)}.")
    return Undivided(module)


@dataclass(frozen=True)
class Shapes:
    """What an autoencoder maps between: the shapes of one clean and one corrupted sample."""

    clean: Shape
    corrupted: Shape


def build(architecture: ArchitectureSpec, shapes: Shapes) -> Autoencoder:
    """The network of a spec; its first weights come from the global generator: see `initialise`.

    Raises:
        InputError: The architecture cannot take these shapes or options.
    """
    extension = architecture.extension
    if not extension.takes(shapes.corrupted):
        raise InputError(
            f"{architecture.name} is for {extension.shapes}, but the samples have shape {shapes.corrupted}."
        )
    try:
        model = extension.function(architecture.options, input_shape=shapes.corrupted, output_shape=shapes.clean)
    except ValueError as error:
        raise InputError(f"The architecture {architecture} cannot be built: {error}") from None
    if not isinstance(model, Autoencoder):
        raise InputError(f"The architecture {architecture.name!r} must build a daecore.Autoencoder, not {type(model)}.")
    return model


def initialise(architecture: ArchitectureSpec, shapes: Shapes, seed: int, *names: str | int) -> Autoencoder:
    """The network with first weights drawn from a named stream; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(rng.stream(seed, "weights", *names).initial_seed())
        return build(architecture, shapes)


def find_encoder(model: nn.Module) -> nn.Module:
    """The encoder of a network, also where the network is wrapped.

    That is the module's own ``encoder``, else that of the one module inside it that has such: `torch.compile`,
    `DataParallel`, an average of weights or somebody's own wrapper around it change nothing.

    Args:
        model: An `Autoencoder`, any module with an ``encoder``, or a wrapper around one.

    Raises:
        InputError: There is none, or there are several.
    """
    found = list({id(encoder): (name, encoder) for name, encoder in _with_encoders("", model)}.values())
    if len(found) == 1:
        return found[0][1]
    raise InputError(
        f"What needs a code needs a network with an `encoder`, as daecore.Autoencoder, and {type(model).__name__} has "
        + (f"several: {in_a_line(', '.join(name for name, _ in found))}. Give one of them." if found else "none.")
    )


def _with_encoders(name: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The encoders of the outermost modules that have one, each with its module's name."""
    own = getattr(module, "encoder", None)
    if isinstance(own, nn.Module):
        yield name, own
        return
    for part, child in module.named_children():
        yield from _with_encoders(f"{name}.{part}".removeprefix("."), child)


def parameter_count(model: nn.Module) -> int:
    """The number of trainable numbers in a model."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
