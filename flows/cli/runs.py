"""The runs of a store: list them, remove one, free room."""

import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..store.environment import ELSEWHERE
from ..store.store import Store
from ..store.verified import AT, VERDICT
from . import completion
from .folders import DEFAULT_DATA, DEFAULT_STORE, StoreFolder, format_size, store_at
from .markup import plain

if TYPE_CHECKING:
    from ..store.tracking import Run

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def list_runs(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print them as JSON: the same facts, under fixed names.")
    ] = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """List the last runs: name, state, gain, age."""
    enter(store_at(store, DEFAULT_DATA))
    from ..store import tracking

    found = tracking.runs(tracking.WHOLE, limit)
    if as_json:
        print(json.dumps([facts(run) for run in found], indent=2))
    else:
        print_runs(Console(), found)


def facts(run: "Run") -> dict[str, Any]:
    """What a list of runs says of one; None for what it does not know.

    Keys: ``run_id``, ``name``, ``state`` as MLflow calls it, ``restored_db`` and ``gain_db`` over the best baseline,
    means over the test samples, and ``started``, in UTC as ISO 8601 writes it; ``verified``, what `dae verify` said
    last, and ``verified_at``.
    """
    metrics, started = run.data.metrics, datetime.fromtimestamp(run.info.start_time / 1000, UTC)
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "state": run.info.status,
        "restored_db": metrics.get("restored_db"),
        "gain_db": metrics.get("gain_db.mean"),
        "started": started.isoformat(timespec="seconds"),
        "verified": run.data.tags.get(VERDICT),
        "verified_at": run.data.tags.get(AT),
    }


def print_runs(console: Console, runs: "list[Run]") -> None:
    """Print runs as a table: name, state, restored dB, gain, age."""
    table = Table("run", "name", "state", "restored", "gain", "age")
    for run in runs:
        said = facts(run)
        restored = "" if said["restored_db"] is None else f"{said['restored_db']:.2f} dB"
        gain = "" if said["gain_db"] is None else f"{said['gain_db']:+.2f} dB"
        age = _age(time.time() - run.info.start_time / 1000)
        table.add_row(run.info.run_id[:12], plain(said["name"]), said["state"], restored, gain, age)
    console.print(table)


def remove(
    run: Annotated[
        str, typer.Argument(help="A run's id, the beginning of it, or its name.", autocompletion=completion.runs)
    ],
    yes: YesOption = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring a removed run back, by its whole id.")] = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Remove a run and those of its trainings that no other run uses; `dae gc` then frees the room."""
    opened = store_at(store, DEFAULT_DATA)
    enter(opened)
    from ..store import removing
    from ..store.housekeeping import SERIES, STUDY
    from ..store.lookup import find_run

    if undo:
        for one in removing.bring_back(run):
            print(f"{one.info.run_id}  {one.info.run_name}")
        print("Brought back.")
        return

    found = removing.removable(find_run(run, stages=("denoise", STUDY, SERIES)))
    for one in found:
        print(f"{one.info.run_id}  {one.info.run_name}")
    if yes or typer.confirm("Remove these?"):
        gone = removing.remove(opened, found)
        left = f" {len(found) - len(gone)} of them are used by now, and stay." if len(gone) < len(found) else ""
        print(f"Removed.{left} Until `dae gc`, `dae rm --undo {found[0].info.run_id}` brings it back.")


def collect(
    keep: Annotated[int, typer.Option("--keep", min=0, help="The newest finished runs whose caches stay.")],
    yes: YesOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Free room: checkpoints, cached results and models that no kept run uses. Says how much before it deletes."""
    opened = store_at(store, DEFAULT_DATA)
    enter(opened)
    from ..store import housekeeping

    found = housekeeping.collectable(opened, keep)
    for reason in dict.fromkeys(item.reason for item in found):
        group = [item for item in found if item.reason == reason]
        print(f"{format_size(sum(item.bytes for item in group)):>12}  {len(group):5d} x {reason}")
    print(f"{format_size(sum(item.bytes for item in found)):>12}  in all")
    if found and not dry_run and (yes or typer.confirm("Delete them?")):
        gone = housekeeping.collect(opened, keep, found)
        left = f" {len(found) - len(gone)} of them are in use by now, and stay." if len(gone) < len(found) else ""
        print(f"Deleted.{left}")


def enter(store: Store) -> None:
    """Use a store that is there already: looking must not make one.

    Raises:
        InputError: It is not there.
    """
    from daecore.errors import InputError

    if not store.is_there and ELSEWHERE not in os.environ:
        raise InputError(
            f"There is no store in {store.root} yet. `dae run mnist-erasure` makes one; --store names another."
        )
    store.enter()
    from ..store import tracking

    tracking.prepare(store)
    tracking.reconcile()


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
