"""Series: several studies under one name, in their order: the lecture, for one.

Knows where each study's module lies. Does not conduct them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .study import Study, Table

NAMES = ("lecture", "features", "vincent")  # each a package beside this one, with its `SERIES`


@dataclass(frozen=True)
class Series:
    """Studies that belong together.

    Attributes:
        name: What the command, the flow and the gallery are called.
        title: The gallery's heading.
        ids: The studies, in the order in which they are conducted; what ``--only`` names.
        overview: The module of its package whose function ``overview`` makes one table of all studies; empty: none.
    """

    name: str
    title: str
    ids: tuple[str, ...]
    overview: str = ""

    @property
    def package(self) -> str:
        """The full name of its package."""
        return f"{__name__.split('.', maxsplit=1)[0]}.{self.name}"

    def module(self, name: str) -> str:
        """The full name of a study's module; its `STUDY` is the value."""
        return f"{self.package}.studies.{name}"

    def study(self, name: str) -> "Study":
        """The study of this id; only its own module is loaded."""
        found: Study = import_module(self.module(name)).STUDY
        return found

    def tables(self, experiments: Mapping[str, Mapping[str, Any]]) -> list["Table"]:
        """What is said of all studies together, from a report's ``experiments``."""
        return [import_module(f"{self.package}.{self.overview}").overview(experiments)] if self.overview else []

    def selected(self, only: Sequence[str]) -> list[str]:
        """The studies' ids in the series' order; all of them where ``only`` names none.

        Raises:
            InputError: There is no such study.
        """
        from daecore.errors import InputError, choices, quoted

        unknown = [name for name in only if name not in self.ids]
        if unknown:
            raise InputError(f"There is no study called {quoted(unknown[0])}. {choices(unknown[0], self.ids)}")
        return [name for name in self.ids if name in only or not only]


def series(name: str) -> Series:
    """The series of this name."""
    found: Series = import_module(f"{__name__.split('.', maxsplit=1)[0]}.{name}").SERIES
    return found
