"""Corruptor: a chain of bound corruptions, applied to whole batches with an explicit generator.

Knows shapes and the properties corruptions declare. Knows no particular corruption.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from daecore.errors import InputError
from daecore.samples import Corrupted, Shape
from daecore.spec import Spec, digest


class Corruptor:
    """A chain of corruptions; the empty chain changes nothing."""

    def __init__(self, specs: Sequence[Spec] = ()) -> None:
        self.specs = tuple(specs)
        self._steps = tuple((spec, spec.extension) for spec in self.specs)

    def __call__(self, clean: Tensor, generator: Generator) -> Corrupted:
        """Corrupt a batch; ``clean`` itself is never written to."""
        x, touched = clean, None
        for spec, extension in self._steps:
            result = extension.function(x, spec.options, generator=generator)
            x, mask = result if isinstance(result, tuple) else (result, None)
            touched = _union(touched, mask)
        return Corrupted(x, touched)

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of a corrupted sample.

        Raises:
            InputError: A corruption cannot take samples of this shape.
        """
        for spec, extension in self._steps:
            if not extension.takes(shape):
                raise InputError(
                    f"The corruption {spec.name!r} is for {extension.shapes}, but it would be given samples of shape "
                    f"{shape}. Choose another dataset, or a corruption that takes such samples."
                )
            try:
                shape = extension.output_shape(shape, spec.options) if extension.output_shape else shape
            except ValueError as error:
                raise InputError(
                    f"The corruption {spec} cannot be applied to samples of shape {shape}: {error}"
                ) from None
        return shape

    @property
    def unbiased(self) -> bool:
        """Whether every link of the chain declares E[corrupted] = clean."""
        return all(
            extension.unbiased(spec.options) if callable(extension.unbiased) else extension.unbiased
            for spec, extension in self._steps
        )

    @property
    def host(self) -> bool:
        """Whether a link must run on the CPU."""
        return any(extension.host for _, extension in self._steps)

    @property
    def digest(self) -> str:
        """SHA-256 over names, options and order."""
        return digest([spec.digest for spec in self.specs])

    def __str__(self) -> str:
        return " -> ".join(str(spec) for spec in self.specs) or "none"


def _union(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    """What either mask touches; None when one is missing or the shape changed in between."""
    if first is None or second is None:
        return first if second is None else second
    try:
        torch.broadcast_shapes(first.shape, second.shape)
    except RuntimeError:
        return None
    return first | second
