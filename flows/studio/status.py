"""What is up, what is running, what waits, and what ran last."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ..store import tracking
from ..store.store import Store
from ..store.studio_record import Studio, running
from ..store.tracking import Run


@dataclass(frozen=True)
class Entry:
    """A flow run in a list.

    Attributes:
        name: What runs.
        flow: Its flow.
        state: Prefect's name for where it is.
        seconds: Since it began, or until it begins.
    """

    name: str
    flow: str
    state: str
    seconds: float


@dataclass(frozen=True)
class Status:
    """A store's studio, its flow runs under way and waiting, and its last runs."""

    studio: Studio | None
    under_way: list[Entry]
    waiting: list[Entry]
    last: list[Run]


def status(store: Store, limit: int = 10) -> Status:
    """Look.

    Args:
        store: A store that is there, entered.
        limit: How many of the last runs.
    """
    tracking.prepare(store)
    studio = running(store.root)
    under_way, waiting = _flow_runs() if studio else ([], [])
    return Status(studio, under_way, waiting, tracking.runs(tracking.WHOLE, limit))


def _flow_runs() -> tuple[list[Entry], list[Entry]]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.sorting import FlowRunSort

    from ..reconcile.flow_runs import each_flow_run

    wanted = ["RUNNING", "PENDING", "CANCELLING", "SCHEDULED", "PAUSED"]
    chosen = FlowRunFilter.model_validate({"state": {"type": {"any_": wanted}}})
    with get_client(sync_client=True) as client:
        found = list(each_flow_run(client, chosen, FlowRunSort.EXPECTED_START_TIME_ASC))
        flows = {flow: client.read_flow(flow).name for flow in {run.flow_id for run in found}}
    now = datetime.now(UTC)
    under_way: list[Entry] = []
    waiting: list[Entry] = []
    for run in found:
        since = run.start_time or run.expected_start_time or now
        entry = Entry(run.name, flows[run.flow_id], run.state_name or "", abs((now - since).total_seconds()))
        (waiting if run.state_type is not None and run.state_type.value == "SCHEDULED" else under_way).append(entry)
    return under_way, waiting
