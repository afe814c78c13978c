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


@contextmanager
def helped(
    workers: "Workers[str]", requests: Sequence[TrainingRequest], folder: str, parent: str, *, fresh: bool
) -> Iterator[Iterator[TrainingRequest]]:
    """Give what is to be trained here, one after the other, while workers train the rest; they end with the block.

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
    waiting = deque(requests)

    def feed() -> None:
        for name, result in _ended(workers, waiting, at_once(requests) - 1, folder, parent, fresh):
            if isinstance(result, WorkerDied):
                log.warning("%s: %s; it is trained again", name, result)
            elif isinstance(result, Exception):
                waiting.clear()
                raise result
            else:
                log.info("%s: trained beside", name)

    with ThreadPoolExecutor(1, thread_name_prefix="feeder") as threads:
        feeder = threads.submit(copy_context().run, feed)
        try:
            yield iter(lambda: _next(waiting), None)
        except BaseException:
            waiting.clear()
            workers.stop.set()
            raise
        feeder.result()


def _ended(
    workers: "Workers[str]", waiting: deque[TrainingRequest], most: int, folder: str, parent: str, fresh: bool
) -> Iterator[tuple[str, Any]]:
    """What became of each training that workers have made, as they end."""
    busy = 0
    while True:
        while busy < most and (request := _next(waiting)) is not None:
            values = {"request": request.model_dump(mode="json"), "folder": folder, "parent": parent, "fresh": fresh}
            workers.submit(f"{Corruptor(request.corruptions)}, seed {request.seed}", train_one, values)
            busy += 1
        if not busy:
            return
        yield workers.wait()
        busy -= 1


def _next(waiting: deque[TrainingRequest]) -> TrainingRequest | None:
    """What nobody has begun yet; None where there is nothing."""
    try:
        return waiting.popleft()
    except IndexError:
        return None


@task(name="train beside", persist_result=False)
def train_one(request: dict[str, Any], folder: str, parent: str, fresh: bool) -> None:
    """One training, in a worker process; its result lies in the cache."""
    asked = TrainingRequest.model_validate(request)
    with AtWork(), untagged():
        stages.train_autoencoder.with_options(refresh_cache=fresh)(asked, folder, parent, fresh)
