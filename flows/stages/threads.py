"""Threads: with how many a stage computes: as the user says, as what is there was computed, or as many as are free.

Another number gives other bytes, so it is part of the key. Where the user names none, a finished result or a checkpoint
of any number is taken and goes on with its own; only what begins new looks how many cores are free.
"""

import logging
import math
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TypeVar

from daecore.plugin.spec import digest
from daecore.processors import usable

from ..store import device_lock, tracking
from ..store.locks import StoreLock, hold
from ..store.store import Store
from .publish import find_published
from .stage import DeviceRequest, Request
from .torchrun import processes_here
from .training import TrainingRequest

SMALL = 28 * 28  # on samples of fewer values a second thread costs more than it brings: see docs/decisions/threads.md

log = logging.getLogger("daecore.progress")

Asked = TypeVar("Asked", bound=Request)


@contextmanager
def decide_threads(request: Asked, store: Store, *, anew: bool = False) -> Iterator[Asked]:
    """The request with its number of threads; inside the block others know that it is computed with so many.

    Args:
        request: What is asked for; where it names threads, or does not depend on them, it stays as it is.
        store: Where results and checkpoints lie.
        anew: Whether what is there does not count.
    """
    if not isinstance(request, DeviceRequest):
        yield request
        return
    begun = _Begun(request, store)
    with ExitStack() as around:
        named = request.device.threads
        threads = named or begun.known_number(anew=anew)
        if threads:
            around.enter_context(begun.computing(threads))
            if not named and threads != useful_threads(request):
                log.info("%s: begun with %s before, which it keeps", request.key.stage, _threads(threads))
        else:
            with store.lock(f"threads-{begun.name}"):  # of two that begin at once the second joins the first
                threads = begun.known_number(anew=anew) or _free(request)
                around.enter_context(begun.computing(threads))
        yield request.with_threads(threads)


def keys(request: Request, store: Store) -> list[str]:
    """The keys under which its result may lie: its own, or that of each number of threads it was begun with."""
    if not isinstance(request, DeviceRequest) or request.device.threads:
        return [digest(request.key)]
    return [digest(request.with_threads(number).key) for number in _Begun(request, store).numbers()]


def without_threads(request: Request) -> str:
    """The key whatever the threads: by it the folder is called that says with how many a request was begun."""
    return digest(request.with_threads(0).key if isinstance(request, DeviceRequest) else request.key)


def useful_threads(request: DeviceRequest) -> int:
    """How many threads are worth having where nobody else computes, for each of the processes that share the work."""
    if request.device.kind == "cpu" and math.prod(request.dataset.shape) < SMALL:
        return 1
    return max(1, usable() // processes_here(request.processes))


def _free(request: DeviceRequest) -> int:
    """How many a stage that begins new takes."""
    most = useful_threads(request)
    if request.device.kind != "cpu":
        return most
    processes = processes_here(request.processes)
    found = max(1, device_lock.free(most * processes) // processes)
    if found < most:
        log.info("%s: %s, as other cores are in use", request.key.stage, _threads(found))
    return found


class _Begun:
    """With which numbers of threads something was begun in this store: a file for each, which holds the key.

    Args:
        request: What was begun, with whatever number.
        store: Where it lies, in a folder among the results.
    """

    def __init__(self, request: DeviceRequest, store: Store) -> None:
        self.request, self.store = request, store
        self.name = without_threads(request)
        self.folder = store.results / self.name

    def numbers(self) -> list[int]:
        """The numbers, the latest first."""
        files = self.store.files
        found = [path for path in files.within(self.folder) if path.name.isdecimal()]
        latest = sorted(found, key=lambda path: files.size(path).written, reverse=True) if found[1:] else found
        return [int(path.name) for path in latest]

    def known_number(self, *, anew: bool) -> int:
        """The number to take: the latest that is finished or stopped, else of somebody who is at it; 0 for none."""
        found = [] if anew else self.numbers()
        for there in (self._is_left, self._under_way):
            for number in found:
                if there(number):
                    return number
        return 0

    @contextmanager
    def computing(self, threads: int) -> Iterator[None]:
        """A block that others see as under way; the kernel forgets it when the process dies."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / str(threads)
        file.write_text(self._key(threads))
        self.store.files.give(file)
        with hold(self._lock(threads, shared=True), self.name):
            yield

    def _key(self, threads: int) -> str:
        return digest(self.request.with_threads(threads).key)

    def _is_left(self, threads: int) -> bool:
        """Whether it was stopped, or Prefect keeps its result, or it was published and killed before Prefect knew."""
        key = self._key(threads)
        kept = (self.store.checkpoint(key), self.store.cached_results / key)
        if any(map(self.store.files.holds, kept)):
            return True
        run = tracking.training_run(key) if isinstance(self.request, TrainingRequest) else None
        return run is not None and find_published(run.data.tags, self.store) is not None

    def _under_way(self, threads: int) -> bool:
        with closing(self._lock(threads)) as lock:
            return not lock.take()

    def _lock(self, threads: int, *, shared: bool = False) -> StoreLock:
        """Of whoever computes it with so many, which several may do: of two that begin at once one waits for it."""
        return self.store.lock_named(f"begun-{self._key(threads)}", shared=shared)


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"
