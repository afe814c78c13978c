"""Prefect's flow runs, page after page: its server gives 200 at most in one answer."""

from collections.abc import Iterator

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

PAGE = 200


def each_flow_run(client: SyncPrefectClient, chosen: FlowRunFilter, sort: FlowRunSort) -> Iterator[FlowRun]:
    """The flow runs that are chosen, in this order, each once."""
    known: set[str] = set()
    offset = 0
    while found := client.read_flow_runs(flow_run_filter=chosen, sort=sort, limit=PAGE, offset=offset):
        yield from (run for run in found if str(run.id) not in known)  # one may move while pages are turned
        known |= {str(run.id) for run in found}
        offset += len(found)
