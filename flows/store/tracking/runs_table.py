"""The address under which MLflow's server shows every run with what one compares: gain and PSNR as columns.

MLflow keeps which columns are shown in the browser, or as a shared view, a tag of an experiment: ours is one. The table
of several experiments takes its view from one of them.
"""

import asyncio
import json
import os
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from mlflow.tracking import MlflowClient

from ...guard.asgi import Application, Receive, Scope, Send
from .connection import client_of
from .pages import LAYOUT
from .search import WHOLE, each_page

PATH = "/runs"
SHARED, NAME = "mlflow.sharedViewState.", "daecore"  # as `mlflow/server/js` names the tag of a shared view
METRICS = ("gain_db.mean", "restored_db", "ssim")
VIEW = {
    "searchFilter": WHOLE,
    "orderByKey": f"metrics.`{METRICS[0]}`",
    "orderByAsc": False,
    "startTime": "ALL",
    "lifecycleFilter": "Active",
    "datasetsFilter": [],
    "modelVersionFilter": "All Runs",
    "selectedColumns": [*(f"metrics.`{name}`" for name in METRICS), "tags.`recipe`", "tags.`seed`"],
}
FOUND = 302


@dataclass(frozen=True)
class RunsTable:
    """An ASGI application, MLflow's, in which one address more leads to the table of runs."""

    application: Application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one connection."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in ("GET", "HEAD"):
            await self.application(scope, receive, send)
            return
        address = await asyncio.to_thread(lambda: table_address(_own_client()))
        headers = [(b"location", address.encode()), (b"cache-control", b"no-store"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": FOUND, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def table_address(client: MlflowClient) -> str:
    """Where the table of all whole runs is, from the server's root; the list of experiments while there are none.

    Args:
        client: Of the store whose runs are shown; the view is kept there.
    """
    experiments = each_page(client.search_experiments, order_by=["name ASC"])
    having = [one for one in experiments if client.search_runs([one.experiment_id], WHOLE, max_results=1)]
    if not having:
        return f"/#/experiments?{LAYOUT}"
    view = json.dumps(VIEW)
    for one in having:
        if one.tags.get(f"{SHARED}{NAME}") != view:
            client.set_experiment_tag(one.experiment_id, f"{SHARED}{NAME}", view)
    there = [one.experiment_id for one in having]
    shown = f"viewStateShareKey={NAME}&{LAYOUT}"
    if len(there) == 1:
        return f"/#/experiments/{there[0]}/runs?{shown}"
    return f"/#/compare-experiments/s?{urlencode({'experiments': json.dumps(there)}, quote_via=quote)}&{shown}"


def _own_client() -> MlflowClient:
    """The client of the store that this process serves."""
    from mlflow.server.constants import BACKEND_STORE_URI_ENV_VAR

    return client_of(os.environ[BACKEND_STORE_URI_ENV_VAR])
