"""The runner's process: it registers every deployment, then starts the flow runs one at a time.

``python -m daecore_flows.studio.serving``, started by `dae up`.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable

from ..store import Store, current_store, write_atomically

POLL_SECONDS = "2"  # how long a submitted run waits until it is noticed
RECONCILE_SECONDS = 15

log = logging.getLogger("daecore.studio")


def main() -> None:
    """Serve until a signal comes."""
    os.environ.setdefault("PREFECT_RUNNER_POLL_FREQUENCY", POLL_SECONDS)
    store = current_store()
    store.enter()
    from prefect import serve

    from .. import tracking
    from . import deployments, reconciliation
    from .parts import answers

    _wait(lambda: answers(f"{os.environ['PREFECT_API_URL']}/health"))
    _wait(lambda: answers(f"{os.environ['MLFLOW_TRACKING_URI']}/health"))
    tracking.prepare(store)
    for line in reconciliation.reconcile(store, only_runner=True):
        log.warning("%s", line)
    threading.Thread(target=_keep_in_order, args=(store,), daemon=True).start()
    made = deployments.deployments()
    threading.Thread(target=_say_ready, args=(store, len(made)), daemon=True).start()
    serve(*made, pause_on_shutdown=False, print_starting_message=False, limit=deployments.LIMIT)


def _wait(ready: Callable[[], bool]) -> None:
    while not ready():
        time.sleep(0.1)


def _keep_in_order(store: Store) -> None:
    """Join what MLflow and Prefect say of runs, for as long as the runner lives."""
    from .reconciliation import reconcile

    while True:
        time.sleep(RECONCILE_SECONDS)
        try:
            for line in reconcile(store):
                log.warning("%s", line)
        except Exception:
            log.exception("the runs could not be reconciled; trying again in %d s", RECONCILE_SECONDS)


def _say_ready(store: Store, count: int) -> None:
    """Write which plugins are served, once Prefect knows every deployment."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.sorting import DeploymentSort

    from daecore.registry import registry

    with get_client(sync_client=True) as client:
        while len(client.read_deployments(limit=200, sort=DeploymentSort.NAME_ASC)) < count:
            time.sleep(0.2)
    plugins = {f"{kind} {name}": item.provenance.digest for (kind, name), item in registry().extensions.items()}
    write_atomically(store.root / "served.json", json.dumps({"plugins": plugins}))


if __name__ == "__main__":
    main()
