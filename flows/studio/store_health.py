"""Whether a store is in order: its room, databases, paths, locks, checkpoints and runs; and mending it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psutil

from ..guard.peers import can_tell_users_apart
from ..store import studio_record
from ..store.journal import journals
from ..store.locks import FolderLock
from ..store.own_files import remove
from ..store.relocation import moved_from, relocate
from ..store.rights import open_to_others
from ..store.shared.advisory_lock import held_locks
from ..store.store import Store
from . import shared_health
from .finding import Finding


def room(store: Store) -> Finding:
    """Whether the disk has room."""
    usage = psutil.disk_usage(str(store.root))
    return Finding("room", usage.free > 1e9, f"{usage.free / 1e9:.1f} GB free on the disk of {store.root}")


def privacy(store: Store) -> Finding:
    """Whether nobody but its user can read the store, and its servers know who asks."""
    if found := open_to_others(store):
        seen = ", ".join(map(str, found))
        return Finding("privacy", False, f"others may read {seen}: somebody else's, or on a disk that keeps no rights")
    if not can_tell_users_apart():
        return Finding(
            "privacy", True, "nobody else may read the store; this system does not tell whom a server answers"
        )
    return Finding("privacy", True, "nobody else may read the store, or is answered by its servers")


def databases(store: Store) -> Finding:
    """Whether MLflow's and Prefect's databases are whole, and readers and writers do not block each other."""
    if store.shared is not None:
        return shared_health.database(store.shared)
    wrong, seen = [], []
    for path in (store.database, store.prefect / "prefect.db"):
        if not path.is_file():
            continue
        try:
            with closing(sqlite3.connect(path, timeout=30)) as connection:
                found = connection.execute("PRAGMA quick_check").fetchone()[0]
                mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        except sqlite3.DatabaseError as error:
            found, mode = str(error), "unreadable"
        seen.append(f"{path.name} ({path.stat().st_size / 1e6:.1f} MB, {mode})")
        if found != "ok":
            wrong.append(f"{path}: {found}. Restore it from a copy; the artifacts beside it are whole")
        elif path == store.database and mode != "wal":
            wrong.append(f"{path.name} is not in WAL mode: readers and writers would block each other")
    if not wrong:
        return Finding("databases", True, ", ".join(seen) or "none yet")
    damaged = any("Restore" in item for item in wrong)
    return Finding("databases", False, "; ".join(wrong), None if damaged else lambda: _write_ahead(store))


def _write_ahead(store: Store) -> str:
    with closing(sqlite3.connect(store.database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    return "switched to WAL mode"


def check_moved(store: Store) -> Finding:
    """Whether the store lies where it was made."""
    before = moved_from(store)
    if not before:
        return Finding("paths", True, str(store.root))
    if studio_record.running(store.root):
        return Finding("paths", False, f"made in {before}; end `dae up`, then run this again")
    said = f"made in {before}, lies in {store.root} now"
    return Finding("paths", False, said, lambda: f"set {relocate(store, before)} paths right")


def locks(store: Store) -> Finding:
    """Which locks are held; the kernel frees those of the dead."""
    held = [] if store.shared is None else held_locks(store.shared)
    for path in sorted((store.root / "locks").glob("*.lock")):
        with closing(FolderLock(path)) as lock:
            held += [] if lock.take() else [path.stem]
    return Finding("locks", True, f"held by living processes: {', '.join(held)}" if held else "none is held")


def checkpoints(store: Store) -> Finding:
    """Whether the checkpoints of stopped trainings can be read."""
    kept = [path for path in store.files.within(store.checkpoints) if path.suffix == ".safetensors"]
    damaged = list(store.checkpoints.glob("*.damaged"))
    said = f"{len(kept)} of trainings that were stopped on their way"
    if not damaged:
        return Finding("checkpoints", True, said)
    return Finding("checkpoints", False, f"{said}; {len(damaged)} damaged", lambda: _remove(damaged))


def _remove(paths: list[Path]) -> str:
    for path in paths:
        remove(path)
    return f"removed {len(paths)} files"


def runs(store: Store) -> Finding:
    """Whether a run is said to be under way whose process is gone."""
    if not store.is_there:
        return Finding("runs", True, "none yet")
    if moved_from(store):
        return Finding("runs", False, "not looked at before its paths are set right: run `dae doctor --fix`")
    from ..store import tracking

    tracking.prepare(store)
    dead = [run for run in tracking.runs("attributes.status = 'RUNNING'") if not tracking.alive(run)]
    open_ones = _said_to_run(store)
    if not dead and not open_ones:
        return Finding("runs", True, "none is said to be under way whose process is gone")
    said = f"{len(dead)} said to be under way in MLflow whose process is gone; {open_ones} open in Prefect"
    served = (
        store.shared is not None or studio_record.running(store.root) is not None
    )  # the open ones may well be living
    return Finding("runs", not dead and served, said, lambda: _reconcile(store))


def _said_to_run(store: Store) -> int:
    """How many flow runs Prefect's database calls running, pending or being cancelled."""
    if store.shared is not None:
        return shared_health.open_flow_runs(store.shared)
    path = store.prefect / "prefect.db"
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'flow_run'").fetchone()
        query = "SELECT count(*) FROM flow_run WHERE state_type IN ('RUNNING', 'PENDING', 'CANCELLING')"
        return int(connection.execute(query).fetchone()[0]) if there else 0


def _reconcile(store: Store) -> str:
    from ..reconcile.reconciliation import reconcile
    from .temporary_server import serving

    with serving():
        said = reconcile(store, only_runner=store.shared is None and studio_record.running(store.root) is None)
    return "; ".join(said) or "nothing was left to do"


def untold(store: Store) -> Finding:
    """Whether runs have something to tell MLflow that it was not there to hear; a living one tells it by itself."""
    found = journals(store.root)
    if not found:
        return Finding("journals", True, "MLflow was told all that runs had to tell")
    return Finding("journals", False, f"{len(found)} runs have more to tell MLflow than it has heard: `dae sync`")
