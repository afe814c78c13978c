"""Whether a store, its databases, its runs and the installation are in order; and mending what can be mended.

Each check is a function that looks, and says what it found; those that can mend carry what to do.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from packaging.requirements import Requirement

from .. import cookbook
from ..relocation import moved_from, relocate
from ..store import Store
from . import record, up
from .parts import end_all


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: What was looked at.
        good: Whether it is in order.
        said: What was found, in a sentence.
        mend: What sets it right, and says what it did; None where only the user can.
    """

    check: str
    good: bool
    said: str
    mend: Callable[[], str] | None = None


def examine(store: Store) -> Iterator[Finding]:
    """Every check, in the order in which mending makes sense."""
    for look in (
        _versions,
        _room,
        _studio,
        _strays,
        _databases,
        _moved,
        _plugins,
        _recipes,
        _locks,
        _checkpoints,
        _device,
        _runs,
    ):
        yield look(store)


def _versions(store: Store) -> Finding:
    wrong = []
    for line in requires("daecore") or []:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted.name} is {found}, wanted {wanted.specifier}")
    advice = " Install again: pip install -c constraints.txt -e ."
    return Finding("versions", not wrong, "; ".join(wrong) + advice if wrong else "as pyproject.toml asks")


def _room(store: Store) -> Finding:
    usage = psutil.disk_usage(str(store.root))
    return Finding("room", usage.free > 1e9, f"{usage.free / 1e9:.1f} GB free on the disk of {store.root}")


def _studio(store: Store) -> Finding:
    studio = record.recorded(store.root)
    if studio is not None and studio.alive:
        return Finding("studio", True, f"up: {studio.prefect}, {studio.mlflow}")
    left = record.marked(studio.mark) if studio is not None else []
    if not left:
        return Finding("studio", True, "down; `dae up` starts it")
    said = f"down, and {len(left)} of its processes still live: {_named(left)}"
    return Finding("studio", False, said, lambda: f"ended {up.end_leftovers(store)} processes")


def _strays(store: Store) -> Finding:
    """Prefect servers that a `dae run` started for itself and left behind when it was killed."""
    left = [process for process in psutil.process_iter() if _stray(process, store)]
    said = f"{len(left)} servers of runs that are gone: {_named(left)}" if left else "no process was left behind"
    return Finding("processes", not left, said, (lambda: f"ended {end_all(left)} processes") if left else None)


def _stray(process: psutil.Process, store: Store) -> bool:
    try:
        environment = process.environ()
        ours = environment.get("PREFECT_HOME") == str(store.prefect) and record.MARK not in environment
        served = "prefect.server" in " ".join(process.cmdline())
        return ours and served and process.ppid() in (0, 1)
    except (psutil.Error, OSError):
        return False


def _databases(store: Store) -> Finding:
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


def _moved(store: Store) -> Finding:
    before = moved_from(store)
    if not before:
        return Finding("place", True, str(store.root))
    if record.running(store.root):
        return Finding("place", False, f"made in {before}; end `dae up`, then run this again")
    said = f"made in {before}, lies in {store.root} now"
    return Finding("place", False, said, lambda: f"set {relocate(store, before)} places right")


def _plugins(store: Store) -> Finding:
    from daecore.registry import registry

    broken = [f"{item.entry}: {item.reason}" for item in registry().broken]
    missing = restart_needed(store)
    said = f"{len(registry().extensions)} extensions"
    if broken:
        said += f"; broken: {'; '.join(broken)}"
    if missing:
        said += f"; {missing}"
    return Finding("plugins", not broken and not missing, said)


def _recipes(store: Store) -> Finding:
    from daecore.errors import InputError
    from daecore.experiment import parse

    own, wrong = sorted((store.root / "recipes").glob("*.yaml")), []
    for path in own:
        if path.stem in {built_in.stem for built_in in cookbook.FOLDER.glob("*.yaml")}:
            wrong.append(f"{path.name} has a built-in's name and is not used; rename it")
        try:
            parse(cookbook.mapping(str(path), []))
        except InputError as error:
            wrong.append(f"{path.name}: {error}")
    return Finding("recipes", not wrong, "; ".join(wrong) or f"{len(own)} of your own in {store.root / 'recipes'}")


def restart_needed(store: Store) -> str:
    """A sentence if the studio that is up serves other plugins than the installed ones; else empty."""
    from daecore.registry import registry

    serving = up.served(store) if record.running(store.root) else None
    if serving is None:
        return ""
    now = {f"{kind} {name}": item.provenance.digest for (kind, name), item in registry().extensions.items()}
    changed = sorted(name for name in now.keys() | serving.keys() if now.get(name) != serving.get(name))
    if not changed:
        return ""
    return f"the studio was started before {', '.join(changed)} changed; end `dae up` and start it again"


def _locks(store: Store) -> Finding:
    held = []
    for path in sorted((store.root / "locks").glob("*.lock")):
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
            lock.release()
        except Timeout:
            held.append(path.stem)
    return Finding("locks", True, f"held by living processes: {', '.join(held)}" if held else "none is held")


def _checkpoints(store: Store) -> Finding:
    kept = list((store.root / "checkpoints").glob("*.safetensors"))
    damaged = list((store.root / "checkpoints").glob("*.damaged"))
    said = f"{len(kept)} of trainings that were stopped on their way"
    if not damaged:
        return Finding("checkpoints", True, said)
    return Finding("checkpoints", False, f"{said}; {len(damaged)} damaged", lambda: _remove(damaged))


def _remove(paths: list[Path]) -> str:
    for path in paths:
        path.unlink(missing_ok=True)
    return f"removed {len(paths)} files"


def _device(store: Store) -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("device", True, f"CPU, {len(os.sched_getaffinity(0))} cores; torch sees no CUDA device")
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return Finding("device", True, ", ".join(names))


def _runs(store: Store) -> Finding:
    if not store.database.is_file():
        return Finding("runs", True, "none yet")
    if moved_from(store):
        return Finding("runs", False, "not looked at before the place is set right: run `dae doctor --fix`")
    from .. import tracking

    tracking.prepare(store)
    dead = [run for run in tracking.runs("attributes.status = 'RUNNING'") if not tracking.alive(run)]
    open_ones = _said_to_run(store)
    if not dead and not open_ones:
        return Finding("runs", True, "none is said to be under way whose process is gone")
    said = f"{len(dead)} said to be under way in MLflow whose process is gone; {open_ones} open in Prefect"
    return Finding("runs", not dead and bool(record.running(store.root)), said, lambda: _reconcile(store))


def _said_to_run(store: Store) -> int:
    """How many flow runs Prefect's database calls running, pending, being cancelled or crashed."""
    path = store.prefect / "prefect.db"
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'flow_run'").fetchone()
        query = "SELECT count(*) FROM flow_run WHERE state_type IN ('RUNNING', 'PENDING', 'CANCELLING')"
        return int(connection.execute(query).fetchone()[0]) if there else 0


def _reconcile(store: Store) -> str:
    from .reconciliation import reconcile

    said = reconcile(store, only_runner=record.running(store.root) is None)
    return "; ".join(said) or "nothing was left to do"


def _named(processes: list[psutil.Process]) -> str:
    return ", ".join(f"{process.name()} {process.pid}" for process in processes)
