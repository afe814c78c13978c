"""torchrun's processes: the first one runs the command, the others are told what it trains, and follow.

They find each other in torchrun's own store. A script may give several commands one after the other: each has its
number, the same for all processes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from torch.distributed import DistStoreError, PrefixStore, Store  # type: ignore[attr-defined]  # exported all the same
from torch.distributed.rendezvous import rendezvous

from daecore.record import Record
from daecore.training.joining import join_world, launched_world
from daecore.training.world import World

RESTARTS = "TORCHELASTIC_RESTART_COUNT"  # in the environment of what torchrun begins
COMMAND = "DAE_TORCHRUN_COMMAND"  # in ours: which command of the script this is
END = ""  # in place of a message
TURN = timedelta(seconds=30)  # how long a follower waits at a time


class Told(Record):
    """What the first process tells the others of a training.

    Attributes:
        request: What is trained, as JSON.
        folders: Its store and its data, for those whose environment names none.
    """

    request: str
    folders: dict[str, str]


def processes_here(devices: int) -> int:
    """How many of so many processes compute on this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if launched_world().size > 1 and devices > 1 else devices


def begin_command() -> None:
    """Note in the environment which command of a script this process is at: every process counts for itself."""
    os.environ[COMMAND] = str(meeting_store().add(f"daecore-{_attempt()}-commands-{launched_world().rank}", 1))


def tell(told: Told) -> int:
    """Let the others follow a training; its number."""
    return _tell(told.model_dump_json())


def dismiss() -> None:
    """Let the others end."""
    _tell(END)


def next_message(number: int) -> Told | None:
    """What the first process trains as its training of this number, when it does; None when it has ended."""
    store, key = meeting_store(), _key(number)
    while True:
        with suppress(DistStoreError):
            store.wait([key], TURN)
            said = bytes(store.get(key)).decode()
            return None if said == END else Told.model_validate_json(said)


@contextmanager
def meet_launched(device: str, number: int) -> Iterator[World]:
    """Be one of those that train together, in the training of this number."""
    store = PrefixStore(f"daecore-{_attempt()}-{os.environ[COMMAND]}-{number}", meeting_store())
    with join_world(device, store=store, world=launched_world()) as world:
        yield world


def meeting_store() -> Store:
    """Where the processes find each other: torchrun's store."""
    store: Store = next(iter(rendezvous("env://")))[0]
    return store


def _tell(text: str) -> int:
    store = meeting_store()
    number = int(store.add(f"daecore-{_attempt()}-{os.environ[COMMAND]}-next", 1)) - 1
    store.set(_key(number), text)
    return number


def _key(number: int) -> str:
    return f"daecore-{_attempt()}-{os.environ[COMMAND]}-request-{number}"


def _attempt() -> str:
    """Which attempt of torchrun's this is: what an earlier one has said still stands in its store."""
    return os.environ.get(RESTARTS, "0")
