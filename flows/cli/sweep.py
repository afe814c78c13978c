"""`dae sweep`: many runs over a space of options; wrong input is found before anything is started."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..store import recipes
from ..store.store import Store
from .clusters import Cluster, name_cluster
from .folders import DEFAULT_DATA, DEFAULT_STORE, DataFolder, StoreFolder, store_at
from .readiness import prepare
from .recipes import Changes, Recipe, Threads, with_threads
from .run import Verbose
from .watching import run_watched

if TYPE_CHECKING:
    from ..sweep.plan import SweepPlan
    from ..sweep.trials import SweepRecord

METHODS = "grid: every combination; random: drawn; tpe: chosen by what came before."


def sweep(
    recipe: Recipe,
    space: Annotated[
        list[str] | None,
        typer.Option(
            "--space", metavar="SECTION.OPTION=VALUES",
            help="What is tried: 'training.epochs=[1, 2]' or 'training.learning_rate={low: 1.0e-4, high: 1.0e-2, log: "
            "true}'; repeatable.",
        ),
    ] = None,
    changes: Changes = None,
    threads: Threads = None,
    method: Annotated[str, typer.Option("--method", metavar="grid|random|tpe", help=METHODS)] = "grid",
    trials: Annotated[int, typer.Option("--trials", min=1, max=1000, help="Points that random and tpe try.")] = 20,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100, help="Runs of each point, for an interval.")] = 1,
    parallel: Annotated[
        int, typer.Option("--parallel", min=1, max=32, help="Runs at once; trainings on one device take turns.")
    ] = 1,
    measure: Annotated[
        str, typer.Option("--measure", help="validation_loss, restored_db, ssim, mse, error_percent.probe.100, ...")
    ] = "validation_loss",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws of random and tpe.")] = 0,
    cluster: Cluster = None,
    verbose: Verbose = False,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:  # fmt: skip
    """Run an experiment with many settings, and say which was best.

    The same command again goes on where it was stopped, and takes what is finished from the record.
    """
    name_cluster(cluster)
    opened = store_at(store, data)
    given: dict[str, Any] = {
        "recipe": recipe, "overrides": tuple(with_threads(changes, threads)), "space": tuple(space or ()),
        "method": method, "trials": trials, "seeds": seeds, "parallel": parallel, "measure": measure, "seed": seed,
    }  # fmt: skip
    asked = _plan(given, opened)
    _print(asked, run_watched(partial(_load, given), verbose=verbose, goes_on="where it was"))


def _load(given: Mapping[str, Any]) -> "Callable[[], SweepRecord]":
    """The flow, imported and ready to be called."""
    from ..sweep import flow as sweeping

    return partial(sweeping.sweep, **given)


def _plan(given: Mapping[str, Any], opened: Store) -> "SweepPlan":
    """What is asked, checked without data, Prefect and MLflow; the store, entered."""
    from daecore.errors import InputError, choices

    if given["method"] not in ("grid", "random", "tpe"):
        known = choices(given["method"], ("grid", "random", "tpe"))
        raise InputError(f"There is no method {given['method']!r}. {known}")
    base = prepare(recipes.mapping(given["recipe"], list(given["overrides"])), opened)
    from ..sweep.plan import plan

    return plan(base, *(given[name] for name in ("space", "method", "trials", "seeds", "measure", "seed")))


def _print(asked: "SweepPlan", record: "SweepRecord") -> None:
    """The table, the best, and where all of it lies."""
    from ..store import tracking
    from ..sweep import measures, sweep_report
    from ..sweep.search_space import labels

    console, names = Console(), labels(asked.paths)
    table = sweep_report.rows(asked, record)
    console.print(_table(table, names))
    said = [sweep_report.best_sentence(asked, record), measures.caution(asked.measure, asked.paths)]
    picture, csv, best = (
        tracking.artifact(record.run_id, name) for name in ("parallel_coordinates.png", "sweep.csv", "best.yaml")
    )
    told = [
        *filter(None, said),
        "",
        f"picture  {picture}",
        f"table    {csv}",
    ]
    told += [f"best     dae run {best}"] if best.is_file() else []
    for line in [*told, f"MLflow   run {record.run_id}"]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Table:
    """Every trial, in the order in which they were chosen."""
    columns = [name for name in rows[0] if name != "runs"]
    table = Table(*(names.get(name, name) for name in columns), box=None, padding=(0, 2, 0, 0))
    for row in rows:
        cells = ["" if row[name] is None else row[name] for name in columns]
        table.add_row(*(Text(f"{cell:.5g}" if isinstance(cell, float) else str(cell)) for cell in cells))
    return table
