"""The kinds of extension: a class each, with a typed function and the fields that mean something for it alone.

A kind is a class in `KINDS` and a hook in `daecore.plugin.hookspecs`; everything else follows. What the kinds have in
common stands in `daecore.plugin.extension`. Knows nothing of which plugins exist.

The classes are called what users call the things: a plugin ships a `Corruption`, a `Dataset`, an `Architecture`, an
`Objective`, a `Metric`. What they give when they are used has names of its own, for the front door has one thing of a
name: a `Corruptor` corrupts, and a dataset's function gives `Splits`, an architecture's an `Autoencoder`, an
objective's a `Loss` (as the field calls a function of network and batch that is minimised).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from daecore.plugin.extension import Extension, Kind, SampleExtension
from daecore.plugin.options import Strength
from daecore.plugin.series import Series

if TYPE_CHECKING:  # these modules need PyTorch
    from torch import Generator, Tensor

    from daecore.corruption.corruptor import Corruptor
    from daecore.data.batch_source import Shape
    from daecore.data.sample_store import Piece
    from daecore.data.samples import Splits
    from daecore.model.autoencoder import Autoencoder
    from daecore.training.loss import Loss


class CorruptionFunction(Protocol):
    """Corrupts a batch ``(B, *shape)``, and may say which values it touched."""

    def __call__(
        self, x: "Tensor", options: Any, /, *, generator: "Generator"
    ) -> "Tensor | tuple[Tensor, Tensor | None]":
        """The corrupted batch, alone or with a mask of type bool."""
        ...


class DatasetFunction(Protocol):
    """Loads samples; ``cache`` is the folder where downloads are kept."""

    def __call__(self, options: Any, /, *, cache: Path) -> "Splits | Iterator[Piece]":
        """What to train on, to validate and to test with: whole, or yielded in pieces where memory does not hold it."""
        ...


class ArchitectureFunction(Protocol):
    """Builds a network for the shapes of one corrupted and one clean sample; raises ValueError for others."""

    def __call__(self, options: Any, /, *, input_shape: "Shape", output_shape: "Shape") -> "Autoencoder":
        """The network; its first weights come from torch's global generator."""
        ...


class ObjectiveFunction(Protocol):
    """Makes the loss that teaches a network to undo these corruptions."""

    def __call__(self, options: Any, corruptor: "Corruptor", /) -> "Loss":
        """The loss of a batch."""
        ...


class MetricFunction(Protocol):
    """Compares restored samples ``(B, *shape)`` with clean ones, both float32; images are not clipped before."""

    def __call__(self, restored: "Tensor", clean: "Tensor", options: Any, /) -> "Tensor":
        """A finite value for each sample, ``(B,)``."""
        ...


@dataclass(frozen=True, kw_only=True)
class Corruption(SampleExtension):
    """What damages samples.

    Attributes:
        function: ``(x, options, *, generator) -> Tensor | (Tensor, touched)``.
        random: Whether it draws random numbers.
        unbiased: Whether E[corrupted] = clean, or a function of the options that says so.
        strength: The option that says how strongly it acts.
        per_image: Whether that option may be a ``(B, 1, 1, 1)`` tensor.
        host: Whether it must run on the CPU, or a function of the options that says so.
        composite: Whether its options name other corruptions; then it cannot stand inside another.
        gaussian_sigma: Of one that adds white Gaussian noise and does nothing else: ``(options) -> float``, the noise's
            standard deviation; 0 where it does something else with these options. None: it is another one.
        output_shape: ``(input_shape, options) -> shape``; None keeps the shape. Raises ValueError for a shape it
            cannot take.
    """

    kind: ClassVar[Kind] = "corruption"
    signature: ClassVar[str] = "(x, options, *, generator) -> Tensor | (Tensor, touched)"

    function: CorruptionFunction
    random: bool = False
    unbiased: bool | Callable[[Any], bool] = False
    strength: Strength | None = None
    per_image: bool = False
    host: bool | Callable[[Any], bool] = False
    composite: bool = False
    gaussian_sigma: Callable[[Any], float] | None = None
    output_shape: "Callable[[Shape, Any], Shape] | None" = None

    def as_strength(self, value: float) -> float:
        """The value as the strength's option takes it: a whole number where that is an int."""
        whole = self.strength is not None and self.options.model_fields[self.strength.option].annotation is int
        return round(value) if whole else value

    def strengths(self, count: int) -> list[float]:
        """At most ``count`` strengths from the weakest to the strongest, evenly spaced; none without a strength."""
        if self.strength is None:
            return []
        low, step = self.strength.low, (self.strength.high - self.strength.low) / (count - 1)
        return list(dict.fromkeys(self.as_strength(round(low + step * number, 6)) for number in range(count)))


@dataclass(frozen=True, kw_only=True)
class Dataset(SampleExtension):
    """Where samples come from.

    Attributes:
        function: ``(options, *, cache) -> Splits``.
        bounded: Of points: whether all values lie in ``[0, 1]``, or a function of the options that says so (those of
            images do by rule).
        sample_shape: ``(options) -> shape`` of one training sample, known before loading.
        classes: The number of classes, or None; or a function of the options that says so.
        fingerprint: Of one made of a user's files: ``(options) -> str``, another text when they changed.
        download_bytes: The room it needs in the data folder.
    """

    kind: ClassVar[Kind] = "dataset"
    signature: ClassVar[str] = "(options, *, cache) -> Splits"

    function: DatasetFunction
    bounded: bool | Callable[[Any], bool] = False
    sample_shape: "Callable[[Any], Shape] | None" = None
    classes: int | Callable[[Any], int | None] | None = None
    fingerprint: Callable[[Any], str] | None = None
    download_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Architecture(SampleExtension):
    """A network that can be built.

    Attributes:
        function: ``(options, *, input_shape, output_shape) -> Autoencoder``.
        bounded: Whether all values it restores lie in ``[0, 1]``, or a function of the options that says so.
    """

    kind: ClassVar[Kind] = "architecture"
    signature: ClassVar[str] = "(options, *, input_shape, output_shape) -> Autoencoder"

    function: ArchitectureFunction
    bounded: bool | Callable[[Any], bool] = False


@dataclass(frozen=True, kw_only=True)
class Objective(SampleExtension):
    """What a training minimises.

    Attributes:
        function: ``(options, corruptor) -> Loss``.
        bounded: Whether it takes no values but those in ``[0, 1]``, or a function of the options that says so.
        demands: ``(options, corruptor) -> None``; raises ValueError for corruptions it cannot learn from.
        draws: Whether it teaches a network to draw: then the architecture must build a `daecore.Sampler`.
    """

    kind: ClassVar[Kind] = "objective"
    signature: ClassVar[str] = "(options, corruptor) -> Loss"

    function: ObjectiveFunction
    bounded: bool | Callable[[Any], bool] = False
    demands: "Callable[[Any, Corruptor], None] | None" = None
    draws: bool = False


@dataclass(frozen=True, kw_only=True)
class Metric(SampleExtension):
    """What tells how near restored samples are to the clean ones, a number for each.

    Attributes:
        function: ``(restored, clean, options) -> Tensor``, one value per sample.
        higher_is_better: Which of two values is the better one.
        unit: Of a value, such as ``dB``; empty: it has none.
    """

    kind: ClassVar[Kind] = "metric"
    signature: ClassVar[str] = "(restored, clean, options) -> Tensor"

    function: MetricFunction
    higher_is_better: bool
    unit: str = ""


KINDS: dict[Kind, type[Extension]] = {
    of.kind: of for of in (Corruption, Dataset, Architecture, Objective, Metric, Series)
}
