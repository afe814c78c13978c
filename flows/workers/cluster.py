"""Workers on a Ray cluster: a task runs wherever there is room, and elsewhere if the process or the machine dies.

Ray places tasks and tries them again. Each of its processes has the environment of who asks: the same store, the same
MLflow, and his Prefect server, or on another machine, where that cannot be reached, one of its own.

Knows Ray, which only who names a cluster needs.
"""

import re
import threading
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar

from prefect import Task

from daecore.errors import InputError, in_a_line

from .cluster_connection import connect
from .workers import WorkerDied

STATION = "daecore_flows.cli.station"  # what Ray's processes do; named as a command is, for it stands above
RETRIES = 3  # how often a task is begun again whose process or machine died
POLL_SECONDS, REPEAT_SECONDS = 0.5, 20.0
GRACE_SECONDS = 20.0  # for interrupted tasks to end

Job = TypeVar("Job")


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
        self.wanted = {"CPU": cpus, "GPU": gpus}
        self._where, self._count = where, count
        self._running: dict[Any, tuple[int, Job]] = {}
        self._cancelled = 0.0  # when tasks were told to end the last time

    def __enter__(self) -> "ClusterWorkers[Job]":
        self._ray = connect(self._where)
        self._work = self._ray.remote(import_module(STATION).work)
        self._here = self._ray.util.get_node_ip_address()
        self._require_room()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self._running:
                self.stop.set()
                self._ray.wait(list(self._running), num_returns=len(self._running), timeout=GRACE_SECONDS)
                for task in list(self._running):
                    self._ray.cancel(task, force=True)
        finally:
            self._ray.shutdown()

    @property
    def busy(self) -> bool:
        """Whether any task is under way."""
        return len(self.idle) < self._count

    @property
    def room(self) -> int:
        """How many tasks the cluster has room for."""
        return sum(_room(node["Resources"], self.wanted) for node in self._ray.nodes() if node["Alive"])

    def submit(self, job: Job, task: Task[..., Any], parameters: dict[str, Any]) -> None:
        """Begin a task; there must be an idle place."""
        number, function = self.idle.pop(), task.fn
        asked = self._work.options(
            num_cpus=self.wanted["CPU"], num_gpus=self.wanted["GPU"], max_retries=RETRIES, name=task.name
        )
        begun = asked.remote(function.__module__, function.__name__, parameters, self._here)
        self._running[begun] = (number, job)
        if self.stop.is_set():
            self._cancel()

    def wait(self) -> tuple[Job, Any]:
        """The next task that ends: its job, and its result or the exception that ended it."""
        done: list[Any] = []
        while not done:  # in short turns: an interrupt is heard between them
            done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=POLL_SECONDS)
            if self.stop.is_set() and time.monotonic() - self._cancelled > REPEAT_SECONDS:
                self._cancel()  # a library may have swallowed what a task was told
        number, job = self._running.pop(done[0])
        self.idle.append(number)
        return job, self._result(done[0])

    def _result(self, task: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(task)
        except errors.TaskCancelledError:
            return WorkerDied("it was ended")
        except errors.RayTaskError as error:
            return error.cause
        except errors.RayError as error:
            return WorkerDied(f"its process died {RETRIES + 1} times ({in_a_line(_plain(str(error)))})")

    def _cancel(self) -> None:
        """Interrupt every task, as Ctrl-C would."""
        self._cancelled = time.monotonic()
        for task in list(self._running):
            self._ray.cancel(task)

    def _require_room(self) -> None:
        """Refuse what no machine of the cluster has: Ray would wait for one that has, without a word."""
        if not self.room:
            there = [
                f"{node['NodeManagerAddress']} {int(node['Resources'].get('CPU', 0))} and "
                f"{int(node['Resources'].get('GPU', 0))}"
                for node in self._ray.nodes()
                if node["Alive"]
            ]
            raise InputError(
                f"Each task asks for {self.wanted['CPU']} processors and {self.wanted['GPU']} GPUs of one machine, and "
                f"none of the cluster {self._where} has so many ({'; '.join(there[:4])}). Ask for fewer --threads or "
                "training.devices, or add a machine with `ray start`."
            )


def _room(there: Mapping[str, float], wanted: Mapping[str, int]) -> int:
    """How many tasks fit on a machine."""
    return min(int(there.get(kind, 0) // count) for kind, count in wanted.items() if count)


def _plain(text: str) -> str:
    """Without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


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
