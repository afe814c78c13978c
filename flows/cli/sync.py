"""`dae sync`: tell MLflow what runs had to tell while it was away."""

import sys

import typer

from ..store.store import Store
from .folders import DEFAULT_DATA, DEFAULT_STORE, StoreFolder, store_at
from .runs import enter


def sync(store: StoreFolder = DEFAULT_STORE) -> None:
    """Tell MLflow what runs had to tell while it was away.

    What was told is not told twice, so that the command may be stopped and given again.
    """
    opened = store_at(store, DEFAULT_DATA)
    enter(opened)
    from ..store.tracking import MlflowAway

    try:
        kept = _tell(opened)
    except MlflowAway as error:
        print(f"dae: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if kept:
        raise typer.Exit(1)


def _tell(store: Store) -> int:
    """Tell it and say so; how many messages wait on."""
    from ..store import tracking
    from ..store.journal import journal_path, journals

    kept, found = 0, False
    for it in tracking.tell_left(store):
        found, kept = True, kept + it.kept
        if it.told:
            print(f"run {it.run_id}: {_messages(it.told)} told")
        if it.kept:
            where = journal_path(store.root, it.run_id)
            print(f"dae: {_messages(it.kept)} of run {it.run_id} wait on in {where}: {it.why}", file=sys.stderr)
    if not found:
        others = len(journals(store.root))
        one = "1 run that goes on tells MLflow by itself."
        several = f"{others} runs that go on tell MLflow by themselves."
        print((one if others == 1 else several) if others else "Nothing waits.")
    return kept


def _messages(count: int) -> str:
    return f"{count} message{'s' * (count != 1)}"
