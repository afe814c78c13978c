"""What the shell proposes for a name: recipes, runs, plugins, datasets, series, studies.

A key was pressed and somebody waits: nothing is read but names of files and of entry points, and what series are.
"""

import re
from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import islice
from os import DirEntry, scandir
from pathlib import Path

import typer

from ..store.recipes import recipes as known_recipes
from ..store.recipes import summary
from .folders import DEFAULT_DATA, store_at

RUNS = 20  # newest first
RUN_ID = re.compile("[0-9a-f]{32}")


def recipes(incomplete: str) -> list[tuple[str, str]]:
    """The recipes that begin so, each with its line."""
    found = known_recipes().items()
    return [(name, summary(path)) for name, path in found if name.startswith(incomplete)]


def runs(context: typer.Context, incomplete: str) -> list[str]:
    """The ids of the newest whole runs that begin so, by their folders: to ask MLflow takes seconds."""
    there = _inside(store_at(context.params["store"], DEFAULT_DATA).artifacts.glob("*"))
    ours = (one for one in there if one.name.startswith(incomplete) and RUN_ID.fullmatch(one.name))
    newest = nlargest(20 * RUNS, ours, key=lambda one: one.stat().st_mtime)
    whole = (one.name for one in newest if Path(one.path, "artifacts", "report.json").is_file())
    return list(islice(whole, RUNS))


def plugins(incomplete: str) -> list[str]:
    """The plugins that begin so, as their packages name them."""
    return sorted(name for name in _plugins() if name.startswith(incomplete))


def datasets(incomplete: str) -> list[str]:
    """Those of them that lie among datasets."""
    modules = _plugins().items()
    return sorted(name for name, module in modules if name.startswith(incomplete) and ".datasets." in module)


def series(incomplete: str) -> list[tuple[str, str]]:
    """The series of studies that begin so, each with its title."""
    from daecore.plugin.registry import find_series, series_registry

    names = series_registry().names("series")
    return [(name, find_series(name).title) for name in names if name.startswith(incomplete)]


def studies(context: typer.Context, incomplete: str) -> list[str]:
    """The studies of the series that the line names; after a comma, further ones."""
    from daecore.plugin.registry import find_series, series_registry

    before, comma, last = incomplete.rpartition(",")
    known = series_registry().names("series")
    # The line is not whole: an option without its value keeps what came before from becoming a parameter.
    named = [name for name in (context.params.get("series"), *context.args) if name in known]
    ids = [one for name in named[:1] for one in find_series(name).ids]
    return [f"{before}{comma}{one}" for one in ids if one.startswith(last) and one not in before.split(",")]


def _plugins() -> dict[str, str]:
    from daecore.entry_points import find_points

    return {point.name: point.value for point in find_points("daecore.plugins").points}


def _inside(folders: Iterable[Path]) -> Iterator[DirEntry[str]]:
    for folder in folders:
        if folder.is_dir():
            with scandir(folder) as entries:
                yield from entries
