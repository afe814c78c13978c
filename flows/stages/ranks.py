"""Ranks: the processes that train one network together, and which of them this one is.

The first one is the process that was to train: it alone writes. The others follow: they are begun here, on this
machine (`local_ranks`) or where a cluster has kept room (`cluster_ranks`), or torchrun has begun them (`torchrun`).
Does not know how a network is trained.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from daecore.errors import InputError, in_a_line
from daecore.training.joining import is_broken, launched_world, rank_lost
from daecore.training.world import ALONE, World

from ..store.environment import DATA, STORE
from . import cluster_ranks, torchrun
from .local_ranks import await_all, ending_collectives, followers_of, meet, naming_the_lost

Prepared = TypeVar("Prepared")


def require_devices(device: str, size: int) -> None:
    """Refuse more processes than there are GPUs, and another number than torchrun has begun.

    Args:
        device: ``cpu`` or ``cuda``.
        size: How many are to train together.

    Raises:
        InputError: As above.
    """
    found = launched_world().size
    if found not in (1, size):
        raise InputError(
            f"torchrun has begun {found} processes, and training.devices is {size}. Set training.devices={found}, or "
            f"let torchrun begin {size}."
        )
    there = torch.cuda.device_count() if device == "cuda" else size
    if processes_here(size) > there:
        raise InputError(
            f"training.devices is {size}, and torch sees {there} CUDA device{'s' * (there != 1)} here. Take as many, "
            "or begin `dae` by torchrun or on a cluster, on several machines."
        )


def processes_here(size: int) -> int:
    """How many of so many processes compute on this machine, as far as this one is to care: a cluster keeps count."""
    return 1 if cluster_ranks.rooms() == size else torchrun.processes_here(size)


@contextmanager
def lead(request: str, device: str, size: int, prepare: Callable[[], Prepared]) -> Iterator[tuple[World, Prepared]]:
    """A block in which so many processes train together, of which this is the first one.

    Args:
        request: What is trained, as JSON, for the others.
        device: ``cpu`` or ``cuda``.
        size: How many.
        prepare: Loads what this one needs, while the others load theirs.

    Raises:
        InputError: See `require_devices`.
        RankLost: One of them ended before its time.
    """
    require_devices(device, size)
    if size == 1:
        yield ALONE, prepare()
    elif launched_world().size == size:
        folders = {name: os.environ[name] for name in (STORE, DATA) if name in os.environ}
        number, prepared = torchrun.tell(torchrun.Told(request=request, folders=folders)), prepare()
        try:
            with torchrun.meet_launched(device, number) as world:
                yield world, prepared
        except RuntimeError as error:  # torch's own are of no narrower class
            if not is_broken(error):
                raise
            raise rank_lost("One of torchrun's processes", in_a_line(str(error))) from error
    elif cluster_ranks.rooms() == size:
        with cluster_ranks.followers_of(request, size) as afar:
            prepared = prepare()
            afar.wait()
            with cluster_ranks.lead_meeting(afar, device) as world:
                yield world, prepared
    else:
        with followers_of(request, size) as (folder, followers):
            prepared = prepare()
            await_all(folder, followers)
            met, named = meet(folder, device, World(0, size)), naming_the_lost(folder, followers)
            with met as world, named, ending_collectives(followers, device):
                yield world, prepared
