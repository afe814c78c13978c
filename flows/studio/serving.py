"""The runner's process: it registers every deployment, then starts the flow runs one at a time.

``python -P -m daecore_flows.studio.serving``, started by `dae up`.
"""

import asyncio
import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..store.files import write_atomically
from ..store.owner import end_with_owner
from ..store.store import Store, current_store
from ..store.temporary_files import keep_to_own_folder

if TYPE_CHECKING:
    from .known_flows import KnownFlows

POLL_SECONDS = "2"  # how long a submitted run waits until it is noticed
RECONCILE_SECONDS = 15

log = logging.getLogger("daecore.studio")


def main() -> None:
    """Serve until a signal comes."""
    os.environ.setdefault("PREFECT_RUNNER_POLL_FREQUENCY", POLL_SECONDS)
    end_with_owner()
    store = current_store()
    keep_to_own_folder()
    store.enter()
    from prefect.exceptions import TerminationSignal
    from prefect.runner import Runner

    from ..reconcile import reconciliation
    from ..store import tracking
    from . import deployments
    from .known_flows import KnownFlows
    from .parts import answers

    _wait(lambda: answers(f"{os.environ['PREFECT_API_URL']}/health"))
    _wait(lambda: answers(f"{os.environ['MLFLOW_TRACKING_URI']}/health"))
    tracking.prepare(store)
    for line in reconciliation.reconcile(store, only_runner=store.shared is None):
        log.warning("%s", line)
    threading.Thread(target=_keep_in_order, args=(store,), daemon=True).start()
    known = KnownFlows()
    known.rule()
    runner: Any = Runner(pause_on_shutdown=False, limit=deployments.LIMIT)
    runner._tmp_dir = store.prefect / "runner"  # by itself it shares one folder with all users of the machine
    first, later = deployments.deployments()
    for made in first:
        known.add(runner, made)
    threading.Thread(target=_add, args=(known, runner, later), daemon=True).start()
    _say_ready(store)
    with contextlib.suppress(KeyboardInterrupt, TerminationSignal):
        asyncio.run(runner.start())


def _wait(ready: Callable[[], bool]) -> None:
    while not ready():
        time.sleep(0.1)


def _keep_in_order(store: Store) -> None:
    """Join what MLflow and Prefect say of runs, for as long as the runner lives."""
    from ..reconcile.reconciliation import reconcile

    while True:
        time.sleep(RECONCILE_SECONDS)
        try:
            for line in reconcile(store):
                log.warning("%s", line)
        except Exception:
            log.exception("the runs could not be reconciled; trying again in %d s", RECONCILE_SECONDS)


def _add(known: "KnownFlows", runner: Any, later: Iterable[Any]) -> None:
    """Register more deployments while the runner works: the server takes half a second for each form."""
    for made in later:
        try:
            known.add(runner, made)
        except Exception:
            log.exception("the deployment %s could not be registered; the next `dae up` tries again", made.name)


def _say_ready(store: Store) -> None:
    """Write which plugins are served."""
    from daecore.plugin.registry import registry

    plugins = {f"{kind} {name}": item.provenance.digest for (kind, name), item in registry().extensions.items()}
    write_atomically(store.root / "served.json", json.dumps({"plugins": plugins}))


if __name__ == "__main__":
    main()
