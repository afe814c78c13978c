"""`dae sync`: tell MLflow what runs had to tell while it was away."""

import sys

import typer

from .folders import DEFAULT_DATA, DEFAULT_STORE, StoreFolder, store_at
from .runs import enter


def sync(store: StoreFolder = DEFAULT_STORE) -> None:
    """Tell MLflow what runs had to tell while it was away.

    What was told is not told twice, so that the command may be stopped and given again.
    """
    opened = store_at(store, DEFAULT_DATA)
    enter(opened)
    from ..store import tracking

    told = 0
    try:
        for run_id, count in tracking.tell_left(opened):
            told += 1
            print(f"run {run_id}: {count} message{'s' * (count != 1)} told")
    except tracking.MlflowAway as error:
        print(f"dae: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if not told:
        print("Nothing waits.")
