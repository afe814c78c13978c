"""The studies of the lecture, a module each, in the lecture's order; each module's `STUDY` is the value."""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..study import Study

IDS: tuple[str, ...] = (
    "arc",
    "erasure",
    "blur",
    "block",
    "matrix",
    "gap",
    "n2n",
    "superres",
    "information",
    "objectives",
    "filters",
)


def study(name: str) -> "Study":
    """The study of this name; only its own module is loaded."""
    found: Study = import_module(f"{__name__}.{name}").STUDY
    return found


def selected(only: Sequence[str]) -> list[str]:
    """The studies' ids in the lecture's order.

    Raises:
        InputError: There is no such study.
    """
    from daecore.errors import InputError, choices

    unknown = [name for name in only if name not in IDS]
    if unknown:
        raise InputError(f"There is no study called {unknown[0]!r}. {choices(unknown[0], IDS)}")
    return [name for name in IDS if name in only or not only]
