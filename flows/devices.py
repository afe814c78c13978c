"""Devices: who computes when. A GPU is held whole; of the CPU everybody holds as many cores as threads are asked for.

Knows locks. Does not know what is computed.
"""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from filelock import FileLock, Timeout

from daecore.place import Place

from .store import Store

LOOK_SECONDS = 0.1  # how often one who waits for cores looks whether some are free


@contextmanager
def held(place: Place, store: Store) -> Iterator[None]:
    """Hold what a place computes with, waiting for whoever holds it; the kernel frees it when the process dies."""
    with ExitStack() as ours:
        if place.device == "cpu":
            with store.lock("device-cpu"):  # one at a time collects: two with a core each would wait for the other's
                _collect(min(place.threads, cores()), store, ours)
        else:
            ours.enter_context(store.lock(f"device-{place.device}"))
        yield


def cores() -> int:
    """How many cores this process may use, as `resolve_place` counts them."""
    return len(os.sched_getaffinity(0))


def _collect(wanted: int, store: Store, ours: ExitStack) -> None:
    """Take so many cores, each as it becomes free."""
    locks = [FileLock(store.root / "locks" / f"core-{number}.lock") for number in range(cores())]
    wanted -= _taken(locks, wanted, ours)
    if wanted:
        logging.getLogger("daecore").warning("other processes of this store compute; waiting for %d cores", wanted)
    while wanted:
        time.sleep(LOOK_SECONDS)
        wanted -= _taken(locks, wanted, ours)


def _taken(locks: list[FileLock], most: int, ours: ExitStack) -> int:
    """Take what is free; how many that were."""
    before = len(locks)
    for lock in list(locks):
        if before - len(locks) == most:
            break
        try:
            ours.enter_context(lock.acquire(timeout=0))
        except Timeout:
            continue
        locks.remove(lock)
    return before - len(locks)
