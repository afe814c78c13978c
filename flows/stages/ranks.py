"""Ranks: the processes that train one network together: how they are begun, told what to train, watched and ended.

The first one is the process that was to train: it alone writes. The others follow: they are begun here, on this
machine, or torchrun has begun them, on any number of machines. Does not know how a network is trained.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import torch
from torch.distributed import (  # type: ignore[attr-defined]  # exported, but not said to be
    DistError,
    DistStoreError,
    FileStore,
    PrefixStore,
    Store,
)
from torch.distributed.rendezvous import rendezvous

from daecore.errors import DaecoreError, InputError, in_a_line
from daecore.record import Record
from daecore.training.world import ALONE, World, join_world

from ..store.store import DATA, STORE

POLL_SECONDS = 0.1
GRACE_SECONDS = 10.0  # for a process to end: a follower that is told to, or one that a broken connection tells of
REQUEST, MEETING = "request.json", "meeting"  # in the folder of a training: what is trained, and where all meet
TORCHRUN, RESTARTS = "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT"  # in the environment of what it begins
NEXT, END = "daecore-next", ""  # in torchrun's store: how many trainings were told of; what ends the following
TELL = timedelta(seconds=30)  # how long a follower waits at a time


class RankLost(DaecoreError):
    """One of the processes that train together is gone, and the training with it; its checkpoint is intact."""


def launched() -> World:
    """Which of torchrun's processes this one is; alone where torchrun did not begin it."""
    if TORCHRUN not in os.environ:
        return ALONE
    return World(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


def processes_here(devices: int) -> int:
    """How many of so many processes compute on this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if launched().size > 1 else devices


def require_devices(device: str, size: int) -> None:
    """Refuse more processes than there are GPUs, and another number than torchrun has begun.

    Args:
        device: ``cpu`` or ``cuda``.
        size: How many are to train together.

    Raises:
        InputError: As above.
    """
    found = launched().size
    if found not in (1, size):
        raise InputError(
            f"torchrun has begun {found} processes, and training.devices is {size}. Set training.devices={found}, or "
            f"let torchrun begin {size}."
        )
    there = torch.cuda.device_count() if device == "cuda" else size
    if processes_here(size) > there:
        raise InputError(
            f"training.devices is {size}, and torch sees {there} CUDA device{'s' * (there != 1)} here. Take as "
            "many, or begin `dae` by torchrun on several machines."
        )


@contextmanager
def lead(request: str, device: str, size: int) -> Iterator[World]:
    """A block in which so many processes train together, of which this is the first one.

    Args:
        request: What is trained, as JSON, for the others.
        device: ``cpu`` or ``cuda``.
        size: How many.

    Raises:
        InputError: See `require_devices`.
        RankLost: One of them ended before its time.
    """
    require_devices(device, size)
    if size == 1:
        yield ALONE
    elif launched().size == size:
        with _lead_launched(request, device) as world:
            yield world
    else:
        with _lead_here(request, device, size) as world:
            yield world


@contextmanager
def meet(folder: Path, device: str, world: World) -> Iterator[World]:
    """Be one of those that were begun on this machine: they meet in a file, and speak over the loopback alone."""
    store = FileStore(str(folder / MEETING), world.size)
    with _environment("GLOO_SOCKET_IFNAME", "lo"), join_world(device, store=store, world=world) as found:
        yield found


@contextmanager
def follow_launched(device: str, number: int) -> Iterator[World]:
    """Be one of those that torchrun has begun, in its training of this number."""
    store = PrefixStore(f"daecore-{_attempt()}-{number}", torchrun_store())
    with join_world(device, store=store, world=launched()) as world:
        yield world


class Told(Record):
    """What torchrun's first process tells the others of a training.

    Attributes:
        request: What is trained, as JSON.
        folders: Its store and its data, for those whose environment names none.
    """

    request: str
    folders: dict[str, str]


def next_message(store: Store, number: int) -> Told | None:
    """What torchrun's first process trains as its training of this number, when it does; None when it has ended."""
    while True:
        with suppress(DistStoreError):
            store.wait([_key(number)], TELL)
            said = bytes(store.get(_key(number))).decode()
            return None if said == END else Told.model_validate_json(said)


def torchrun_store() -> Store:
    """Where the processes that torchrun has begun find each other."""
    store: Store = next(iter(rendezvous("env://")))[0]
    return store


def tell(told: Told) -> int:
    """Let those that torchrun has begun follow a training; its number."""
    return _tell(told.model_dump_json())


def dismiss() -> None:
    """Let those that torchrun has begun end, if this is the first of them."""
    if launched().size > 1:
        _tell(END)


def sign_of_life(folder: Path, rank: int) -> Path:
    """The file by which a follower says that it lives."""
    return folder / f"{rank}.here"


def begin_follower(folder: Path, rank: int, size: int) -> subprocess.Popen[bytes]:
    """A process that follows the training of a folder; what it says goes into a file there."""
    told = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    with (folder / f"{rank}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "daecore_flows.stages.follower", str(folder)],
            env=os.environ | told, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,  # Ctrl-C is the first one's to answer
        )  # fmt: skip


@contextmanager
def _lead_here(request: str, device: str, size: int) -> Iterator[World]:
    """The others are begun for the block, as processes of this machine."""
    with tempfile.TemporaryDirectory(prefix="daecore-ranks-") as name:
        folder = Path(name)  # its user's alone
        (folder / REQUEST).write_text(request, encoding="utf-8")
        followers = [begin_follower(folder, rank, size) for rank in range(1, size)]
        try:
            _await_all(followers, folder)
            with meet(folder, device, World(0, size)) as world:
                yield world
        except Exception as error:
            lost = _lost(followers) if _is_broken(error) else 0
            if not lost:
                raise
            raise _rank_lost(f"Process {lost} of the {size}", _last_words(folder, followers, lost)) from error
        finally:
            _end(followers)


@contextmanager
def _lead_launched(request: str, device: str) -> Iterator[World]:
    """The others are told what is trained, and torchrun ends them all if one of them ends."""
    folders = {name: os.environ[name] for name in (STORE, DATA) if name in os.environ}
    number = tell(Told(request=request, folders=folders))
    try:
        with follow_launched(device, number) as world:
            yield world
    except Exception as error:
        if not _is_broken(error):
            raise
        raise _rank_lost("One of torchrun's processes", in_a_line(str(error))) from error


def _tell(text: str) -> int:
    store = torchrun_store()
    number = int(store.add(f"{NEXT}-{_attempt()}", 1)) - 1
    store.set(_key(number), text)
    return number


def _key(number: int) -> str:
    return f"daecore-{_attempt()}-request-{number}"


def _attempt() -> str:
    """Which attempt of torchrun's this is: what an earlier one has said still stands in its store."""
    return os.environ.get(RESTARTS, "0")


def _await_all(followers: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """Wait until each follower lives; a meeting would wait half an hour for one that does not."""
    while not all(sign_of_life(folder, rank + 1).exists() for rank in range(len(followers))):
        if any(follower.poll() is not None for follower in followers):
            raise _Gone
        time.sleep(POLL_SECONDS)


class _Gone(Exception):
    """A follower ended before it began."""


def _is_broken(error: Exception) -> bool:
    """Whether this may come of a process that is gone: the connection to it is broken, in words of gloo or NCCL."""
    said = str(error).lower()
    return isinstance(error, _Gone | DistError) or "gloo" in said or "nccl" in said or "connection" in said


def _lost(followers: list[subprocess.Popen[bytes]]) -> int:
    """The rank of a follower that has ended, or does so now; 0 if none does."""
    end = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < end:
        for number, follower in enumerate(followers):
            if follower.poll() is not None:
                return number + 1
        time.sleep(POLL_SECONDS)
    return 0


def _last_words(folder: Path, followers: list[subprocess.Popen[bytes]], lost: int) -> str:
    """How a follower ended: what it said last, or the signal that ended it."""
    status = followers[lost - 1].returncode
    if status < 0:
        return f"ended by signal {-status}"
    lines = (folder / f"{lost}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"ended with status {status}" + (f", after saying: {in_a_line(lines[-1])}" if lines else "")


def _rank_lost(who: str, how: str) -> RankLost:
    return RankLost(
        f"{who} that trained together is gone ({how}). The training has stopped; its last checkpoint is intact. Run "
        "the same again to go on from there."
    )


def _end(followers: list[subprocess.Popen[bytes]]) -> None:
    """End those that have not ended by themselves: all of them do when the training does."""
    for follower in followers:
        try:
            follower.wait(GRACE_SECONDS if sys.exc_info()[0] is None else 0)
        except subprocess.TimeoutExpired:
            follower.kill()
            follower.wait()


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """A variable of the environment for a block."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before
