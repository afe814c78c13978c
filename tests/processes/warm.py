"""A process in which everything heavy is loaded: each command is a fork of it, which spares the import of a library.

A fork is a process of its own: a folder, an environment, an output and a store of its own, as `dae` has them. What is
asked comes as a line of JSON on the standard input; the exit status is what is answered. It knows nothing of pytest.
"""

import gc
import importlib
import json
import os
import sys
import threading
from typing import Any

LOADED = (  # what a run, a sweep, a retraining, a study and a rerun import, and what their stages do while they work
    "daecore_flows.cli.progress", "daecore_flows.cli.summary", "daecore_flows.pipeline", "daecore_flows.rerun",
    "daecore_flows.retraining.flow", "daecore_flows.stacking.flow", "daecore_flows.studies.flow",
    "daecore_flows.studio.deployments", "daecore_flows.sweep.flow", "mlflow.store.tracking.sqlalchemy_store",
    "prefect.flow_engine", "prefect.task_engine",
)  # fmt: skip


def load() -> None:
    """Import it all; no thread may be left, which a fork would lack."""
    for name in LOADED:
        importlib.import_module(name)
    from daecore_flows.store import tracking

    tracking.load_exporter()
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()


def begin(asked: dict[str, Any]) -> None:
    """Become the command that is asked for."""
    for name, number in (("out", 1), ("err", 2)):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    _tell_prefect()


def _tell_prefect() -> None:
    """Of the store: it read its settings when it was imported, which a command does after it has entered its store."""
    from daecore_flows.store.store import current_store
    from prefect.context import refresh_global_settings_context

    before = dict(os.environ)
    os.environ.update(current_store().environment())
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    refresh_global_settings_context()
    os.environ.clear()
    os.environ.update(before)


def run(asked: dict[str, Any]) -> int:
    """The exit status of a command, or of a program of one's own."""
    begin(asked)
    if "program" in asked:
        sys.argv = ["-c", *asked["arguments"]]
        exec(compile(asked["program"], "<program>", "exec"), {"__name__": "program"})
        return 0
    from daecore_flows.cli import main

    sys.argv = ["dae", *asked["arguments"]]
    return main()


def serve() -> int:
    """Fork one process after the other, until nobody asks any more; in a fork, its exit status."""
    answers = os.fdopen(os.dup(1), "w")
    print("loaded", file=answers, flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            answers.close()
            return run(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    load()
    sys.exit(serve())
