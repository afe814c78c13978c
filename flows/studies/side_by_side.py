"""Side by side: networks that train on fewer threads than there are cores: one here, the others in worker processes.

Knows requests, the stage and workers. What they give lies in the cache, where `Laboratory` finds it.

Processes, not threads: MLflow's export of a network patches torch's modules for the whole process while it traces.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from threading import Condition
from typing import Any, Protocol

from prefect import task

from daecore.plugin.spec import digest

from ..stages.caller import without_tags
from ..stages.follower import require_same_code
from ..stages.publish import find_published
from ..stages.threads import decide_threads, keys, useful_threads
from ..stages.training import TrainingRequest, train_autoencoder
from ..store import device_lock, tracking
from ..store.store import Store, current_store
from ..workers.chosen import MOST_AFAR, AnyWorkers
from ..workers.cluster_address import address
from ..workers.workers import WorkerDied, at_work

MOST = 8  # at once on one machine: each worker holds Prefect, MLflow and torch, some 700 MB
log = logging.getLogger("daecore.progress")


class Stop(Protocol):
    """The end of the whole, as workers see it."""

    def is_set(self) -> bool:
        """Whether it has come."""
        ...


Anew = Callable[[TrainingRequest], bool]  # whether what is in the cache is to be trained once more


def to_train(requests: Sequence[TrainingRequest], store: Store, anew: Anew) -> list[TrainingRequest]:
    """Those that are trained anew, or that no run has trained yet; each once."""

    def is_known(key: str) -> bool:
        run = tracking.training_run(key)
        return run is not None and find_published(run.data.tags, store) is not None

    once = {digest(request.key): request for request in requests}
    return [request for request in once.values() if anew(request) or not any(map(is_known, keys(request, store)))]


def at_once(requests: Sequence[TrainingRequest]) -> int:
    """How many of these can be trained at once: on the CPU as many as its cores carry, elsewhere one.

    On a cluster it is for its workers to say how many they have room for.
    """
    if address():
        return min(len(requests), most())
    if any(request.device.kind != "cpu" for request in requests):
        return 1
    threads = max(
        (request.processes * (request.device.threads or useful_threads(request)) for request in requests), default=1
    )
    return min(len(requests), max(1, device_lock.cores() // threads), MOST)


def most() -> int:
    """How many can be trained at once at most."""
    return MOST_AFAR if address() else MOST


class Shared:
    """What is to be trained, by whoever is free, and what has been.

    Args:
        requests: In the order in which they are begun, each once.
    """

    def __init__(self, requests: Sequence[TrainingRequest]) -> None:
        self._waiting = deque(requests)
        self._unfinished = {digest(request.key) for request in requests}
        self._changed, self._over = Condition(), False

    def take(self) -> TrainingRequest | None:
        """One that nobody has begun yet; None where there is nothing."""
        with self._changed:
            return self._waiting.popleft() if self._waiting else None

    def finish(self, request: TrainingRequest) -> None:
        """Note that its network is there."""
        with self._changed:
            self._unfinished.discard(digest(request.key))
            self._changed.notify_all()

    def lacks(self, request: TrainingRequest) -> bool:
        """Whether its network is still to come."""
        return digest(request.key) in self._unfinished

    def wait(self, request: TrainingRequest) -> bool:
        """Wait for its network, which a worker trains; False where that does not come."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or not self.lacks(request))
        return not self.lacks(request)

    def give_up(self) -> None:
        """Begin nothing more."""
        with self._changed:
            self._waiting.clear()

    def end(self) -> None:
        """Note that workers train nothing any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()


@contextmanager
def help_training(
    workers: AnyWorkers[TrainingRequest],
    requests: Sequence[TrainingRequest],
    parent: str,
    anew: Anew,
) -> Iterator[Shared]:
    """Let workers train while the block trains, too; what they have begun is finished when the block ends.

    A network whose worker died is left to the caller, who finds it missing. Once a training has failed, wherever that
    was, none is begun any more; an interrupt, and whatever else is raised here, ends those of the workers.

    Args:
        workers: Who helps.
        requests: What is to be trained.
        parent: The run that the trainings are children of.
        anew: Which of them are trained anew.

    Raises:
        Exception: What a training of a worker raised: the first one.
    """
    shared = Shared(requests)
    room = min(workers.room(request.training) for request in requests)
    ended = _collect(workers, shared, min(at_once(requests) - 1, room), parent, anew)
    with ThreadPoolExecutor(1, thread_name_prefix="feeder") as threads:
        try:
            feeder = threads.submit(copy_context().run, _feed, ended, shared, workers.stop)
            yield shared
            feeder.result()
        except BaseException:
            shared.give_up()
            workers.stop.set()
            raise


def _feed(ended: Iterator[tuple[TrainingRequest, Any]], shared: Shared, stop: Stop) -> None:
    """Keep workers busy, note what they finish, and raise the first error once all have ended."""
    failed: Exception | None = None
    try:
        for request, result in ended:
            if not isinstance(result, Exception):
                shared.finish(request)
                log.info("%s: trained beside", request.title)
            elif not isinstance(result, WorkerDied):
                shared.give_up()
                failed = failed or result
            elif not stop.is_set():
                log.warning("%s: %s; it is trained again", request.title, result)
    finally:
        shared.end()
    if failed is not None:
        raise failed


def _collect(
    workers: AnyWorkers[TrainingRequest], shared: Shared, most: int, parent: str, anew: Anew
) -> Iterator[tuple[TrainingRequest, Any]]:
    """What became of each training that workers have made, as they end."""
    busy = 0
    while True:
        while busy < most and not workers.stop.is_set() and (request := shared.take()) is not None:
            asked = {"request": request.model_dump(mode="json"), "parent": parent, "fresh": anew(request)}
            workers.submit(request, train_one, asked, request.training)
            busy += 1
        if not busy:
            return
        yield workers.wait()
        busy -= 1


@task(name="train beside", persist_result=False)
def train_one(request: dict[str, Any], parent: str, fresh: bool) -> None:
    """One training, in a worker process; its result lies in the cache."""
    asked = TrainingRequest.model_validate(request)
    require_same_code(asked)

    def work() -> None:
        with without_tags(), decide_threads(asked, current_store(), anew=fresh) as training:
            train_autoencoder.with_options(refresh_cache=fresh)(training, parent, fresh)

    at_work(work)
