"""`dae run` and `dae rerun`: wrong input is found before anything starts; then the flow, watched; then the report."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..store import recipes
from ..store.files import write_atomically
from ..store.store import Store
from . import completion
from .folders import DEFAULT_DATA, DEFAULT_STORE, DataFolder, StoreFolder, store_at
from .readiness import prepare, require_room, writable
from .recipes import Changes, Recipe, Threads, with_threads
from .runs import enter
from .watching import run_watched

if TYPE_CHECKING:
    from daecore.experiment.experiment import Experiment

    from ..store.final_report import Reported

Output = Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Write the report as JSON, too.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Ignore what is cached and train anew.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show Prefect's messages, and tracebacks.")]
AllowChangedPlugins = Annotated[
    bool, typer.Option("--allow-changed-plugins", help="Run it with other plugins than it was made with.")
]


def run(
    recipe: Recipe,
    changes: Changes = None,
    threads: Threads = None,
    fresh: Fresh = False,
    report: Output = None,
    allow_changed_plugins: AllowChangedPlugins = False,
    verbose: Verbose = False,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Run an experiment: corrupt, train, restore, measure, transfer; then report.

    The same command again takes finished stages from the cache, and goes on with a training that was stopped.
    """
    opened = store_at(store, data)
    experiment = named_experiment(recipe, with_threads(changes, threads), opened, allow=allow_changed_plugins)

    def load() -> Callable[[], "Reported"]:
        from ..pipeline import denoise

        return partial(denoise, **experiment.model_dump(mode="json"), recipe=recipe_name(recipe), fresh=fresh)

    watch_and_report(load, opened, report, verbose=verbose)


def rerun(
    of: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run's id, the beginning of it, its name, or models:/NAME@ALIAS.",
            autocompletion=completion.runs,
        ),
    ],
    changes: Changes = None,
    threads: Threads = None,
    fresh: Fresh = False,
    report: Output = None,
    allow_changed_plugins: AllowChangedPlugins = False,
    verbose: Verbose = False,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Run an earlier run's experiment again, with changes or as it was; then report as `dae run` does."""
    opened = store_at(store, data)
    enter(opened)
    from ..rerun import repeat
    from ..store.lookup import find_run

    overrides = tuple(with_threads(changes, threads))
    found = find_run(of)
    require_room(repeat(found, overrides, allow_changed_plugins=allow_changed_plugins), opened)

    def load() -> Callable[[], "Reported"]:
        from .. import rerun as rerunning

        return partial(rerunning.rerun, found.info.run_id, overrides, allow_changed_plugins, fresh)

    watch_and_report(load, opened, report, verbose=verbose)


def named_experiment(
    recipe: str,
    changes: list[str],
    opened: Store,
    *,
    allow: bool,
    check: Callable[["Experiment"], object] | None = None,
) -> "Experiment":
    """The experiment that a command names, checked without data, Prefect and MLflow; the store, entered.

    Args:
        recipe: A recipe, a YAML file, or a run's report.
        changes: As ``--set`` gives them.
        opened: The store.
        allow: Whether a report's plugins may differ from the installed ones.
        check: What else must hold.

    Raises:
        InputError: It cannot be run.
        StoreError: The store cannot be written, or there is too little room.
    """
    recorded = recipes.plugins(recipe)
    if recorded:
        from daecore.experiment.provenance import require_same

        require_same(recorded, f"The run of {recipe}", allow=allow)
    return prepare(recipes.mapping(recipe, changes), opened, check)


def recipe_name(recipe: str) -> str:
    """What a run says of the recipe it came from."""
    return Path(recipe).stem if recipe.endswith(".yaml") else recipe


def watch_and_report(
    load: Callable[[], Callable[[], "Reported"]], opened: Store, report: Path | None, *, verbose: bool
) -> None:
    """Watch a flow that ends in a report, write it where the user wants it, and print it."""
    from daecore.paths import user_path

    if report is not None:
        writable(report, "--report")
    ended = run_watched(load, verbose=verbose)
    from ..store.final_report import final_report
    from .summary import print_summary

    final = final_report(ended, opened).model_dump(mode="json")
    if report is not None:
        write_atomically(user_path(report, "--report"), json.dumps(final, indent=2) + "\n")
    print_summary(final, opened)
