"""Runs found: by a query, page after page; and which of many ids are deleted, unknown or in a state.

MLflow loads every tag, parameter and metric of each run it gives, some milliseconds of work. So queries ask for few
runs, and a question about many ids asks whether all are there, which loads none.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.utils.search_utils import SearchUtils

from .connection import client

KEY, FLOW_RUN = "dae.key", "prefect.flow_run_id"
FINISHED = "attributes.status = 'FINISHED'"
WHOLE = "tags.stage = 'denoise'"  # runs of whole experiments: trainings and sweeps lie beside them
PAGE = 1000  # runs at once: MLflow sorts all that match anew for each page
IDS = 250  # named in one query
NEWEST_FIRST = ["attributes.start_time DESC"]
UNKNOWN = "RESOURCE_DOES_NOT_EXIST"


def runs(query: str = "", limit: int | None = None) -> list[Run]:
    """Runs of all experiments that match, newest first; all of them, or the newest ``limit``."""
    return list(islice(each_run(query, min(limit or PAGE, PAGE)), limit))


def each_run(query: str = "", page: int = PAGE, view: int = ViewType.ACTIVE_ONLY) -> Iterator[Run]:
    """The same one by one: a page is asked for when it is needed."""
    if experiments := experiment_ids():
        yield from each_page(
            client().search_runs, experiment_ids=experiments, filter_string=query, run_view_type=view,
            max_results=page, order_by=NEWEST_FIRST,
        )  # fmt: skip


def removed_runs(query: str) -> Iterator[Run]:
    """Runs that match and are marked as deleted."""
    return each_run(query, view=ViewType.DELETED_ONLY)


def experiment_ids() -> list[str]:
    """The ids of all experiments, deleted ones too: a run may be looked for in them."""
    return [found.experiment_id for found in each_page(client().search_experiments, view_type=ViewType.ALL)]


def each_page(search: Any, **named: Any) -> Iterator[Any]:
    """What a search of MLflow's client finds, page after page."""
    token = None
    while True:
        found = search(**named, page_token=token)
        yield from found
        token = found.token
        if not token:
            return


def training_run(key: str) -> Run | None:
    """The run that trains, or trained, under this stage key."""
    found = runs(f"tags.`{KEY}` = '{key}'", limit=1)
    return found[0] if found else None


def run_of_flow(flow_run_id: str) -> Run | None:
    """The run that a Prefect flow run has begun in an earlier attempt."""
    found = runs(f"tags.`{FLOW_RUN}` = '{flow_run_id}'", limit=1) if flow_run_id else []
    return found[0] if found else None


def run_of(run_id: str) -> Run | None:
    """The run with this id, deleted or not; None where MLflow says that it knows none.

    Raises:
        mlflow.MlflowException: It cannot be told, as when the database does not answer: that is not "none".
    """
    try:
        return client().get_run(run_id)
    except MlflowException as error:
        if error.error_code != UNKNOWN:
            raise
        return None


def exists(run_id: str) -> bool:
    """Whether the run is there and not deleted."""
    found = run_of(run_id)
    return found is not None and str(found.info.lifecycle_stage) == "active"


def find_finished(ids: Iterable[str]) -> set[str]:
    """Those of these runs that are there, and finished."""
    wanted = set(ids)
    return wanted - {one for some in _few(wanted) for one in _lacking(some, FINISHED, ViewType.ACTIVE_ONLY)}


def find_gone(ids: Iterable[str]) -> set[str]:
    """Those of these runs that MLflow says are deleted, or does not know.

    Nothing is concluded from what a list leaves out: MLflow has named each of them as deleted, or has been asked for
    that one and answered that it knows none.
    """
    return {one for some in _few(ids) if not _all_there(some, "", ViewType.ACTIVE_ONLY) for one in _find_gone(some)}


def _find_gone(ids: Sequence[str]) -> set[str]:
    """The same of so many as one query names."""
    marked = each_run(_any_of(ids), view=ViewType.DELETED_ONLY)
    deleted = {run.info.run_id for run in marked if run.info.lifecycle_stage == "deleted"}
    lacking = _lacking([one for one in ids if one not in deleted], "", ViewType.ALL)
    return deleted | {one for one in lacking if run_of(one) is None}


def quote(text: str) -> str:
    """A text as MLflow's queries write it; one with both kinds of quotes cannot be written, and matches nothing."""
    mark = '"' if "'" in text else "'"
    return f"{mark}{text}{mark}" if mark not in text else "''"


def _few(ids: Iterable[str]) -> Iterator[list[str]]:
    """As many ids as one query names."""
    known = sorted(set(ids))
    yield from (known[begin : begin + IDS] for begin in range(0, len(known), IDS))


def _any_of(ids: Sequence[str]) -> str:
    return f"attributes.run_id IN ({', '.join(quote(one) for one in ids)})"


def _lacking(ids: Sequence[str], query: str, view: int) -> list[str]:
    """Those of these ids that no run of this view has which matches the query."""
    if not ids or _all_there(ids, query, view):
        return []
    middle = len(ids) // 2
    return [*_lacking(ids[:middle], query, view), *_lacking(ids[middle:], query, view)] if middle else list(ids)


def _all_there(ids: Sequence[str], query: str, view: int) -> bool:
    """Whether there are as many runs as ids: MLflow is asked for the last of them alone."""
    before = len(ids) - 1
    last = SearchUtils.create_page_token(before).decode() if before else None  # type: ignore[no-untyped-call]
    wanted = " and ".join(filter(None, [_any_of(ids), query]))
    return bool(client().search_runs(experiment_ids(), wanted, view, 1, NEWEST_FIRST, last))
