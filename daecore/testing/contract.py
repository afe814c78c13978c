"""What a check is, what it looks at, and what it finds. Knows no particular check."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from daecore.data.batch_source import Shape
from daecore.errors import describe_error
from daecore.plugin.extension import Extension, SampleExtension
from daecore.plugin.options import Options

E_co = TypeVar("E_co", bound=Extension, covariant=True)
E_contra = TypeVar("E_contra", bound=Extension, contravariant=True)
IMAGES: tuple[Shape, ...] = ((1, 28, 28), (3, 28, 28), (1, 15, 21), (3, 9, 12))
POINTS: tuple[Shape, ...] = ((2,),)


class Violation(AssertionError):
    """A check failed: what was expected, what came, and how to mend it."""

    def __init__(self, expected: str, came: str, mend: str) -> None:
        super().__init__(f"Expected {expected}; {came}. {mend}")


class NotChecked(Exception):
    """A check could not be made, which is no fault of the extension."""


@dataclass(frozen=True)
class Subject(Generic[E_co]):
    """What is checked.

    Attributes:
        extension: The extension itself.
        options: The options it is checked with.
        cache: Where a dataset may keep its files.
    """

    extension: E_co
    options: Options
    cache: Path


def tried_shapes(subject: Subject[SampleExtension]) -> tuple[Shape, ...]:
    """Sample shapes an extension says it takes, of those a check tries."""
    return tuple(shape for shape in (*IMAGES, *POINTS) if subject.extension.takes(shape))


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: The fact that was checked.
        state: ``passed``, ``failed``, or ``not checked``.
        said: A figure, or what was expected, what came and how to mend it.
    """

    check: str
    state: Literal["passed", "failed", "not checked"]
    said: str


@dataclass(frozen=True)
class Check(Generic[E_contra]):
    """One fact about a subject: the function returns a figure to print, or raises."""

    fact: str
    function: Callable[[Subject[E_contra]], str | None]

    def find(self, subject: Subject[E_contra]) -> Finding:
        """Make the check; whatever a plugin raises becomes a finding."""
        try:
            return Finding(self.fact, "passed", self.function(subject) or "")
        except NotChecked as reason:
            return Finding(self.fact, "not checked", str(reason))
        except Violation as violation:
            return Finding(self.fact, "failed", str(violation))
        except Exception as error:
            return Finding(self.fact, "failed", f"Expected no error; it raised {describe_error(error)}")
