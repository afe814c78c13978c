"""Corruptor: a chain of bound corruptions, applied to whole batches with an explicit generator.

Knows shapes and the properties corruptions declare. Knows no particular corruption.
"""

from collections.abc import Sequence

from torch import Generator, Tensor

from daecore.data.batch_source import Shape
from daecore.data.samples import Corrupted
from daecore.errors import InputError
from daecore.plugin.extension import declared_value
from daecore.plugin.spec import CorruptionSpec, digest


class Corruptor:
    """A chain of corruptions; the empty chain changes nothing."""

    def __init__(self, specs: Sequence[CorruptionSpec] = ()) -> None:
        self.specs = tuple(specs)
        self._steps = tuple((spec, spec.extension) for spec in self.specs)

    def __call__(self, clean: Tensor, generator: Generator) -> Corrupted:
        """Corrupt a batch; ``clean`` itself is never written to."""
        x, masks = clean, []
        for spec, extension in self._steps:
            before = x.cpu() if declared_value(extension.host, spec.options) else x
            result = extension.function(before, spec.options, generator=generator)
            y, mask = result if isinstance(result, tuple) else (result, None)
            x = y.to(clean.device)
            masks.append(None if mask is None else mask.to(clean.device))
        return Corrupted(x, _union(masks, x))

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
        return all(declared_value(extension.unbiased, spec.options) for spec, extension in self._steps)

    @property
    def host(self) -> bool:
        """Whether a link must run on the CPU."""
        return any(declared_value(extension.host, spec.options) for spec, extension in self._steps)

    @property
    def gaussian_sigma(self) -> float:
        """The standard deviation of white Gaussian noise, where that alone happens and is declared; 0 otherwise."""
        declared = [extension.gaussian_sigma for _, extension in self._steps]
        alone = declared[0] if len(declared) == 1 else None
        return float(alone(self.specs[0].options)) if alone else 0.0

    @property
    def digest(self) -> str:
        """SHA-256 over names, options and order."""
        return digest([spec.digest for spec in self.specs])

    def __str__(self) -> str:
        return " -> ".join(str(spec) for spec in self.specs) or "none"


def _union(masks: list[Tensor | None], x: Tensor) -> Tensor | None:
    """What any link touched; None where one does not say, or speaks of a picture of another size."""
    union: Tensor | None = None
    for mask in masks:
        if mask is None or not _fits(mask, x):
            return None
        union = mask if union is None else union | mask
    return union


def _fits(mask: Tensor, x: Tensor) -> bool:
    pairs = zip(reversed(mask.shape), reversed(x.shape), strict=False)
    return mask.dim() == x.dim() and all(ours in (1, theirs) for ours, theirs in pairs)
