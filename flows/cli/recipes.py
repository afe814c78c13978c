"""`dae recipes` and `dae show`: the experiments that come with the project."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..store import recipes
from . import completion
from .markup import plain

Recipe = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE|FILE", help="A recipe, a YAML file, or a run's report.json.", autocompletion=completion.recipes
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="SECTION.OPTION=VALUE", help="Change one option, e.g. training.epochs=3; repeatable."
    ),
]

Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, max=1024, metavar="N",
        help="CPU threads of every training; else as many as pay and are free, or as it was begun with.",
    ),
]  # fmt: skip


def with_threads(changes: list[str] | None, threads: int | None) -> list[str]:
    """The changes of an experiment, with the number of threads that the user names."""
    return [*(changes or []), *([] if threads is None else [f"training.threads={threads}"])]


def list_recipes() -> None:
    """List the complete experiments that come with the project."""
    Console().print(recipe_table(recipes.recipes()))


def recipe_table(found: Mapping[str, Path]) -> Table:
    """A row for each recipe: its name and its first comment, which is its author's and no markup."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, path in found.items():
        table.add_row(plain(name), plain(recipes.summary(path)))
    return table


def show(recipe: Recipe, changes: Changes = None) -> None:
    """Print a whole experiment as YAML, every option spelt out."""
    from daecore.experiment.experiment import parse

    print(parse(recipes.mapping(recipe, changes or [])).dump(), end="")
