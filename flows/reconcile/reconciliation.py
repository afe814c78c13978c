"""Orphans: what MLflow and Prefect say of runs is joined with the processes that still live.

A dead run of a deployment is put back into the queue, and goes on from its last checkpoint; after the third
death, and where no deployment can start it again, it is closed on both sides. A living one is left alone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import AwaitingRetry, Cancelled, Crashed, Failed

from ..store import tracking
from ..store.process_tag import process_lives
from ..store.store import Store
from ..store.tracking import Run
from .flow_runs import each_flow_run

ATTEMPTS = 3
PENDING_SECONDS = 600  # so long may a flow run be about to begin
UNKNOWN_SECONDS = 3600  # so long may one run, on another machine, before it has an MLflow run
UNDER_WAY = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


def reconcile(store: Store, *, only_runner: bool = False) -> list[str]:
    """Mend what does not agree.

    Args:
        store: The store, entered.
        only_runner: No flow run of a deployment can be living now: the one runner of the store has just begun. A
            shared store has others, on other machines, and nobody can say so.

    Returns:
        A sentence for each run that was touched.
    """
    with store.lock("reconcile"), get_client(sync_client=True) as client:
        said = _close()
        for flow_run in list(_open(client, [*UNDER_WAY, StateType.CRASHED])):  # before any of them changes
            said += _mend(client, flow_run, only_runner)
        return said


def reconcile_commands(store: Store) -> list[str]:
    """Close on both sides what commands that were killed have left; what deployments have begun is the studio's.

    Args:
        store: The store, entered; this process has begun no flow run yet.

    Returns:
        A sentence for each run that was touched.
    """
    with store.lock("reconcile"), get_client(sync_client=True) as client:
        said = _close()
        for flow_run in list(_open(client, UNDER_WAY)):
            said += _mend(client, flow_run, False) if flow_run.deployment_id is None else []
        return said


def _close() -> list[str]:
    """Mark what is dead in MLflow; a sentence for each."""
    before = {run.info.run_id: run for run in tracking.runs("attributes.status = 'RUNNING'")}
    closed = tracking.reconcile()
    return [f"MLflow run {before[run].info.run_name} ({run}): its process is gone; marked KILLED" for run in closed]


def _open(client: SyncPrefectClient, states: list[StateType]) -> Iterator[FlowRun]:
    """Flow runs in these states."""
    chosen = FlowRunFilter.model_validate({"state": {"type": {"any_": [state.value for state in states]}}})
    return each_flow_run(client, chosen, FlowRunSort.ID_DESC)


def _mend(client: SyncPrefectClient, flow_run: FlowRun, only_runner: bool) -> list[str]:
    run = tracking.run_of_flow(str(flow_run.id))
    state = flow_run.state_type
    if state == StateType.CRASHED:
        dead = run is None or not tracking.alive(run)
        again = dead and flow_run.deployment_id is not None and not _crashed_long_ago(flow_run)
        return _again(client, flow_run, run) if again else []
    if not _dead(flow_run, run, only_runner):
        return []
    if state == StateType.CANCELLING:
        client.set_flow_run_state(flow_run.id, Cancelled(message="its process is gone"), force=True)
        return [f"{flow_run.name}: it was being cancelled, and its process is gone; marked Cancelled"]
    if flow_run.deployment_id is not None:
        return _again(client, flow_run, run)
    client.set_flow_run_state(flow_run.id, Crashed(message="its process is gone"), force=True)
    return [f"{flow_run.name}: its process is gone; marked Crashed"]


def _dead(flow_run: FlowRun, run: Run | None, only_runner: bool) -> bool:
    """Whether nobody works on a flow run that is said to be under way."""
    of_deployment, pending = flow_run.deployment_id is not None, flow_run.state_type == StateType.PENDING
    if of_deployment and only_runner:
        return True
    lives = None if pending else process_lives(flow_run.tags)  # until it begins they are those of an earlier attempt
    if lives is not None:
        return not lives
    since = flow_run.state.timestamp if flow_run.state else flow_run.created
    if run is None or (of_deployment and pending):
        return _is_older(since, PENDING_SECONDS if pending else UNKNOWN_SECONDS)
    return _was_left(flow_run, run) if of_deployment else not tracking.alive(run)


def _was_left(flow_run: FlowRun, run: Run) -> bool:
    """Whether its MLflow run was closed since, as one whose process is gone."""
    if run.info.status != "KILLED" or tracking.alive(run) or flow_run.state is None:
        return False
    # An attempt that has just begun still finds the MLflow run as the last one left it.
    return bool((run.info.end_time or 0) / 1000 > flow_run.state.timestamp.timestamp())


def _is_older(moment: datetime | None, seconds: float) -> bool:
    """Whether it is so long ago that whoever was to begin would have begun."""
    return moment is not None and datetime.now(UTC) - moment > timedelta(seconds=seconds)


def _again(client: SyncPrefectClient, flow_run: FlowRun, run: Run | None) -> list[str]:
    """Back into the queue, or closed on both sides after too many deaths."""
    if flow_run.run_count >= ATTEMPTS:
        why = f"its process died {flow_run.run_count} times"
        client.set_flow_run_state(flow_run.id, Failed(message=why), force=True)
        if run is not None:
            tracking.finish(run.info.run_id, "FAILED")
        return [f"{flow_run.name}: {why}; marked Failed"]
    state: Any = AwaitingRetry(message="its process died; it goes on from its last checkpoint")
    client.set_flow_run_state(flow_run.id, state, force=True)
    return [f"{flow_run.name}: its process died; it is queued again and goes on from its last checkpoint"]


def _crashed_long_ago(flow_run: FlowRun) -> bool:
    """Whether a crash is so old that it was there before anybody looked after it."""
    ended = flow_run.end_time or flow_run.updated or datetime.now(UTC)
    return datetime.now(UTC) - ended > timedelta(days=7)
