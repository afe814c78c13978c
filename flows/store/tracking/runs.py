"""Runs by explicit id: begun, taken up again, ended.

A run carries the process that works on it in its tags (`heartbeat`), so that one whose process died is known as such.
"""

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlflow.entities import Run

from daecore.addresses import hide_passwords

from ... import interrupts
from ..full_disk import give_up_reserve
from ..store import current_store
from . import heartbeat
from .connection import client
from .heartbeat import PID, beating, is_ours, process_tags
from .patient_client import MlflowAway, outage, under_way
from .search import runs
from .telling import end_later
from .values import log_parameters, tag

PARENT = "mlflow.parentRunId"


def start(
    mlflow_experiment: str, name: str, tags: Mapping[str, str], parameters: Mapping[str, Any], parent: str = ""
) -> str:
    """A new run; its id."""
    lineage = {PARENT: parent} if parent else {}
    run = client().create_run(mlflow_experiment, run_name=name, tags={**tags, **lineage, **process_tags()})
    log_parameters(run.info.run_id, parameters)
    return str(run.info.run_id)


def start_child(parent: str, name: str, tags: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """A new run nested in another one, in that one's experiment; its id."""
    return start(experiment_of(parent), name, tags, parameters, parent)


def proceed(run_id: str) -> None:
    """Take up a run that a process left behind."""
    tag(run_id, process_tags())  # first: a run that is RUNNING without a living process counts as dead
    client().update_run(run_id, status="RUNNING")


def finish(run_id: str, status: str) -> None:
    """End a run: FINISHED, FAILED or KILLED."""
    client().set_terminated(run_id, status)


@contextmanager
def end_run(run_id: str) -> Iterator[None]:
    """Whatever happens inside, the run ends with a state: FINISHED, FAILED, or KILLED by an interrupt.

    An interrupt ends the runs around it, too, and at once: before they come to it by themselves, who told the process
    to end may have lost patience.
    """
    beats = nullcontext() if under_way else beating(lambda: under_way)
    under_way.append(run_id)
    try:
        with beats:
            yield
    except BaseException as error:
        hide_passwords(error)
        give_up_reserve(current_store().root, error)  # else its end could not be written
        if isinstance(error, Exception) and not interrupts.was_interrupted():
            _end(run_id, "FAILED", " ".join(str(error).split())[:4000])
        else:
            with outage.hurried():
                for each in reversed(under_way):
                    _end(each, "KILLED")
        raise
    else:
        _end(run_id, "FINISHED")
    finally:
        under_way.remove(run_id)


def _end(run_id: str, status: str, why: str = "") -> None:
    """End a run, and say why; kept for `dae sync` where MLflow is away."""
    try:
        try:
            if why:
                tag(run_id, {"dae.error": why})
        finally:
            finish(run_id, status)
    except MlflowAway:
        end_later(run_id, status, why, current_store())
        if status == "FINISHED":
            raise


def abandon() -> None:
    """Mark as KILLED what is still said to be under way in this process, which ends now."""
    with suppress(Exception), outage.hurried():  # another command does the same once this process is gone
        for run in runs(f"attributes.status = 'RUNNING' and tags.`{PID}` = '{os.getpid()}'"):
            if is_ours(run):
                finish(run.info.run_id, "KILLED")


def reconcile() -> list[str]:
    """Mark runs as KILLED whose process is gone; their ids."""
    dead = []
    for run in runs("attributes.status = 'RUNNING'"):
        if _is_dead(run) and _is_dead(client().get_run(run.info.run_id)):  # somebody may have taken it up meanwhile
            finish(run.info.run_id, "KILLED")
            dead.append(run.info.run_id)
    return dead


def _is_dead(run: Run) -> bool:
    """Whether a run is said to be under way, and its process is gone."""
    under_way = (run.info.status, run.info.lifecycle_stage) == ("RUNNING", "active")
    return under_way and not heartbeat.alive(run)


def experiment_of(run_id: str) -> str:
    """The id of the experiment a run belongs to."""
    return str(client().get_run(run_id).info.experiment_id)


def is_made_here(run_id: str) -> bool:
    """Whether it is this very process that works, or has worked, on a run."""
    return is_ours(client().get_run(run_id))


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
