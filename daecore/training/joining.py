"""Joining: how a process becomes one of those that train together, and what is said where one of them is gone.

Knows torch's process groups. Does not begin processes, and does not know what is trained.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import distributed
from torch.distributed import Store  # type: ignore[attr-defined]  # exported, but not said to be

from daecore.errors import DaecoreError
from daecore.training.world import ALONE, World

PATIENCE = timedelta(minutes=30)  # how long one process waits for the others within a step
TORCHRUN = "TORCHELASTIC_RUN_ID"  # in the environment of every process that torchrun begins
INTERFACES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")  # where the libraries look for the network to speak over
# Of whose breaking the errors of collectives speak:
CONNECTIONS = ("gloo", "nccl", "connection closed", "connection reset", "broken pipe", "filestore", "tcpstore")


class RankLost(DaecoreError):
    """One of the processes that train together is gone, and the training with it; its checkpoint is intact."""


def rank_lost(who: str, how: str) -> RankLost:
    """What to say of it."""
    return RankLost(
        f"{who} that trained together is gone ({how}). The training has stopped; its last checkpoint is intact. Run "
        "the same again to go on from there."
    )


def is_broken(error: RuntimeError) -> bool:
    """Whether an error is that of a collective whose connection broke."""
    return any(word in str(error).lower() for word in CONNECTIONS)


def launched_world() -> World:
    """Which of torchrun's processes this one is; alone where torchrun did not begin it."""
    if TORCHRUN not in os.environ:
        return ALONE
    return World(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


@contextmanager
def join_world(
    device: str = "cpu", *, store: Store | None = None, world: World | None = None, interface: str = ""
) -> Iterator[World]:
    """Be one of the processes that train together, for a block.

    Without arguments these are torchrun's; a process that nobody began so is alone.

    Args:
        device: ``cpu`` or ``cuda``; of several GPUs a process takes the one of its number on its machine.
        store: Where the processes find each other, if torchrun did not begin them.
        world: Which of them this is, likewise.
        interface: The network they speak over, as ``lo``, for the block; if empty, what the environment or torch
            chooses.
    """
    found = world or launched_world()
    if found.size == 1:
        yield found
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", found.rank)) % torch.cuda.device_count())
    given: dict[str, Any] = {} if store is None else {"store": store, "rank": found.rank, "world_size": found.size}
    with _environment(dict.fromkeys(INTERFACES, interface) if interface else {}):
        distributed.init_process_group("nccl" if device == "cuda" else "gloo", timeout=PATIENCE, **given)
        try:
            yield found
        finally:
            distributed.destroy_process_group()


@contextmanager
def _environment(names: dict[str, str]) -> Iterator[None]:
    """Variables of the environment for a block."""
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
