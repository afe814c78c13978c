"""Who works on a run: a process of a machine, as the run's tags say it, and whether it still does.

Of this machine the kernel knows. Of others their heartbeat tells: they write the time into the run, once a minute.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil
from mlflow.entities import Run

from ..host import this_host
from ..process_tag import lives_here
from ..studio_record import began
from .values import tag

PID, STARTED, HOST, BEAT = "dae.pid", "dae.pid_started", "dae.host", "dae.heartbeat"
BEAT_SECONDS = 60.0
Process = tuple[str, str, str]  # its number, when it began, on which machine
LOST_SECONDS = 600.0  # without a heartbeat; clocks of machines may differ by minutes


def process_tags() -> dict[str, str]:
    """What a run's tags say of this process."""
    return {
        PID: str(os.getpid()),
        STARTED: f"{began(psutil.Process()):.2f}",
        HOST: str(this_host()),
        BEAT: f"{time.time():.0f}",
    }


def this_process() -> Process:
    """This process, as `worker` says it of a run."""
    here = process_tags()
    return here[PID], here[STARTED], here[HOST]


def worker(run: Run) -> Process | None:
    """The process that works on a run, or has worked on it last; None where we have not begun it."""
    tags = run.data.tags
    return (tags[PID], tags.get(STARTED, ""), tags.get(HOST, "")) if PID in tags else None


def is_ours(run: Run) -> bool:
    """Whether this very process works on a run."""
    return worker(run) == this_process()


def alive(run: Run) -> bool:
    """Whether the process that works on a run still lives (a reused number has another start time)."""
    tags = run.data.tags
    try:
        number, started, beat = int(tags[PID]), float(tags[STARTED]), float(tags.get(BEAT, 0))
    except (KeyError, ValueError):
        return True  # not started by us
    known = lives_here(tags.get(HOST, ""), number, started)
    return time.time() - beat < LOST_SECONDS if known is None else known


@contextmanager
def beating(runs: Callable[[], Sequence[str]]) -> Iterator[None]:
    """A block in which other machines are told, once a minute, that this process works on these runs."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            for run in tuple(runs()):
                with suppress(Exception):  # the next one comes in a minute
                    tag(run, {BEAT: f"{time.time():.0f}"})

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
