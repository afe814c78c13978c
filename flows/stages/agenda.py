"""Agenda: which of several trainings is under way, and how long those that are left take.

Time is told from what has been measured so far, pass by pass; before a first pass has ended nothing is told.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

log = logging.getLogger("daecore.progress")
MINUTE, HOUR = 60, 3600
SECONDS_TO, MINUTES_TO = 2 * MINUTE, 2 * HOUR  # up to so long a time is told in this unit


@dataclass
class Planned:
    """One training of an agenda.

    Attributes:
        stage: What its stage is called: ``train_control``, ``train mnist erasure(p=0.5) conv #0``.
        work: How much there is to do, beside the others; samples seen, for instance.
        open: Whether it is still to come, or under way.
    """

    stage: str
    work: float = 1
    open: bool = True

    @property
    def name(self) -> str:
        """What people read: ``control``."""
        short = self.stage.removeprefix("train_")
        return short.replace("_", " ") if short != self.stage else self.stage.removeprefix("train ")


class Agenda:
    """Trainings in the order in which they are done.

    Args:
        trainings: They, with their work.
        alone: Whether nobody else does some of them meanwhile; else no time is told of the whole.
    """

    def __init__(self, trainings: Sequence[Planned] = (), *, alone: bool = True) -> None:
        self.trainings, self.alone = trainings, alone
        self._under_way: Planned | None = None
        self._seconds, self._work = 0.0, 0.0  # measured so far
        self._since = time.monotonic()

    @contextmanager
    def under_way(self, stage: str) -> Iterator[None]:
        """The training of this stage is done while the block runs; one that is not on the agenda is not counted."""
        found = next((item for item in self.trainings if item.stage == stage and item.open), None)
        if found is None:
            yield
            return
        self._under_way, token = found, _CURRENT.set(self)
        if len(self.trainings) > 1:
            log.info("%s", self.position)
        try:
            yield
        finally:
            _CURRENT.reset(token)
            self._under_way, found.open = None, False

    @property
    def position(self) -> str:
        """``training 2 of 4: control``; empty where there is one only."""
        if self._under_way is None or len(self.trainings) < 2:
            return ""
        number = next(number for number, item in enumerate(self.trainings, 1) if item is self._under_way)
        return f"training {number} of {len(self.trainings)}: {self._under_way.name}"

    def begin(self) -> None:
        """From now on passes are measured."""
        self._since = time.monotonic()

    def format_remaining(self, done: int, total: int) -> str:
        """Where one is and what is left of the whole, as ``training 2 of 4: control, about 3 min of 7 left``.

        Args:
            done: Passes of the training under way; one has ended since it was told last.
            total: How many it has.
        """
        now = time.monotonic()
        work = self._under_way.work if self._under_way else 1
        self._seconds, self._work, self._since = self._seconds + now - self._since, self._work + work / total, now
        later = sum(item.work for item in self.trainings if item.open and item is not self._under_way)
        left = self._seconds / self._work * (work * (1 - done / total) + later)
        parts = [self.position, about(left, self._seconds + left) if self.alone or not later else ""]
        return ", ".join(part for part in parts if part)


def about(left: float, whole: float) -> str:
    """How much time is left of how much, as ``about 3 min of 7 left``; in seconds."""
    unit, seconds = ("s", 1) if whole < SECONDS_TO else ("min", MINUTE) if whole < MINUTES_TO else ("h", HOUR)
    form = ".1f" if unit == "h" else ".0f"
    return f"about {left / seconds:{form}} {unit} of {whole / seconds:{form}} left"


def current() -> Agenda:
    """The agenda whose training is under way here; one of that training alone, where nobody has planned."""
    return _CURRENT.get() or Agenda()


_CURRENT: ContextVar[Agenda | None] = ContextVar("agenda", default=None)
