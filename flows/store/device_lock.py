"""Devices: who computes when. A GPU is held whole; of the CPU everybody holds as many cores as threads are asked for.

They are the machine's: whoever computes here waits for the others, whatever store they work in. Does not know what is
computed.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from daecore.device import Device
from daecore.processors import slots

from .machine import Lock, holders, locks

POLL_SECONDS = 0.1  # how often one who waits looks whether something is free
PATIENCE_SECONDS = 60.0  # how long one who has some cores lets them idle while he waits for more
PASS_SECONDS = 1.0  # how long he then stands back, so that each who waits has looked once
PASSES = 5  # how often others may take what he had given back, before he waits without giving way
QUEUE = "queue"  # who holds it takes cores next: two who had a core each would wait for the other's

ONE_CORE = Device(kind="cpu", precision="float32", threads=1)  # for what no number of threads makes faster

log = logging.getLogger("daecore.progress")  # heard whatever level libraries give the root


@contextmanager
def hold(device: Device, processes: int = 1) -> Iterator[None]:
    """Hold what a device computes with, waiting for whoever holds it; the kernel frees it when the process dies.

    Args:
        device: On what each process computes.
        processes: How many of them compute together on this machine: on as many GPUs, or on so many times the threads.
    """
    if device.kind == "cpu":
        with _queue() as turn:
            wanted = min(device.threads * processes, len(turn.cores))
            _until(lambda: turn.take(wanted), f"{wanted} core{'s' * (wanted > 1)}", turn.cores)
            turn.end()
            yield
    else:
        with locks(_gpus(device.kind, processes)) as found:
            for gpu in found:
                _until(gpu.take, "the GPU", found)
            yield


def free(most: int) -> int:
    """How many cores are free, at most so many; waits until one is."""
    with _queue() as turn:
        if not turn.cores:
            return most
        _until(lambda: turn.free() > 0, "a core", turn.cores)
        return min(most, turn.free())


def cores() -> int:
    """How many cores this process shares with the others of this machine."""
    return len(slots())


def fitting(device: Device) -> Device:
    """The device with as many of its threads as there are free cores, for what no number of threads is kept with."""
    return device.model_copy(update={"threads": free(device.threads)}) if device.kind == "cpu" else device


class _Turn:
    """A place in the queue for cores: whoever is the first in it takes each one as it becomes free.

    Who has some and lacks others for long gives back what he has, so that those who need fewer go first; a few times
    only, or he would wait for ever.

    Attributes:
        cores: Those there are; none where the machine's locks cannot be opened.
        mine: Those that were taken.
    """

    def __init__(self, queue: Sequence[Lock], cores: Sequence[Lock]) -> None:
        self.cores, self.mine = cores, list[Lock]()
        self._queue, self._first = queue, False
        self._since, self._given, self._passes = 0.0, list[Lock](), 0

    def take(self, wanted: int) -> bool:
        """Take what is free; whether there are so many now."""
        if not self._is_first():
            return False
        if not self.mine:
            self._since = time.monotonic()
        for core in self.cores:
            if len(self.mine) < wanted and core not in self.mine and core.take():
                self.mine.append(core)
        if len(self.mine) >= wanted:
            return True
        self._passes += any(core not in self.mine for core in self._given)
        self._given = []
        if self.mine and self._passes < PASSES and time.monotonic() - self._since > PATIENCE_SECONDS:
            self._stand_back()
        return False

    def free(self) -> int:
        """How many could be taken now."""
        return sum(core.free() for core in self.cores) if self._is_first() else 0

    def end(self) -> None:
        """Let the next one come."""
        for lock in self._queue:
            lock.release()

    def _stand_back(self) -> None:
        """Let those pass for whom there is enough."""
        self._given, self.mine = self.mine, []
        for lock in self._given:
            lock.release()
        self.end()
        self._first = False
        time.sleep(PASS_SECONDS)

    def _is_first(self) -> bool:
        self._first = self._first or all(lock.take() for lock in self._queue)
        return self._first


@contextmanager
def _queue() -> Iterator[_Turn]:
    with locks([QUEUE, *slots()]) as found:
        yield _Turn(found[:1], found[1:])


def _until(ready: Callable[[], bool], what: str, wanted: Sequence[Lock]) -> None:
    """Wait; who waits says so, and for whom."""
    if ready():
        return
    users = holders([lock.path for lock in wanted])
    log.warning("waiting for %s of this machine%s", what, f", in use by {users}" if users else "")
    while not ready():
        time.sleep(POLL_SECONDS)


def _gpus(device: str, processes: int) -> list[str]:
    """The names of the GPUs that torch computes on, the same for every process whatever devices it sees.

    One process computes on the present one, several on the first ones. All take them in one order: two who had one
    each would wait for the other's.
    """
    if not torch.cuda.is_available():
        return [device]
    seen = range(min(processes, torch.cuda.device_count())) if processes > 1 else [torch.cuda.current_device()]
    return sorted(f"gpu-{torch.cuda.get_device_properties(number).uuid}" for number in seen)
