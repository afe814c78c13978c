"""`dae lecture` and the other series of studies: all of one or some, and their gallery."""

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..store.files import write_atomically
from ..store.store import Store
from . import completion
from .places import DEFAULT_DATA, DEFAULT_STORE, DataFolder, StoreFolder, store_at
from .readiness import require_place, writable
from .recipes import Threads
from .run import Fresh, Output, Verbose
from .watching import watched_flow

if TYPE_CHECKING:
    from ..series.running import Told

Only = Annotated[
    str | None,
    typer.Option(
        "--only", metavar="ID,ID", help="Some of the studies, by their names.", autocompletion=completion.studies
    ),
]
Quick = Annotated[bool, typer.Option("--quick", help="Small budgets, the same pictures: minutes instead of hours.")]


def _command(name: str, says: str) -> Callable[..., None]:
    """The command of a series."""

    def command(
        only: Only = None,
        quick: Quick = False,
        threads: Threads = None,
        report: Output = None,
        fresh: Fresh = False,
        verbose: Verbose = False,
        store: StoreFolder = DEFAULT_STORE,
        data: DataFolder = DEFAULT_DATA,
    ) -> None:
        place = store_at(store, data)
        _tell(name, only, report, place, quick=quick, fresh=fresh, threads=threads or 0, verbose=verbose)

    command.__doc__ = says
    return command


def _tell(
    name: str,
    only: str | None,
    report: Path | None,
    place: Store,
    *,
    quick: bool,
    fresh: bool,
    threads: int,
    verbose: bool,
) -> None:
    """Run the series' flow, write its report, and say what was found."""
    names = _named(name, only)
    require_place(place)
    if report is not None:
        writable(report, "--report")

    def load() -> Callable[[], "Told"]:
        module = import_module(f"..{name}.flow", __package__)
        return partial(getattr(module, name), names, quick, fresh, threads)

    told = watched_flow(load, verbose=verbose, goes_on="with the experiment it was in")
    from ..series.running import report as reported

    found = reported(told, place)
    if report is not None:
        write_atomically(report.expanduser().resolve(), json.dumps(found, indent=2) + "\n")
    _print(told, found, place)
    if told.failed:
        raise typer.Exit(1)


def _named(name: str, only: str | None) -> tuple[str, ...]:
    """The studies that were asked for; none stands for all.

    Raises:
        InputError: There is no such study, or the list is empty.
    """
    from daecore.errors import InputError

    from ..series.series import series

    told = series(name)
    if only is None:
        return ()
    names = [it.strip() for it in only.split(",") if it.strip()]
    if not names:
        raise InputError(f"--only {only!r} names no study; leave it out for all of them. Known: {', '.join(told.ids)}.")
    return tuple(told.selected(names))


def _print(told: "Told", found: dict[str, Any], place: Store) -> None:
    """A line per study, what all together say, what failed, and where the page lies."""
    from ..series.series import series

    console = Console()
    table = Table("study", "figures", "seconds now", "seconds when made", box=None, padding=(0, 2, 0, 0))
    for name, item in found["experiments"].items():
        table.add_row(name, str(len(item["figures"])), f"{told.seconds[name]:.1f}", f"{item['seconds']:.1f}")
    console.print(table)
    for overview in series(told.series).tables(found["experiments"]):
        columns = Table(*overview.head, box=None, padding=(0, 2, 0, 0), title=overview.title, title_justify="left")
        for row in overview.rows:
            columns.add_row(*map(str, row))
        console.print("", columns)
    failed = [f"{name} failed: {why}" for name, why in told.failed.items()]
    for line in [*failed, "", f"gallery  {place.root / told.gallery}", f"MLflow   run {told.run_id}"]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


lecture = _command(
    "lecture",
    """Reproduce the lecture: every experiment with its picture and its numbers, and a gallery of them all.

    The same command again takes finished experiments from the cache, and goes on with one that was stopped.
    """,
)
vincent = _command(
    "vincent",
    """Classify the problems of Vincent et al. 2010 by stacked and convolutional denoising encoders, and their controls.

    The same command again takes finished cells of the table from the cache, and goes on with one that was stopped.
    """,
)
features = _command(
    "features",
    """Measure what denoising teaches the encoder: layer by layer, with few labels, and by which noise.

    The same command again takes what is finished from the cache, and goes on with what was stopped.
    """,
)
