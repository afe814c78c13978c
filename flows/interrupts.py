"""Interrupts: whether this process was told to end, by Ctrl-C or by a signal.

An interrupt is raised wherever the process happens to be, and comes out of libraries as what they make of it: another
exception, or none at all. So it is noted as well, and whatever ends the work from then on is that interrupt.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_noted = threading.Event()


def note() -> None:
    """Note one."""
    _noted.set()


def was_interrupted() -> bool:
    """Whether there was one that nobody has answered yet."""
    return _noted.is_set()


def answer() -> None:
    """Note that the user was told what came of it."""
    _noted.clear()


@contextmanager
def listen(*signals: signal.Signals, first: Callable[[], Any] = lambda: None) -> Iterator[None]:
    """Note these signals, and raise KeyboardInterrupt, while the block runs; where signals are not heard, do nothing.

    Args:
        signals: Which.
        first: What else is done at once.
    """

    def interrupt(number: int, frame: object) -> None:
        note()
        first()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
