"""Side by side: networks that train on fewer threads than there are cores: one here, the others in worker processes.

Knows requests, the stage and workers. What they give lies in the cache, where `Laboratory` finds it.

Processes, not threads: MLflow's export of a network patches torch's modules for the whole process while it traces.
"""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from multiprocessing.synchronize import Event
from typing import Any

from prefect import task

from daecore.corruption import Corruptor
from daecore.spec import digest

from .. import devices, stages, tracking
from ..calling import untagged
from ..publishing import published
from ..records import TrainingRequest
from ..store import Store
from ..workers import AtWork, WorkerDied, Workers

MOST = 8  # at once: each worker holds Prefect, MLflow and torch, some 700 MB
log = logging.getLogger("daecore.progress")


def missing(requests: Sequence[TrainingRequest], store: Store) -> list[TrainingRequest]:
    """Those that no run has trained yet, each once."""
    once = {digest(request.key): request for request in requests}
    runs = {key: tracking.training_run(key) for key in once}
    return [once[key] for key, run in runs.items() if run is None or published(run.data.tags, store) is None]


def at_once(requests: Sequence[TrainingRequest]) -> int:
    """How many of these can be trained at once: on the CPU as many as its cores carry, elsewhere one."""
    if any(request.place.device != "cpu" for request in requests):
        return 1
    threads = max((request.place.threads for request in requests), default=1)
    return min(len(requests), max(1, devices.cores() // threads), MOST)


class Shared:
    """What is to be trained, by whoever is free, and what has been.

    Args:
        requests: In the order in which they are begun, each once.
        stop: Once this is set, nothing is begun.
    """

    def __init__(self, requests: Sequence[TrainingRequest], stop: Event) -> None:
        self._waiting, self._stop = deque(requests), stop
        self._unfinished = {digest(request.key) for request in requests}

    def take(self) -> TrainingRequest | None:
        """One that nobody has begun yet; None where there is nothing."""
        try:
            return None if self._stop.is_set() else self._waiting.popleft()
        except IndexError:
            return None

    def finish(self, request: TrainingRequest) -> None:
        """Note that its network is there."""
        self._unfinished.discard(digest(request.key))

    def lacks(self, request: TrainingRequest) -> bool:
        """Whether its network is still to come."""
        return digest(request.key) in self._unfinished

    def give_up(self) -> None:
        """Begin nothing more."""
        self._waiting.clear()


@contextmanager
def helped(
    workers: "Workers[TrainingRequest]", requests: Sequence[TrainingRequest], folder: str, parent: str, *, fresh: bool
) -> Iterator[Shared]:
    """Let workers train while the block trains, too; all they have begun is finished when the block ends.

    A network whose worker died is left to the caller, who finds it missing.

    Args:
        workers: Who helps.
        requests: What is to be trained.
        folder: The MLflow experiment's id.
        parent: The run that the trainings are children of.
        fresh: Train anew what is in the cache.

    Raises:
        Exception: What a training of a worker raised.
    """
    shared = Shared(requests, workers.stop)

    def feed() -> None:
        for request, result in _ended(workers, shared, at_once(requests) - 1, folder, parent, fresh):
            if isinstance(result, WorkerDied):
                log.warning("%s: %s; it is trained again", _name(request), result)
            elif isinstance(result, Exception):
                shared.give_up()
                raise result
            else:
                shared.finish(request)
                log.info("%s: trained beside", _name(request))

    with ThreadPoolExecutor(1, thread_name_prefix="feeder") as threads:
        feeder = threads.submit(copy_context().run, feed)
        try:
            yield shared
        except BaseException:
            shared.give_up()
            workers.stop.set()
            raise
        feeder.result()


def _ended(
    workers: "Workers[TrainingRequest]", shared: Shared, most: int, folder: str, parent: str, fresh: bool
) -> Iterator[tuple[TrainingRequest, Any]]:
    """What became of each training that workers have made, as they end."""
    busy = 0
    while True:
        while busy < most and (request := shared.take()) is not None:
            values = {"request": request.model_dump(mode="json"), "folder": folder, "parent": parent, "fresh": fresh}
            workers.submit(request, train_one, values)
            busy += 1
        if not busy:
            return
        yield workers.wait()
        busy -= 1


def _name(request: TrainingRequest) -> str:
    return f"{Corruptor(request.corruptions)}, seed {request.seed}"


@task(name="train beside", persist_result=False)
def train_one(request: dict[str, Any], folder: str, parent: str, fresh: bool) -> None:
    """One training, in a worker process; its result lies in the cache."""
    asked = TrainingRequest.model_validate(request)
    with AtWork(), untagged():
        stages.train_autoencoder.with_options(refresh_cache=fresh)(asked, folder, parent, fresh)
