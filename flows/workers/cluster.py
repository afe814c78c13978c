"""Workers on a Ray cluster: a task runs wherever there is room, and elsewhere if the process or the machine dies.

Ray places tasks and tries them again. Each of its processes has the environment of who asks: the same store, the same
MLflow, and his Prefect server, or on another machine, where that cannot be reached, one of its own.
For a training of several processes Ray keeps room for all of them, on one machine or on several, before it begins.

Knows Ray, which only who names a cluster needs.
"""

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any, Generic, TypeVar

from prefect import Task

from daecore.errors import in_a_line
from daecore.training.joining import RankLost
from daecore.training.options import TrainingOptions

from .cluster_connection import connect
from .demand import Demand, demand_of, require_room
from .workers import WorkerDied

STATION = "daecore_flows.cli.station"  # what Ray's processes do; named as a command is, for it stands above
RETRIES = 3  # how often a task is begun again whose process or machine died
POLL_SECONDS, REPEAT_SECONDS = 0.5, 20.0
GRACE_SECONDS = 20.0  # for interrupted tasks to end

Job = TypeVar("Job")
log = logging.getLogger("daecore.progress")


@dataclass(frozen=True)
class _Begun(Generic[Job]):
    """A task under way.

    Attributes:
        number: Whose turn it is.
        job: By what the caller knows it.
        again: Begins it once more.
        group: The room that is kept for it; None where Ray needs to keep none.
        losses: How often one of its processes was gone.
    """

    number: int
    job: Job
    again: Callable[[], Any]
    group: Any
    losses: int = 0


class ClusterWorkers(Generic[Job]):
    """So many tasks at a time on a cluster; as `Workers`.

    Args:
        count: How many; the cluster may have room for fewer.
        where: The cluster's address.
    """

    def __init__(self, count: int, where: str) -> None:
        self.idle = list(range(count))
        self.stop = _Stop(self._cancel)
        self._where, self._count = where, count
        self._running: dict[Any, _Begun[Job]] = {}
        self._cancelled = 0.0  # when tasks were told to end the last time

    def __enter__(self) -> "ClusterWorkers[Job]":
        self._ray = connect(self._where)
        self._work = self._ray.remote(import_module(STATION).work)
        self._here = self._ray.util.get_node_ip_address()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self._running:
                self.stop.set()
                _, left = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=GRACE_SECONDS)
                for task in left:
                    self._ray.cancel(task, force=True)
        finally:
            self._ray.shutdown()

    @property
    def busy(self) -> bool:
        """Whether any task is under way."""
        return len(self.idle) < self._count

    def room(self, training: TrainingOptions) -> int:
        """For how many tasks with such a training the cluster has room."""
        return demand_of(training).room(self._machines())

    def require_room(self, training: TrainingOptions) -> None:
        """Refuse what the cluster has no room for: Ray would wait for it, without a word.

        Raises:
            InputError: It has none.
        """
        require_room(demand_of(training), self._machines(), self._where)

    def submit(self, job: Job, task: Task[..., Any], parameters: dict[str, Any], training: TrainingOptions) -> None:
        """Begin a task; there must be an idle place.

        Raises:
            InputError: See `require_room`.
        """
        self.require_room(training)
        number, function, demand = self.idle.pop(), task.fn, demand_of(training)
        group = self._keep_room(demand) if demand.processes > 1 else None
        asked = self._work.options(
            num_cpus=demand.cpus, num_gpus=demand.gpus, max_retries=RETRIES, name=task.name,
            scheduling_strategy="DEFAULT" if group is None else self._first_of(group),
        )  # fmt: skip
        begin = partial(asked.remote, function.__module__, function.__name__, parameters, self._here)
        self._running[begin()] = _Begun(number, job, begin, group)
        if self.stop.is_set():
            self._cancel()

    def wait(self) -> tuple[Job, Any]:
        """The next task that ends: its job, and its result or the exception that ended it."""
        while True:
            done = self._next_done()
            begun, result = self._running.pop(done), self._result(done)
            if not isinstance(result, RankLost):
                break
            if begun.losses == RETRIES or self.stop.is_set():
                result = WorkerDied(f"{result} ({begun.losses + 1} times)")
                break
            log.warning("a training has lost one of its processes; it is begun again, and goes on from its checkpoint")
            self._running[begun.again()] = replace(begun, losses=begun.losses + 1)
        self.idle.append(begun.number)
        if begun.group is not None:
            self._ray.util.remove_placement_group(begun.group)
        return begun.job, result

    def _next_done(self) -> Any:
        """The next task that ends; waits in short turns, between which an interrupt is heard."""
        while True:
            done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=POLL_SECONDS)
            if done:
                return done[0]
            if self.stop.is_set() and time.monotonic() - self._cancelled > REPEAT_SECONDS:
                self._cancel()  # a library may have swallowed what a task was told

    def _machines(self) -> list[dict[str, Any]]:
        """Those of the cluster that live, as Ray describes them."""
        return [node for node in self._ray.nodes() if node["Alive"]]

    def _keep_room(self, demand: Demand) -> Any:
        """Room for all processes of a task, kept as soon as there is so much."""
        return self._ray.util.placement_group([demand.bundle] * demand.processes, strategy="PACK")

    def _first_of(self, group: Any) -> Any:
        """The strategy by which a task takes the first of its bundles, and leaves the others to what it begins."""
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        return PlacementGroupSchedulingStrategy(group, 0)

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
        """Interrupt every task, as Ctrl-C would; those that still wait first.

        The other way round a process that is free takes one that waits, while that one is cancelled: Ray 2.60 takes
        that for a bug of its own, and ends this process.
        """
        self._cancelled = time.monotonic()
        for task in reversed(list(self._running)):
            self._ray.cancel(task)


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
