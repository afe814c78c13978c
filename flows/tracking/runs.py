"""Runs by explicit id: begun, taken up again, ended.

A run carries the process that works on it in its tags, so that one whose process died is known as such.
"""

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from mlflow.entities import Run

from .connection import client
from .search import runs
from .values import log_parameters, tag

PID, STARTED, PARENT = "dae.pid", "dae.pid_started", "mlflow.parentRunId"


def start(experiment: str, name: str, tags: Mapping[str, str], parameters: Mapping[str, Any], parent: str = "") -> str:
    """A new run; its id."""
    lineage = {PARENT: parent} if parent else {}
    run = client().create_run(experiment, run_name=name, tags={**tags, **lineage, **_process_tags()})
    log_parameters(run.info.run_id, parameters)
    return str(run.info.run_id)


def proceed(run_id: str) -> None:
    """Take up a run that a process left behind."""
    tag(run_id, _process_tags())  # first: a run that is RUNNING without a living process counts as dead
    client().update_run(run_id, status="RUNNING")


def finish(run_id: str, status: str) -> None:
    """End a run: FINISHED, FAILED or KILLED."""
    client().set_terminated(run_id, status)


@contextmanager
def ended(run_id: str) -> Iterator[None]:
    """Whatever happens inside, the run ends with a state: FINISHED, FAILED, or KILLED by an interrupt."""
    try:
        yield
    except Exception as error:
        try:
            tag(run_id, {"dae.error": " ".join(str(error).split())[:4000]})
        finally:
            finish(run_id, "FAILED")
        raise
    except BaseException:
        finish(run_id, "KILLED")
        raise
    finish(run_id, "FINISHED")


def reconcile() -> list[str]:
    """Mark runs as KILLED whose process is gone; their ids."""
    dead = [run.info.run_id for run in runs("attributes.status = 'RUNNING'") if not alive(run)]
    for run_id in dead:
        finish(run_id, "KILLED")
    return dead


def experiment_of(run_id: str) -> str:
    """The id of the experiment a run belongs to."""
    return str(client().get_run(run_id).info.experiment_id)


def began(run_id: str) -> int:
    """When a run began, in milliseconds since 1970."""
    return int(client().get_run(run_id).info.start_time)


@cache
def environment() -> dict[str, str]:
    """What a run's tags say of where it was made: commit, Python, torch."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
        git = commit.stdout.strip() if commit.returncode == 0 else ""
    except OSError:
        git = ""
    return {"git": git, "python": platform.python_version(), "torch": version("torch"), "daecore": version("daecore")}


def _process_tags() -> dict[str, str]:
    return {PID: str(os.getpid()), STARTED: f"{psutil.Process().create_time():.2f}"}


def alive(run: Run) -> bool:
    """Whether the process that started a run still lives (a reused pid has another start time)."""
    tags = run.data.tags
    if PID not in tags:
        return True  # not started by us
    try:
        process = psutil.Process(int(tags[PID]))
        return f"{process.create_time():.2f}" == tags[STARTED] and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
