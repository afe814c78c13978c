"""Migrations: how a store that an older version made becomes one of this version, a step for each layout.

They are written down here when `layout.LAYOUT` is raised, oldest first. Layouts 1 and 2 were never released, and have
none. Whoever carries one out copies the databases first.
"""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .files import write_atomically
from .layout import FILE, found_layout
from .store import Store

COPIES = "copies"  # a folder in the store


@dataclass(frozen=True)
class Migration:
    """One step.

    Attributes:
        before: The layout it begins with; it ends with the next one.
        what: What it changes, in a few words.
        carry_out: Does it, on a store that nobody uses; again, where it was stopped on its way.
    """

    before: int
    what: str
    carry_out: Callable[[Store], object]


MIGRATIONS: tuple[Migration, ...] = ()


def pending(store: Store) -> list[Migration]:
    """The steps that bring a store up to date; none where it is, or where there is no way."""
    from . import layout

    steps = {step.before: step for step in MIGRATIONS}
    missing = range(found_layout(store.root, store.database), layout.LAYOUT)
    return [steps[number] for number in missing] if all(number in steps for number in missing) else []


def migrate(store: Store, steps: list[Migration]) -> Path:
    """Carry out some steps, each written down when it is done; where the databases were copied to before.

    Raises:
        OSError: The disk has no room.
    """
    copied = copy_databases(store, f"layout-{steps[0].before}")
    for step in steps:
        step.carry_out(store)
        write_atomically(store.root / FILE, f"{step.before + 1}\n")
    return copied


def copy_databases(store: Store, why: str) -> Path:
    """Copy the databases of a store, and what says which layout it has; the folder of the copies.

    Args:
        store: A store of its own; a shared one has its databases elsewhere.
        why: For the folder's name.
    """
    folder = store.root / COPIES / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{why}"
    folder.mkdir(parents=True, mode=0o700)
    for path in _databases(store):
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(folder / path.name)) as target:
            source.backup(target)
    if (store.root / FILE).is_file():
        shutil.copy(store.root / FILE, folder)
    return folder


def _databases(store: Store) -> Iterator[Path]:
    yield from (path for path in (store.database, store.prefect / "prefect.db") if path.is_file())
