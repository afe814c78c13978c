"""What a plugin ships: an Extension, a frozen value that names a function and declares its properties.

Five kinds, one mechanism: the hook that returns an extension decides its kind (see `daecore.plugin.hookspecs`).
Knows nothing of which plugins exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from daecore.errors import choices

if TYPE_CHECKING:
    from daecore.data.samples import Shape  # its module needs PyTorch

Kind = Literal["corruption", "dataset", "architecture", "objective", "series"]
KINDS: tuple[Kind, ...] = ("corruption", "dataset", "architecture", "objective", "series")


class Options(BaseModel):
    """The base of every plugin's options: frozen, no unknown fields.

    Give every field a default, a range and a description with its unit; the class's docstring is what
    the user reads in lists and forms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _names_are_known(cls, value: object) -> object:
        """A misspelt option is answered with the nearest one; pydantic alone would only refuse it."""
        for name in value if isinstance(value, dict) else ():
            if name not in cls.model_fields:
                text = f"there is no option {name!r} here. {choices(str(name), cls.model_fields)}"
                raise PydanticCustomError("unknown_option", "{text}", {"text": text})
        return value


@dataclass(frozen=True)
class Strength:
    """The option that says how strongly a corruption acts.

    Attributes:
        option: The option's name.
        identity: The value at which nothing happens, or None if there is none.
        low: The weakest sensible value.
        high: The strongest sensible value.
    """

    option: str
    identity: float | None
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One corruption, dataset, architecture or objective.

    The function's signature depends on the kind:

    ============  ====================================================================
    corruption    ``(x, options, *, generator) -> Tensor | (Tensor, touched)``
    dataset       ``(options, *, cache) -> Splits``
    architecture  ``(options, *, input_shape, output_shape) -> Autoencoder``
    objective     ``(options, corruptor) -> Objective``
    ============  ====================================================================

    Attributes:
        name: What the user writes; unique within its kind.
        options: The class of its options.
        function: What it does.
        shapes: Which samples it takes (a dataset: gives).
        random: Corruption: whether it draws random numbers.
        unbiased: Corruption: whether E[corrupted] = clean, or a function of the options that says so.
        strength: Corruption: the option that says how strongly it acts.
        per_image: Corruption: whether that option may be a ``(B, 1, 1, 1)`` tensor.
        host: Corruption: whether it must run on the CPU, or a function of the options that says so.
        composite: Corruption: whether its options name other corruptions; then it cannot stand inside another.
        bounded: Whether all values lie in ``[0, 1]``, or a function of the options that says so. Architecture: those it
            restores; dataset of points: its own (those of images do by rule); objective: whether it takes no others.
        output_shape: Corruption: ``(input_shape, options) -> shape``; None keeps the shape. Raises
            ValueError for a shape it cannot take.
        sample_shape: Dataset: ``(options) -> shape`` of one training sample, known before loading.
        classes: Dataset: the number of classes, or None.
        fingerprint: Dataset made of a user's files: ``(options) -> str``, another text when they changed.
        download_bytes: Dataset: the room it needs in the data folder.
        demands: Objective: ``(options, corruptor) -> None``; raises ValueError for corruptions it
            cannot learn from.
    """

    name: str
    options: type[Options]
    function: Callable[..., Any]
    shapes: Literal["images", "points", "any"] = "any"
    random: bool = False
    unbiased: bool | Callable[[Any], bool] = False
    strength: Strength | None = None
    per_image: bool = False
    host: bool | Callable[[Any], bool] = False
    composite: bool = False
    bounded: bool | Callable[[Any], bool] = False
    output_shape: "Callable[[Shape, Any], Shape] | None" = None
    sample_shape: "Callable[[Any], Shape] | None" = None
    classes: int | None = None
    fingerprint: Callable[[Any], str] | None = None
    download_bytes: int = 0
    demands: Callable[[Any, Any], None] | None = None

    @property
    def summary(self) -> str:
        """One line about it: the first line of the options' docstring."""
        return (self.options.__doc__ or "").strip().split("\n")[0]

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

    def takes(self, shape: "Shape") -> bool:
        """Whether it can be used with samples of this shape."""
        images = len(shape) == 3
        return self.shapes == "any" or (self.shapes == "images") == images
