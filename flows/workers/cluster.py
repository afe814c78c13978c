"""Workers on a Ray cluster: a task runs wherever there is room, and elsewhere if the process or the machine dies.

Ray places tasks and tries them again. Each of its processes has the environment of who asks: the same store, the same
MLflow, and his Prefect server, or on another machine, where that cannot be reached, one of its own.

Knows Ray, which only who names a cluster needs.
"""

import logging
import os
import threading
from importlib import import_module
from typing import Any, Generic, TypeVar

from prefect import Task
from prefect.client.orchestration import get_client

from daecore.errors import in_a_line

from ..store.server_address import MARK, URL
from .cluster_address import CLUSTER, no_cluster, require_cluster
from .workers import WorkerDied

OURS = ("DAE_", "PREFECT_", "MLFLOW_", "DO_NOT_TRACK", "GOMP_", "TORCHINDUCTOR_", "PYTHONSAFEPATH")
SECRETS = (
    "PASSWORD",
    "TOKEN",
    "SECRET",
    "AUTH",
    "KEY",
)  # what cluster and pages would show: it is given to `ray start`
STATION = "daecore_flows.cli.station"  # what Ray's processes do; named as a command is, for it stands above
RETRIES = 3  # how often a task is begun again whose process or machine died
POLL_SECONDS = 0.5
GRACE_SECONDS = 20.0  # for interrupted tasks to end

Job = TypeVar("Job")

log = logging.getLogger("daecore.progress")


class ClusterWorkers(Generic[Job]):
    """So many tasks at a time on a cluster; as `Workers`.

    Args:
        count: How many; the cluster may have room for fewer.
        cpus: How many each takes; as many threads it computes with, if nobody says another number.
        gpus: Likewise.
        where: The cluster's address.
    """

    def __init__(self, count: int, cpus: int, gpus: int, where: str) -> None:
        self.idle = list(range(count))
        self.stop = _Stop(self._cancel)
        self._resources = {"num_cpus": cpus, "num_gpus": gpus}
        self._where, self._count = where, count
        self._running: dict[Any, tuple[int, Job]] = {}

    def __enter__(self) -> "ClusterWorkers[Job]":
        self._ray = _connect(self._where)
        self._work = self._ray.remote(import_module(STATION).work)
        self._here = self._ray.util.get_node_ip_address()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self._running:
                self.stop.set()
                self._ray.wait(list(self._running), num_returns=len(self._running), timeout=GRACE_SECONDS)
                for task in self._running:
                    self._ray.cancel(task, force=True)
        finally:
            self._ray.shutdown()

    @property
    def busy(self) -> bool:
        """Whether any task is under way."""
        return len(self.idle) < self._count

    @property
    def room(self) -> int:
        """How many tasks the cluster has the processors for."""
        found = self._ray.cluster_resources()
        wanted = {"CPU": self._resources["num_cpus"], "GPU": self._resources["num_gpus"]}
        return min(int(found.get(kind, 0) // count) for kind, count in wanted.items() if count)

    def submit(self, job: Job, task: Task[..., Any], parameters: dict[str, Any]) -> None:
        """Begin a task; there must be an idle place."""
        number = self.idle.pop()
        function = task.fn
        asked = self._work.options(**self._resources, max_retries=RETRIES, name=task.name)
        self._running[asked.remote(function.__module__, function.__name__, parameters, self._here)] = (number, job)

    def wait(self) -> tuple[Job, Any]:
        """The next task that ends: its job, and its result or the exception that ended it."""
        done: list[Any] = []
        while not done:  # in short turns: an interrupt is heard between them
            done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=POLL_SECONDS)
        number, job = self._running.pop(done[0])
        self.idle.append(number)
        try:
            return job, self._ray.get(done[0])
        except self._ray.exceptions.RayError as error:
            return job, WorkerDied(f"its process died {RETRIES + 1} times ({in_a_line(str(error))})")

    def _cancel(self) -> None:
        """Interrupt every task, as Ctrl-C would."""
        for task in self._running:
            self._ray.cancel(task)


class _Stop(threading.Event):
    """The end of the whole: who sets it has all tasks interrupted."""

    def __init__(self, cancel: Any) -> None:
        super().__init__()
        self._cancel = cancel

    def set(self) -> None:
        """Interrupt them, once."""
        if not self.is_set():
            super().set()
            self._cancel()


def _connect(where: str) -> Any:
    """Ray, connected to the cluster.

    Raises:
        InputError: See `require_cluster`.
    """
    require_cluster(where)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # it calls home
    import ray

    with get_client(sync_client=True) as client:
        api = str(client.api_url).rstrip("/")
    given = {name: value for name, value in os.environ.items() if name.startswith(OURS) and name != CLUSTER}
    given = {name: value for name, value in given.items() if not any(secret in name for secret in SECRETS)}
    try:
        ray.init(
            address=where, runtime_env={"env_vars": given | {URL: api, MARK: api}}, log_to_driver=False,
            logging_level=logging.ERROR, configure_logging=False,
        )  # fmt: skip
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise no_cluster(where, str(error)) from None
    return ray
