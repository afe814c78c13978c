"""What happens to a command, or to its store, at some instant: each kind of fault, and how it is undone.

A fault is given the victim and its bench. It gives back what undoes it, or None where there was nothing to strike.
Nothing is simulated: processes are killed, disks are full, databases are locked.
"""

import errno
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Timer

import psutil
from victim import Bench, Victim

Undo = Callable[[], None] | None
DISK_BYTES = 320_000_000  # a new store asks for 200 MB
LOCKED_SECONDS = (2.0, 25.0)  # for how long somebody else holds a database
PIECE = b"\0" * 1_000_000


def nothing() -> None:
    """There is nothing to undo."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes:
        name: As the table has it.
        inject: What happens.
        own_disk: Whether its store must lie on a disk of its own.
        anew: Whether what was finished may have to be computed again.
    """

    name: str
    inject: Callable[[Bench, Victim, Random], Undo]
    own_disk: bool = False
    anew: bool = False


def _kill(processes: list[psutil.Process]) -> Undo:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return nothing if processes else None


def kill_process(bench: Bench, victim: Victim, rng: Random) -> Undo:
    """SIGKILL of the command alone: its server and its workers have to end by themselves."""
    return _kill(list(victim.tree())[:1])


def kill_tree(bench: Bench, victim: Victim, rng: Random) -> Undo:
    """SIGKILL of the command and all that it has begun."""
    return _kill(list(victim.tree()))


def kill_worker(bench: Bench, victim: Victim, rng: Random) -> Undo:
    """SIGKILL of a process that works for the command."""
    workers = victim.workers()
    return _kill([rng.choice(workers)] if workers else [])


def fill_disk(bench: Bench, victim: Victim, rng: Random) -> Undo:
    """No room is left on the store's disk."""
    ballast = bench.store / "ballast"
    with ballast.open("wb", buffering=0) as file:
        piece = PIECE
        while piece:
            try:
                file.write(piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece = piece[: len(piece) // 2]
    return ballast.unlink


def deny_writing(bench: Bench, victim: Victim, rng: Random) -> Undo:
    """Nothing in the store may be written any more."""
    before = {path: path.stat().st_mode & 0o7777 for path in (bench.store, *bench.store.rglob("*")) if path.exists()}
    for path, mode in before.items():
        with suppress(FileNotFoundError):
            path.chmod(mode & 0o555)

    def undo() -> None:
        for path, mode in before.items():
            with suppress(FileNotFoundError):
                path.chmod(mode)

    return undo


def delete_store(bench: Bench, victim: Victim, rng: Random) -> Undo:
    """The store is removed."""
    while bench.store.exists():
        shutil.rmtree(bench.store, ignore_errors=True)  # what is written meanwhile comes next

    def undo() -> None:
        shutil.rmtree(bench.store, ignore_errors=True)  # what was written into it later was never whole

    return undo


def move_store(bench: Bench, victim: Victim, rng: Random) -> Undo:
    """The store is renamed, and comes back when the command has ended."""
    away = bench.folder / "away"
    bench.store.rename(away)

    def undo() -> None:
        shutil.rmtree(bench.store, ignore_errors=True)
        away.rename(bench.store)

    return undo


def lock_database(bench: Bench, victim: Victim, rng: Random) -> Undo:
    """Somebody else writes into MLflow's database, or into Prefect's, for a while."""
    path = bench.store / rng.choice(["mlflow.db", "prefect/prefect.db"])
    if not path.exists():
        return None
    database = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
    database.execute("begin immediate")
    released = Timer(rng.uniform(*LOCKED_SECONDS), database.close)
    released.start()
    return released.join


KILLED = Fault("process killed", kill_process)
TREE = Fault("process and its children killed", kill_tree)
WORKER = Fault("worker killed", kill_worker)
UNDER_WAY = (
    Fault("disk full", fill_disk, own_disk=True),
    Fault("store made read-only", deny_writing),
    Fault("store deleted", delete_store, anew=True),
    Fault("store moved away and back", move_store),
    Fault("database locked", lock_database),
)


def records(store: Path) -> list[Path]:
    """The files that a later run believes: cached results, what they name, and networks."""
    found = [*(store / "results").rglob("*"), *(store / "artifacts").rglob("*.safetensors")]
    found += (store / "artifacts").rglob("*.json")
    return sorted(path for path in found if path.is_file() and not path.is_symlink() and path.stat().st_size > 0)


def alter(path: Path, rng: Random) -> None:
    """Change a byte."""
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= rng.randrange(1, 256)
    path.write_bytes(content)


def cut(path: Path, rng: Random) -> None:
    """Keep a part of it, or nothing."""
    os.truncate(path, rng.choice([0, rng.randrange(path.stat().st_size)]))


def swap(path: Path, rng: Random) -> None:
    """Exchange it with another one of its kind; one that is the only one is altered."""
    kind = f"*{path.suffix}" if path.suffix else "[0-9a-f]*"
    near = [other for other in path.parent.parent.rglob(kind) if other.is_file() and other.suffix == path.suffix]
    others = [each for each in near if each != path]
    if not others:
        alter(path, rng)
        return
    other = rng.choice(others)
    between = path.with_name("between")
    path.rename(between)
    other.rename(path)
    between.rename(other)


def link(path: Path, rng: Random) -> None:
    """Put a link to another file in its place."""
    target = rng.choice([Path("/etc/passwd"), path.with_name("nowhere"), path.parent])
    path.unlink()
    path.symlink_to(target)


def remove(path: Path, rng: Random) -> None:
    """Remove it."""
    path.unlink()


ALTERED = {"altered": alter, "cut": cut, "swapped": swap, "made a link": link, "removed": remove}


def mount(folder: Path) -> bool:
    """Put a small disk under a folder; whether this user may."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    return shutil.which("mount") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0


def unmount(folder: Path) -> None:
    """Take it away."""
    for _ in range(50):
        if subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.2)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
