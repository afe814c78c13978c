"""Worker processes for Prefect tasks: one crash takes one task with it, an interrupt ends them all.

Prefect's `ProcessPoolTaskRunner` gives up all its tasks when one of its processes dies. So each slot here is such a
runner with one process, which is replaced when it breaks. The process stays warm between tasks.
"""

import gc
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from prefect import Task
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import ProcessPoolTaskRunner

from daecore.training.options import TrainingOptions

from .. import interrupts
from ..store.temporary_files import keep_to_own_folder, let_go_of_folder
from ..store.unfinished import close_runs
from .console import loud, silence

POLL_SECONDS, REPEAT_SECONDS = 0.5, 20  # how often a worker looks whether it is to end; when it is told again
GRACE_SECONDS = 5  # for Prefect to note how a task ended

Job = TypeVar("Job")
Result = TypeVar("Result")


class WorkerDied(Exception):
    """A task's process is gone, and its task with it."""


class Workers(Generic[Job]):
    """As many processes as wished, each doing one task at a time.

    A job is whatever the caller knows a task by; `wait` gives it back with what became of it.
    """

    def __init__(self, count: int) -> None:
        self.slots: list[ProcessPoolTaskRunner | None] = [None] * count
        self.idle = list(range(count))
        self.done: SimpleQueue[tuple[int, Job, Any]] = SimpleQueue()
        self.stop = multiprocessing.get_context("spawn").Event()
        self.around = ExitStack()

    def __enter__(self) -> "Workers[Job]":
        with get_client(sync_client=True) as client:  # the server of this process serves the workers, too
            self.around.enter_context(temporary_settings({PREFECT_API_URL: str(client.api_url).rstrip("/")}))
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            self.stop.set()
        begun = [slot for slot in self.slots if slot is not None]
        try:
            with ThreadPoolExecutor(max(1, len(begun))) as ends:  # each takes seconds, for Prefect's last words
                list(ends.map(lambda slot: slot.__exit__(None, None, None), begun))
        finally:
            self.around.close()

    def room(self, training: TrainingOptions) -> int:
        """How many tasks with such a training can be under way."""
        return len(self.slots)

    def require_room(self, training: TrainingOptions) -> None:
        """Refuse nothing: trainings of one machine take turns."""

    @property
    def busy(self) -> bool:
        """Whether any task is under way."""
        return len(self.idle) < len(self.slots)

    def submit(self, job: Job, task: Task[..., Any], parameters: dict[str, Any], training: TrainingOptions) -> None:
        """Begin a task in an idle process; there must be one."""
        number = self.idle.pop()
        runner = self.slots[number]
        if runner is None:
            runner = ProcessPoolTaskRunner(max_workers=1, initializer=_watch, initargs=(self.stop, os.getpid(), loud()))
            self.slots[number] = runner.__enter__()
        with _without_interrupts():
            future = runner.submit(task, parameters)
        future.add_done_callback(lambda done: self.done.put((number, job, done)))

    def wait(self) -> tuple[Job, Any]:
        """The next task that ends: its job, and its result or the exception that ended it."""
        number, job, future = self.done.get()
        try:
            result = future.result()
        except BrokenProcessPool:
            result = WorkerDied("its process died, for want of memory or by a kill from outside")
            broken, self.slots[number] = self.slots[number], None
            if broken is not None:
                broken.__exit__(None, None, None)
        except Exception as error:
            result = error
        self.idle.append(number)
        return job, result


_at_work = threading.Event()  # in a worker: whether an interrupt has something to end
_ending = threading.Event()  # in a worker: nothing more is to begin
_task = threading.Lock()  # in a worker: held until a task has noted what came of it


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """A block whose new processes do not hear Ctrl-C in the terminal, before they can say that it is not theirs."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Interrupted(Exception):
    """A task was ended, as Ctrl-C would end it.

    An exception like any other: with a `KeyboardInterrupt` for a result the pool's own thread would end, and whoever
    waits for the result would wait for ever.
    """


def at_work(work: Callable[[], Result]) -> Result:
    """What the work of a task gives; an interrupt of the whole ends it, and once there was one, nothing begins.

    Raises:
        Interrupted: In place of an interrupt, and of whatever else is meant to end a process.
    """
    if not gc.isenabled():
        gc.freeze()  # what was imported stays
        gc.enable()
    with _task:
        try:
            try:
                _at_work.set()
                if _ending.is_set():
                    raise KeyboardInterrupt
                return work()
            finally:
                _at_work.clear()
        except BaseException as error:
            if isinstance(error, Exception) and not interrupts.was_interrupted():
                raise
            _at_work.clear()  # where the interrupt came while that was done
            close_runs()
            raise Interrupted(f"interrupted ({type(error).__name__})") from error


def _watch(stop: Any, parent: int, shown: bool) -> None:
    """In a new worker: leave Ctrl-C to the parent, and end when it says so or is gone."""
    keep_to_own_folder()
    gc.disable()  # until its imports are made: see `at_work`
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, _interrupt)
    if not shown:
        silence()
        logging.getLogger("daecore").propagate = False  # libraries put handlers on the root
    threading.Thread(target=_watch_parent, args=(stop, parent), daemon=True).start()


def _watch_parent(stop: Any, parent: int) -> None:
    """Wait for the end of the whole; then end the work, until it is ended, and the process."""
    while not stop.wait(POLL_SECONDS) and os.getppid() == parent:
        pass
    _ending.set()
    while _at_work.is_set():
        os.kill(os.getpid(), signal.SIGTERM)
        told = time.monotonic()
        while _at_work.is_set() and time.monotonic() - told < REPEAT_SECONDS:
            time.sleep(POLL_SECONDS)
    with _task:  # nothing more begins
        time.sleep(GRACE_SECONDS)
        let_go_of_folder()
        os._exit(1)  # an interrupted pool may never tell its processes to end


def _interrupt(number: int, frame: object) -> None:
    interrupts.note()
    if _at_work.is_set():
        raise KeyboardInterrupt
