"""What a store holds after a command has come to its end: what was computed, and what must not be left.

It reads databases and files itself, so that the code under test does not vouch for itself.
"""

import fcntl
import hashlib
import json
import re
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
from safetensors.numpy import load_file

TIMED = ("seconds", "images_per_second", "system/")  # metrics whose values no two runs have in common
EPOCHS = ("epoch_seconds", "images_per_second")  # those that every epoch has once
PICTURE = re.compile(r"(.+)\+step\+(\d+)\+timestamp\+.+\.png")  # as MLflow's page reads its name
POINTS = "select key, step, value, is_nan from metrics where run_uuid = ? order by key, step, timestamp, value"
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")
PATIENCE_SECONDS = 60  # for servers and runners that end by themselves

Computed = Counter[str]


def computed(store: Path) -> Computed:
    """Every finished run as a line: its stage, its key, its figures, its pictures, its weights; how often each.

    Of what a clock has measured it is only compared that each epoch has it, and once.
    """
    with closing(_database(store / "mlflow.db")) as database:
        rows = database.execute("select run_uuid, name from runs where status = 'FINISHED'").fetchall()
        return Counter(_line(database, store, run, name) for run, name in rows)


def _line(database: sqlite3.Connection, store: Path, run: str, name: str) -> str:
    tags = dict(database.execute("select key, value from tags where run_uuid = ?", (run,)).fetchall())
    figures = [
        (key, step, None if _timed(key) else "nan" if is_nan else value)
        for key, step, value, is_nan in database.execute(POINTS, (run,))
        if not _timed(key) or key in EPOCHS
    ]
    weights = json.loads(tags["dae.model"])["weights"] if "dae.model" in tags else None
    digest = _digest(store / weights["path"]) if weights else ""
    return json.dumps([tags.get("stage", ""), name, tags.get("dae.key", ""), figures, digest, _pictures(store, run)])


def _pictures(store: Path, run: str) -> list[tuple[str, int]]:
    """Those of the grid of images: which, and of which epoch."""
    found = (PICTURE.fullmatch(path.name) for path in (store / "artifacts").glob(f"*/{run}/artifacts/images/*.png"))
    return sorted((it[1], int(it[2])) for it in found if it)


def _digest(path: Path) -> str:
    """Of the weights, bit by bit, and not of the file: safetensors writes its header in any order."""
    tensors = load_file(path)
    return hashlib.sha256(b"".join(name.encode() + tensors[name].tobytes() for name in sorted(tensors))).hexdigest()


def _timed(key: str) -> bool:
    return any(word in key for word in TIMED)


def differences(reference: Computed, found: Computed, *, anew: bool = False) -> list[str]:
    """What is missing, different or doubled in a store, beside one in which nothing happened.

    A run that has no key is an attempt: whoever gives the command twice has two. So is a sweep that says itself that
    trials crashed, which the same command then ran again.

    Args:
        reference: What that one holds.
        found: What the other one holds.
        anew: Whether something may have been computed again, to the same end.
    """
    missing = [f"missing: {_short(line)}" for line in reference if line not in found]
    other = [f"different: {_short(line)}" for line in found if line not in reference and not _says_it_crashed(line)]
    steps = [line for line in found if json.loads(line)[2]]  # what has no key is an attempt
    doubled = [] if anew else [f"doubled: {_short(line)}" for line in steps if 0 < reference[line] < found[line]]
    return missing + other + doubled


def _says_it_crashed(line: str) -> bool:
    _, _, key, figures, *_ = json.loads(line)
    return not key and any(name == "trials.crashed" and value > 0 for name, _, value, *_ in figures)


def _short(line: str) -> str:
    stage, name, key, figures, digest, pictures = json.loads(line)
    seen = f"{len(figures)} figures {figures[:2]}, {len(pictures)} pictures {pictures[:2]}"
    return f"{stage} {name!r} {key[:8]} of {seen}, weights {digest[:8]}"


def left_behind(store: Path, temporary: Path) -> list[str]:
    """What a store, its processes and their folder for temporary files should not hold any more."""
    found = [f"process {process}" for process in _processes_after_patience(store)]
    found += [f"RUNNING in MLflow: {name}" for name in _running(store)]
    found += [f"{state} in Prefect: {name}" for name, state in _not_ended(store)]
    found += [f"locked: {path.name}" for path in (store / "locks").glob("*.lock") if not _free(path)]
    found += [f"temporary: {path.relative_to(store)}" for path in store.rglob(".*")]
    found += [f"in the folder for temporary files: {path.name}" for path in temporary.iterdir()]
    return found + [
        f"kept: {path.relative_to(store)}" for it in ("checkpoints", "journal") for path in _files(store / it)
    ]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _processes_after_patience(store: Path) -> list[str]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := processes(store)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return [" ".join(process.cmdline())[:200] for process in found]


def processes(store: Path) -> list[psutil.Process]:
    """Every process that works on a store."""
    return [process for process in psutil.process_iter() if _works_on(process, store)]


def _works_on(process: psutil.Process, store: Path) -> bool:
    try:
        lives = process.status() != psutil.STATUS_ZOMBIE
        return lives and process.environ().get("DAE_STORE") == str(store)
    except (psutil.Error, OSError):
        return False


def _running(store: Path) -> list[str]:
    with closing(_database(store / "mlflow.db")) as database:
        return [
            name
            for (name,) in database.execute(
                "select name from runs where status not in ('FINISHED', 'KILLED', 'FAILED')"
            )
        ]


def _not_ended(store: Path) -> list[tuple[str, str]]:
    with closing(_database(store / "prefect" / "prefect.db")) as database:
        marks = ", ".join("?" * len(ENDED))
        asked = f"select name, state_type from flow_run where state_type is null or state_type not in ({marks})"
        return database.execute(asked, ENDED).fetchall()


def _free(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _database(path: Path) -> Any:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
