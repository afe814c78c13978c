"""Bringing a studio up: Prefect's server, MLflow's server, the runner of all deployments; watched, and ended together.

Loads neither Prefect nor MLflow: they run in processes of their own.
"""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ValidationError

from ..guard.public_door import Door
from ..store import studio_record
from ..store.locks import FolderLock
from ..store.owner import flow_processes, owned_by
from ..store.relocation import refuse_moved
from ..store.rights import protect
from ..store.schema_seen import is_seen
from ..store.store import Store
from ..store.studio_record import Studio
from . import prefect_server, schema_check
from .parts import (
    PATIENCE_SECONDS,
    SERVER_PROCESS,
    Part,
    answers,
    base_environment,
    end,
    end_all,
    start,
    wait,
)
from .ports import Ports
from .wish import Plan, Wish, plan

SERVERS = 2  # the first parts
COMING_UP_SECONDS = 180  # ten times what two cores need
PREFECT_SETTINGS = {
    # Runs that wait for another one are in a queue, and not late. Marking many at once also locks Prefect's database.
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    # By a relative address the page finds its interface at localhost, at 127.0.0.1, and through a tunnel.
    "PREFECT_SERVER_UI_API_URL": "/api",
}
HOST_IS_LOOKED_AT = {"MLFLOW_SERVER_ALLOWED_HOSTS": "*"}  # by the guard; other machines have names of their own
BACKEND = "MLFLOW_BACKEND_STORE_URI"  # every user of the machine reads a command line, and it may hold a password
MLFLOW_SETTINGS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@contextmanager
def up(store: Store, wish: Wish, say: Callable[[str], None]) -> Iterator[tuple[Studio, list[Part]]]:
    """A studio while the block runs; whatever ends the block, nothing it started stays behind.

    Args:
        store: Its store, entered.
        wish: Where it shall answer.
        say: Told what happens, a line at a time.

    Raises:
        InputError: A port is taken; or other machines are to be answered, and something is missing for that.
        StoreError: The store was moved, or another MLflow made its database.
        DaecoreError: A part did not come up.
    """
    left = end_leftovers(store)  # they may hold its ports
    if left:
        say(f"ended {left} processes that an earlier studio on this store had left behind")
    with Ports() as ports:
        yield from _up(store, plan(store, wish, ports))


def _up(store: Store, planned: Plan) -> Iterator[tuple[Studio, list[Part]]]:
    """The same, where it was planned."""
    refuse_moved(store)
    if store.is_there and not is_seen(store):
        _look_at_database()  # before a server changes what another MLflow has made
    studio, parts = planned.studio, list[Part]()
    studio_record.write(store.root, studio)
    try:
        with store.lock("database"):  # a command beside may be making it
            _write_ahead(store)
        protect(store)
        for made in _start(store, planned):
            parts.append(made)
        late = wait(parts[:SERVERS], COMING_UP_SECONDS) or wait(parts, COMING_UP_SECONDS)
        if late is not None:
            raise fallen(late)
        yield studio, parts
    finally:
        for again in (signal.SIGINT, signal.SIGTERM):  # a second one must not leave half of it behind
            signal.signal(again, signal.SIG_IGN)
        end_all(flow_processes(studio.mark), PATIENCE_SECONDS)  # while the servers can be told
        for part in reversed(parts):
            end(part)
        end_all(studio_record.marked_processes(studio.mark))
        studio_record.write(store.root, replace(studio, pid=0))


def watch(parts: list[Part], say: Callable[[str], None]) -> None:
    """Wait until a part dies that cannot come back: the runner, or a server that dies again and again.

    A server comes back at its address: whoever was talking to it asks again, and the runs go on.

    Args:
        parts: Both servers, then the runner.
        say: Told what happens, a line at a time.

    Raises:
        DaecoreError: A part died for good; the end of its log is told.
    """
    while True:
        for number, part in enumerate(parts):
            if part.dead:
                error = fallen(part)
                if number >= SERVERS or not part.revive():
                    raise error
                say(f"{part.name} had ended and was started again; its last words are in {part.log}")
        time.sleep(0.5)


def fallen(part: Part) -> Exception:
    """The error that says which part ended or did not come up, with the end of its log."""
    from daecore.errors import DaecoreError

    state = f"ended with status {part.process.returncode}" if part.dead else "did not come up"
    return DaecoreError(f"{part.name} {state}. The end of {part.log}:\n{part.last_lines}")


@contextmanager
def alone(store: Store) -> Iterator[bool]:
    """Whether this process is the only one that brings a studio up on the store, while the block runs."""
    with closing(FolderLock(store.root / "locks" / "studio.lock")) as lock:
        yield lock.take()


def end_leftovers(store: Store) -> int:
    """End what a studio left behind that was killed; how many processes there were."""
    earlier = studio_record.read_record(store.root)
    if earlier is None or earlier.alive:
        return 0
    return end_all(studio_record.marked_processes(earlier.mark))


def served_plugins(store: Store) -> dict[str, str] | None:
    """The plugins that the runner serves, by ``"kind name"``; None while it is not ready."""
    try:
        return _Served.model_validate_json(_served_file(store).read_bytes()).plugins
    except (OSError, ValidationError):
        return None


class _Served(BaseModel):
    """What the runner writes."""

    plugins: dict[str, str]


def _start(store: Store, planned: Plan) -> Iterator[Part]:
    """Both servers, then the runner, which waits for them itself while its libraries load."""
    studio = planned.studio
    environment = {**base_environment(), **store.environment(), **owned_by(studio), "PYTHONUNBUFFERED": "1"}
    logs = store.root / "logs"
    _served_file(store).unlink(missing_ok=True)
    host, prefect_port = studio.prefect.removeprefix("http://").rsplit(":", 1)
    mlflow_port = studio.mlflow.rsplit(":", 1)[1]
    server = {key: value for key, value in environment.items() if key not in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI")}
    yield start(
        "Prefect's server", "uvicorn", "--factory", f"{prefect_server.__name__}:guarded_application",
        "--host", host.strip("[]"), "--port", prefect_port, "--log-level", "warning", "--no-proxy-headers",
        log=logs / "prefect.log", environment={**server, **PREFECT_SETTINGS, **_door(planned.prefect)},
        ready=lambda: answers(f"{studio.api}/health"), **SERVER_PROCESS,
    )  # fmt: skip
    yield start(
        "MLflow's server", "mlflow", "server", "--artifacts-destination", store.artifacts_url,
        "--host", host.strip("[]"), "--port", mlflow_port, "--workers", "1", "--app-name", "daecore",
        "--uvicorn-opts", "--no-proxy-headers", log=logs / "mlflow.log",
        environment={**server, **MLFLOW_SETTINGS, BACKEND: store.tracking_uri, **_door(planned.mlflow)},
        ready=lambda: answers(f"{studio.mlflow}/health"), **SERVER_PROCESS,
    )  # fmt: skip
    yield start(
        "The runner", "daecore_flows.studio.serving",
        log=logs / "runner.log", environment={**environment, "PREFECT_LOGGING_LEVEL": "INFO"},
        ready=lambda: served_plugins(store) is not None,
    )  # fmt: skip


def _look_at_database() -> None:
    """See that the MLflow installed here has made the database, in a process that loads it.

    Raises:
        StoreError: Another one has.
    """
    look = [sys.executable, "-P", "-m", schema_check.__name__]
    done = subprocess.run(look, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        from daecore.errors import StoreError

        raise StoreError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "MLflow cannot be loaded.")


def _door(door: Door | None) -> dict[str, str]:
    return {} if door is None else {**door.environment(), **HOST_IS_LOOKED_AT}


def _write_ahead(store: Store) -> None:
    """Switch MLflow's database to WAL before a server opens it, also where there is none yet."""
    if store.shared is None:
        with closing(sqlite3.connect(store.database)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


def _served_file(store: Store) -> Path:
    return store.root / "served.json"
