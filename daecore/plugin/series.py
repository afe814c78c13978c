"""Series: several studies under one name, as a plugin declares them: a package, and in it a module for each study.

Knows names and where they lie. Loads no study, so that to list all series costs nothing.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from daecore.errors import InputError, PluginError, choices, quote
from daecore.plugin.extension import Extension, Kind
from daecore.plugin.options import Options
from daecore.plugin.source_digest import module_file

NAME = re.compile("[a-z][a-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Series(Extension):
    """Studies that belong together; their recipes lie beside them.

    Attributes:
        name: What `dae study` is told, the flow's parameter and the beginning of its recipes' names.
        title: The gallery's heading.
        ids: The studies in the order in which they are run, what ``--only`` names; each is a module (or a package) of
            the series' package with its value ``STUDY``.
        package: The full name of its package: ``__name__`` where the series is written in the package itself.
        module: The one module of its package that holds all studies, by id, in ``STUDIES``; empty: one for each.
        overview: The module of its package whose function ``overview`` makes one table of all studies; empty: none.
    """

    kind: ClassVar[Kind] = "series"

    title: str
    ids: tuple[str, ...]
    package: str
    module: str = ""
    overview: str = ""
    options: type[Options] = Options  # a series has none of its own

    def __post_init__(self) -> None:
        """Refuse what could not be named.

        Raises:
            PluginError: A name has another form, there is no study, or there are two of one id.
        """
        wrong = [name for name in (self.name, *self.ids) if not NAME.fullmatch(name)]
        if wrong:
            raise PluginError(
                f"{wrong[0]!r} can name no series and no study: write small letters, digits and underscores, beginning "
                "with a letter.",
                self.name,
            )
        twice = [name for name, count in Counter(self.ids).items() if count > 1]
        if twice or not self.ids:
            found = f"two studies of the id {twice[0]!r}" if twice else "no studies"
            said = f"The series {self.name!r} has {found}. Give it ids, each once: what --only names."
            raise PluginError(said, self.name)

    @property
    def summary(self) -> str:
        """One line about it."""
        return f"{self.title}."

    def select(self, only: Sequence[str]) -> list[str]:
        """The studies' ids in the series' order; all of them where ``only`` names none.

        Raises:
            InputError: There is no such study.
        """
        unknown = [name for name in only if name not in self.ids]
        if unknown:
            raise InputError(
                f"There is no study called {quote(unknown[0])} in the series {self.name!r}. "
                f"{choices(unknown[0], self.ids)}"
            )
        return [name for name in self.ids if name in only or not only]

    def module_of(self, study: str) -> str:
        """The full name of a study's module."""
        return f"{self.package}.{self.module or study}"

    @property
    def folder(self) -> Path:
        """Where its package lies.

        Raises:
            PluginError: It is no package.
        """
        file = module_file(self.package)
        if file is None or file.name != "__init__.py":
            raise PluginError(
                f"The series {self.name!r} says that its package is {self.package!r}, and there is no such package: "
                "write the series in a folder's __init__.py, with package=__name__.",
                self.name,
            )
        return file.parent

    def recipes(self) -> dict[str, Path]:
        """The recipes that its package brings, by name: each YAML file in its folders, ``<series>/<the file's stem>``.

        Raises:
            PluginError: Two files have one name.
        """
        found: dict[str, Path] = {}
        for path in sorted(self.folder.rglob("*.yaml"), key=lambda path: (path.stem, path)):
            other = found.setdefault(f"{self.name}/{path.stem}", path)
            if other != path:
                raise PluginError(
                    f"The series {self.name!r} brings two recipes called {self.name}/{path.stem}: "
                    f"{other.relative_to(self.folder)} and {path.relative_to(self.folder)}. Rename one.",
                    self.name,
                )
        return found
