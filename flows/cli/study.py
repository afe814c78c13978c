"""`dae study` and `dae studies`: a series of studies, all or some of them, and its gallery; which series there are."""

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..store.files import write_atomically
from ..store.store import Store
from . import completion
from .clusters import Cluster, name_cluster
from .folders import DEFAULT_DATA, DEFAULT_STORE, DataFolder, StoreFolder, store_at
from .markup import plain
from .plugins import origin, reason
from .readiness import require_usable_store, writable
from .recipes import Threads
from .run import Fresh, Output, Verbose
from .watching import run_watched

if TYPE_CHECKING:
    from ..studies.series import SeriesReport

Name = Annotated[
    str, typer.Argument(metavar="SERIES", help="As `dae studies` lists them.", autocompletion=completion.series)
]
Only = Annotated[
    str | None,
    typer.Option(
        "--only", metavar="ID,ID", help="Some of the studies, by their names.", autocompletion=completion.studies
    ),
]
Quick = Annotated[bool, typer.Option("--quick", help="Small budgets, the same pictures: minutes instead of hours.")]


def study(
    series: Name,
    only: Only = None,
    quick: Quick = False,
    threads: Threads = None,
    report: Output = None,
    fresh: Fresh = False,
    cluster: Cluster = None,
    verbose: Verbose = False,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Run a series of studies: every experiment with its picture and its numbers, and a gallery of them all.

    The same command again takes finished studies from the cache, and goes on with one that was stopped.
    """
    from daecore.paths import user_path

    opened, names = store_at(store, data), _find_studies(series, only)
    require_usable_store(opened)
    name_cluster(cluster)
    if report is not None:
        writable(report, "--report")

    def load() -> Callable[[], "SeriesReport"]:
        from ..studies.flow import study as flow

        return partial(flow, series, names, quick, fresh, threads or 0)

    found = run_watched(load, verbose=verbose, goes_on="with the experiment it was in")
    from ..studies.series import report as reported

    said = reported(found, opened)
    if report is not None:
        write_atomically(user_path(report, "--report"), json.dumps(said, indent=2) + "\n")
    _print(found, said, opened)
    if found.failed:
        raise typer.Exit(1)


def studies() -> None:
    """List the series of studies that are installed, the studies of each, and what is installed but broken."""
    from daecore.plugin.registry import find_series, series_registry

    table = Table("series", "what it is", "studies", "from", box=None, padding=(0, 2, 0, 0))
    registry = series_registry()
    for name in registry.names("series"):
        series = find_series(name)
        table.add_row(name, plain(series.title), ", ".join(series.ids), plain(origin(registry.find("series", name))))
    console = Console()
    console.print(table)
    for plugin in registry.broken:
        console.print(reason(plugin), style="red", markup=False, highlight=False, soft_wrap=True)


def _find_studies(name: str, only: str | None) -> tuple[str, ...]:
    """The studies that were asked for; none stands for all.

    Raises:
        InputError: There is no such series or study, or the list is empty.
    """
    from daecore.errors import InputError
    from daecore.plugin.registry import find_series

    series = find_series(name)
    if only is None:
        return ()
    names = [it.strip() for it in only.split(",") if it.strip()]
    if not names:
        known = ", ".join(series.ids)
        raise InputError(f"--only {only!r} names no study; leave it out for all of them. Known: {known}.")
    return tuple(series.select(names))


def _print(found: "SeriesReport", said: dict[str, Any], opened: Store) -> None:
    """A line per study, what all together say, what failed, and where the page lies."""
    from daecore.plugin.registry import find_series
    from daecore.study.series import overview_tables

    console = Console()
    table = Table("study", "figures", "seconds now", "seconds when made", box=None, padding=(0, 2, 0, 0))
    for name, item in said["experiments"].items():
        table.add_row(name, str(len(item["figures"])), f"{found.seconds[name]:.1f}", f"{item['seconds']:.1f}")
    console.print(table)
    for overview in overview_tables(find_series(found.series), said["experiments"]):
        columns = Table(*overview.head, box=None, padding=(0, 2, 0, 0), title=overview.title, title_justify="left")
        for row in overview.rows:
            columns.add_row(*map(plain, map(str, row)))
        console.print("", columns)
    failed = [f"{name} failed: {why}" for name, why in found.failed.items()]
    for line in [*failed, "", f"gallery  {opened.root / found.gallery}", f"MLflow   run {found.run_id}"]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
