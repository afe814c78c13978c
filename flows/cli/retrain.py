"""`dae retrain`: the flow `retrain`, watched as `dae run` is; then what was decided."""

import re
from collections.abc import Callable
from typing import Annotated, Any, cast

import typer

from ..store import recipes
from .folders import DEFAULT_DATA, DEFAULT_STORE, DataFolder, StoreFolder, store_at
from .readiness import prepare
from .recipes import Changes, Recipe, Threads, with_threads
from .watching import run_watched


def retrain(
    recipe: Recipe,
    changes: Changes = None,
    threads: Threads = None,
    incoming: Annotated[
        str, typer.Option("--incoming", metavar="DIR", help="Corrupted pictures as they come in: their noise counts.")
    ] = "",
    model: Annotated[str, typer.Option("--model", help="The registered model; by default retrained-TASK.")] = "",
    min_gain_db: Annotated[
        float, typer.Option("--min-gain-db", min=0, max=10, help="What the challenger's lead must exceed for certain.")
    ] = 0.1,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, max=10, help="Which relative change of the noise is let pass.")
    ] = 0.25,
    force: Annotated[bool, typer.Option("--force", help="Train although nothing has changed.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ignore what is cached and train anew.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Prefect's messages, and tracebacks.")] = False,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Train a challenger if data, experiment or incoming noise have changed, and let the better network be champion."""
    from daecore.paths import user_path

    overrides = with_threads(changes, threads)
    prepare(recipes.mapping(recipe, overrides), store_at(store, data))
    folder = str(user_path(incoming, "--incoming")) if incoming else ""
    _check(model, folder)
    asked = {
        "recipe": recipe, "overrides": tuple(overrides), "model": model, "incoming": folder,
        "min_gain_db": min_gain_db, "tolerance": tolerance, "force": force, "fresh": fresh,
    }  # fmt: skip
    print(run_watched(lambda: _load(asked), verbose=verbose))


def _check(model: str, folder: str) -> None:
    """Wrong names, found before Prefect and MLflow are started."""
    from daecore.errors import InputError

    from ..retraining.decision import MODEL
    from ..retraining.incoming import pictures_in

    if not re.fullmatch(MODEL, model):
        raise InputError(f"--model {model!r}: a registered model's name is made of letters, digits, '.', '_' and '-'.")
    if folder:
        pictures_in(folder)


def _load(asked: dict[str, Any]) -> Callable[[], str]:
    """What runs the flow: the decision for people, or why there was none to make."""
    from ..retraining.decision import Decision, card
    from ..retraining.flow import SKIPPED
    from ..retraining.flow import retrain as flow

    def run() -> str:
        state = flow(**asked, return_state=True)
        return f"Skipped: {state.message}." if state.name == SKIPPED else card(cast(Decision, state.result()))

    return run
