"""Cluster ranks: the processes that follow a training on a Ray cluster, on whichever machines Ray has kept room.

Who asks for a training has Ray keep a bundle of processors and GPUs for each of its processes (`workers.cluster`). The
first one leads, and begins the others where their bundles are. They meet at its machine. Knows Ray, which only a
cluster's process does.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psutil
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # exported, but not said to be

from daecore.errors import in_a_line
from daecore.record import Record
from daecore.training.joining import is_broken, join_world, rank_lost
from daecore.training.world import World

POLL_SECONDS = 0.5
GRACE_SECONDS = 20.0  # for a follower to end with its training, and for Ray to say that one is gone
CONNECT = timedelta(seconds=60)  # for a follower to reach the first one's machine
LOOPBACK = "127."

_room: list[Any] = []  # the bundles that Ray has kept for the present task of this process


class Meeting(Record):
    """Where the processes of a training meet.

    Attributes:
        host: The first one's machine.
        port: There.
        size: How many meet.
    """

    host: str
    port: int
    size: int

    def store(self) -> TCPStore:
        """The meeting, joined."""
        return TCPStore(self.host, self.port, self.size, is_master=False, timeout=CONNECT)


@contextmanager
def kept_room() -> Iterator[None]:
    """A task of a cluster, in which `rooms` knows what Ray has kept for it: Ray tells its first thread alone."""
    import ray

    group = ray.util.get_current_placement_group()
    _room[:] = [] if group is None else [group]
    try:
        yield
    finally:
        _room.clear()


def rooms() -> int:
    """For how many processes the cluster has kept room; one outside of a cluster."""
    return len(_room[0].bundle_specs) if _room else 1


class Followers:
    """All but the first process of a training, on their machines.

    Attributes:
        meeting: Where they come to.
    """

    def __init__(self, request: str, size: int) -> None:
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        from .follower import follow_meeting  # which knows this file

        here = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        self._ray = ray
        self._store = TCPStore(here, 0, size, is_master=True, wait_for_workers=False)
        self.meeting = Meeting(host=here, port=self._store.port, size=size)
        self._tasks = []
        for rank in range(1, size):
            bundle = _room[0].bundle_specs[rank]
            asked = ray.remote(follow_meeting).options(
                num_cpus=bundle["CPU"], num_gpus=bundle.get("GPU", 0), max_retries=0, name=f"follower {rank}",
                scheduling_strategy=PlacementGroupSchedulingStrategy(_room[0], rank),
            )  # fmt: skip
            self._tasks.append(asked.remote(request, rank, self.meeting.model_dump()))

    @property
    def store(self) -> TCPStore:
        """The meeting, as its first process has it."""
        return self._store

    def wait(self) -> None:
        """Wait until each is ready, in turns between which an interrupt is heard; a meeting would not hear it.

        Raises:
            RankLost: One ended.
        """
        ready = [sign_of_life(rank) for rank in range(1, self.meeting.size)]
        while not self._store.check(ready):
            self.require_all(0)
            time.sleep(POLL_SECONDS)

    def require_all(self, seconds: float) -> None:
        """Refuse to go on where one is gone, or is so within so long.

        Raises:
            RankLost: One ended.
        """
        if lost := self.lost(seconds):
            try:
                self._ray.get(lost)
                how = "it ended too early"
            except self._ray.exceptions.RayTaskError as error:
                how = f"it ended with {type(error.cause).__name__}: {in_a_line(str(error.cause))}"
            except self._ray.exceptions.RayError:
                how = "its process or its machine died"
            raise rank_lost(f"Process {self._tasks.index(lost) + 1} of the {self.meeting.size}", how)

    def lost(self, seconds: float) -> Any:
        """One that has ended, or does within so long; None where none does."""
        ended, _ = self._ray.wait(self._tasks, num_returns=1, timeout=seconds)
        return ended[0] if ended else None

    def end(self, seconds: float) -> None:
        """Let them end by themselves within so long, and end them otherwise."""
        _, left = self._ray.wait(self._tasks, num_returns=len(self._tasks), timeout=seconds)
        for task in left:
            self._ray.cancel(task, force=True)


@contextmanager
def followers_of(request: str, size: int) -> Iterator[Followers]:
    """All but the first process, begun for the block."""
    found, seconds = Followers(request, size), 0.0
    try:
        yield found
        seconds = GRACE_SECONDS  # they end when the training does
    finally:
        found.end(seconds)


@contextmanager
def lead_meeting(followers: Followers, device: str) -> Iterator[World]:
    """Be the first of them.

    Raises:
        RankLost: One of the others is gone.
    """
    try:
        with _watched(followers), meet(followers.store, device, World(0, followers.meeting.size)) as world:
            yield world
    except RuntimeError as error:  # torch's own are of no narrower class
        if is_broken(error):
            followers.require_all(GRACE_SECONDS)
        raise


@contextmanager
def meet(store: TCPStore, device: str, world: World) -> Iterator[World]:
    """Be one of those that meet; they speak over the network by which Ray knows this machine."""
    import ray

    interface = interface_of(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
    with join_world(device, store=store, world=world, interface=interface) as found:
        yield found


def sign_of_life(rank: int) -> str:
    """The name by which a follower says that it has loaded what it needs."""
    return f"daecore-{rank}-here"


def interface_of(address: str) -> str:
    """The name of the network that has an address of this machine; empty where none does."""
    for name, found in psutil.net_if_addrs().items():
        known = [entry.address for entry in found if entry.family in (socket.AF_INET, socket.AF_INET6)]
        if address in known or (address.startswith(LOOPBACK) and any(it.startswith(LOOPBACK) for it in known)):
            return str(name)
    return ""


@contextmanager
def _watched(followers: Followers) -> Iterator[None]:
    """A block in which this process ends if a follower is gone and it does not hear of that by its connection.

    So it is with a machine without power, and on GPUs. Ray begins the training again.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_SECONDS):
            if followers.lost(0) is not None and not over.wait(GRACE_SECONDS):
                print("A process that trained together with this one is gone.", file=sys.stderr)
                os._exit(1)

    threading.Thread(target=watch, name="followers", daemon=True).start()
    try:
        yield
    finally:
        over.set()
