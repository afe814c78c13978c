"""Extension: what every plugin ships, of whatever kind: a frozen value with a name, options and its source.

Knows what the kinds have in common, and how one that is put together wrongly says so. The kinds themselves, each with a
typed function and fields of its own, stand in `daecore.plugin.kinds`. Knows nothing of which plugins exist.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

from daecore.errors import PluginError, choices, quote
from daecore.plugin.options import Options

if TYPE_CHECKING:
    from daecore.data.batch_source import Shape  # its module needs PyTorch

NAME = re.compile("[A-Za-z][A-Za-z0-9_-]*")
Declared = TypeVar("Declared")
Kind = Literal["corruption", "dataset", "architecture", "objective", "metric", "series"]


def plural(kind: Kind) -> str:
    """Several of a kind, as hooks and messages call them; a kind may end in s, as a series."""
    return f"{kind.removesuffix('s')}s"


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One thing that a user can name: a `Corruption`, `Dataset`, `Architecture`, `Objective`, `Metric` or `Series`.

    Attributes:
        kind: What it is: what users and the registry call its class.
        name: What the user writes; unique within its kind.
        options: The class of its options.
        source: Where the idea was published, as BibTeX: one entry or several. `dae cite` prints them.
    """

    kind: ClassVar[Kind]

    name: str
    options: type[Options]
    source: str = ""

    def __new__(cls, **given: object) -> Self:
        """A field too many or too few is answered in the kind's own words; Python would only refuse it.

        Raises:
            PluginError: The fields are not those of this kind.
        """
        if given:  # a copy or an unpickled one brings its fields later
            _require_fields(cls, given)
        return super().__new__(cls)

    @property
    def summary(self) -> str:
        """One line about it: the first line of the options' docstring."""
        return (self.options.__doc__ or "").strip().split("\n")[0]


@dataclass(frozen=True, kw_only=True)
class SampleExtension(Extension):
    """An extension with a function that gives, takes or restores samples.

    Attributes:
        signature: What its function takes and gives, for messages.
        function: What it does; each kind says how it is called.
        shapes: Which samples it takes (a dataset: gives).
    """

    signature: ClassVar[str]

    function: Callable[..., Any]
    shapes: Literal["images", "points", "any"] = "any"

    def __post_init__(self) -> None:
        """Refuse what cannot be called.

        Raises:
            PluginError: It is no function.
        """
        if not callable(self.function):
            raise PluginError(
                f"The function of the {self.kind} {self.name!r} must be {self.signature}, got {quote(self.function)}. "
                "Give the function itself.",
                self.name,
            )

    def takes(self, shape: "Shape") -> bool:
        """Whether it can be used with samples of this shape."""
        images = len(shape) == 3
        return self.shapes == "any" or (self.shapes == "images") == images


def _require_fields(cls: type[Extension], given: Mapping[str, object]) -> None:
    """Refuse fields that this kind does not have, and the lack of those it needs."""
    named = given["name"] if isinstance(given.get("name"), str) else ""
    faults = [_NO_KIND] if cls in (Extension, SampleExtension) else list(_faults(cls, given))
    if faults:
        article = "An" if cls.__name__[0] in "AEIOU" else "A"
        who = f"The {cls.__name__} {named!r}" if named else f"{article} {cls.__name__} without a name"
        raise PluginError(f"{who} is put together wrongly: {' '.join(faults)}", str(named))


_NO_KIND = "it has no kind. Return from each hook what it registers: daecore.Corruption from register_corruptions."


def _faults(cls: type[Extension], given: Mapping[str, object]) -> Iterator[str]:
    """A sentence for a name that cannot be written, for each field too many, and one for all that are missing."""
    if "name" in given and not (isinstance(given["name"], str) and NAME.fullmatch(given["name"])):
        yield (
            "its name must be a word of letters, digits, hyphens and underscores that begins with a letter, got "
            f"{quote(given['name'])}."
        )
    known = {field.name: field for field in fields(cls)}
    for field in sorted(given.keys() - known.keys()):
        others = [plural(other.kind) for other in SampleExtension.__subclasses__() if field in _names(other)]
        have = f"; {' and '.join(others)} have" if others else ""
        yield f"{plural(cls.kind)} have no field {field!r}{have}. Leave it out. {choices(field, known)}"
    missing = [name for name, field in known.items() if field.default is MISSING and name not in given]
    if missing:
        function = f" The function is {cls.signature}." if issubclass(cls, SampleExtension) else ""
        yield f"it needs {' and '.join(missing)}, and only {', '.join(given)} came. Add what is missing.{function}"


def _names(cls: type[Extension]) -> list[str]:
    return [field.name for field in fields(cls)]


def declared_value(said: Declared | Callable[[Any], Declared], options: Any) -> Declared:
    """A property that is declared outright, or as a function of the options."""
    return said(options) if callable(said) else said
