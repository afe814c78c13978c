"""Ranks: the processes that train one network together: how they are begun, told what to train, watched and ended.

The first one is the process that was to train: it alone writes. The others follow: they are begun here, on this
machine, or torchrun has begun them (`torchrun`). Does not know how a network is trained.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch.distributed import FileStore  # type: ignore[attr-defined]  # exported, but not said to be
from torch.distributed.distributed_c10d import _abort_process_group

from daecore.errors import DaecoreError, InputError, in_a_line
from daecore.training.world import ALONE, World, join_world

from ..store.store import DATA, STORE
from . import torchrun

POLL_SECONDS = 0.1
GRACE_SECONDS = 10.0  # for a process to end: a follower that is told to, or one that a broken connection tells of
REQUEST, MEETING = "request.json", "meeting"  # in the folder of a training: what is trained, and where all meet
CONNECTIONS = ("gloo", "nccl", "connection", "store")  # of whose breaking the errors of collectives speak

Prepared = TypeVar("Prepared")
Followers = list["subprocess.Popen[bytes]"]


class RankLost(DaecoreError):
    """One of the processes that train together is gone, and the training with it; its checkpoint is intact."""


def require_devices(device: str, size: int) -> None:
    """Refuse more processes than there are GPUs, and another number than torchrun has begun.

    Args:
        device: ``cpu`` or ``cuda``.
        size: How many are to train together.

    Raises:
        InputError: As above.
    """
    found = torchrun.launched().size
    if found not in (1, size):
        raise InputError(
            f"torchrun has begun {found} processes, and training.devices is {size}. Set training.devices={found}, or "
            f"let torchrun begin {size}."
        )
    there = torch.cuda.device_count() if device == "cuda" else size
    if torchrun.processes_here(size) > there:
        raise InputError(
            f"training.devices is {size}, and torch sees {there} CUDA device{'s' * (there != 1)} here. Take as many, "
            "or begin `dae` by torchrun on several machines."
        )


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
    elif torchrun.launched().size == size:
        folders = {name: os.environ[name] for name in (STORE, DATA) if name in os.environ}
        number, prepared = torchrun.tell(torchrun.Told(request=request, folders=folders)), prepare()
        with _naming_the_lost("torchrun's processes", []), torchrun.meet_launched(device, number) as world:
            yield world, prepared
    else:
        with _followers(request, size) as (folder, followers):
            prepared = prepare()
            _await_all(followers, folder)
            met, named = meet(folder, device, World(0, size)), _naming_the_lost(folder, followers)
            with met as world, named, _ending_collectives(followers, device):
                yield world, prepared


@contextmanager
def meet(folder: Path, device: str, world: World) -> Iterator[World]:
    """Be one of those that were begun on this machine: they meet in a file, and speak over the loopback alone."""
    store = FileStore(str(folder / MEETING), world.size)
    names = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
    with _environment(names), join_world(device, store=store, world=world) as found:
        yield found


def sign_of_life(folder: Path, rank: int) -> Path:
    """The file by which a follower says that it has loaded what it needs."""
    return folder / f"{rank}.here"


def begin_follower(folder: Path, rank: int, size: int) -> "subprocess.Popen[bytes]":
    """A process that follows the training of a folder; what it says goes into a file there."""
    told = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    with (folder / f"{rank}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "daecore_flows.stages.follower", str(folder), str(os.getpid())],
            env=os.environ | told, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,  # Ctrl-C is the first one's to answer
        )  # fmt: skip


@contextmanager
def _followers(request: str, size: int) -> Iterator[tuple[Path, Followers]]:
    """All but the first process, begun for the block, and the folder by which they are told."""
    with tempfile.TemporaryDirectory(prefix="daecore-ranks-") as name:
        folder = Path(name)  # its user's alone
        (folder / REQUEST).write_text(request, encoding="utf-8")
        followers = [begin_follower(folder, rank, size) for rank in range(1, size)]
        seconds = 0.0
        try:
            yield folder, followers
            seconds = GRACE_SECONDS  # they end when the training does
        finally:
            for follower in followers:
                _end_process(follower, seconds)


def _await_all(followers: Followers, folder: Path) -> None:
    """Wait until each follower is ready, in turns between which an interrupt is heard; a meeting would not hear it."""
    while not all(sign_of_life(folder, rank + 1).exists() for rank in range(len(followers))):
        if lost := _ended(followers):
            raise _rank_lost(*_last_words(folder, followers, lost))
        time.sleep(POLL_SECONDS)


@contextmanager
def _naming_the_lost(where: Path | str, followers: Followers) -> Iterator[None]:
    """A block whose broken connections are told as what they are: a process is gone.

    Raises:
        RankLost: One is.
    """
    try:
        yield
    except RuntimeError as error:  # torch's own are of no narrower class
        if not any(word in str(error).lower() for word in CONNECTIONS):
            raise
        if isinstance(where, str):
            raise _rank_lost(f"One of {where}", in_a_line(str(error))) from error
        lost = _ended(followers, GRACE_SECONDS)
        if not lost:
            raise
        raise _rank_lost(*_last_words(where, followers, lost)) from error


@contextmanager
def _ending_collectives(followers: Followers, device: str) -> Iterator[None]:
    """A block in which the death of a follower ends what waits for it: on GPUs nothing else would, for half an hour."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_SECONDS):
            if _ended(followers):
                if not over.wait(GRACE_SECONDS):
                    _abort_process_group()
                return

    if device == "cuda":
        threading.Thread(target=watch, name="followers", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _ended(followers: Followers, seconds: float = 0) -> int:
    """The rank of a follower that has ended, or does so within so long; 0 if none does."""
    end = time.monotonic() + seconds
    while True:
        for number, follower in enumerate(followers):
            if follower.poll() is not None:
                return number + 1
        if time.monotonic() >= end:
            return 0
        time.sleep(POLL_SECONDS)


def _last_words(folder: Path, followers: Followers, lost: int) -> tuple[str, str]:
    """Which follower ended, and how: what it said last, or the signal that ended it."""
    who, status = f"Process {lost} of the {len(followers) + 1}", followers[lost - 1].returncode
    if status < 0:
        return who, f"ended by signal {-status}"
    lines = (folder / f"{lost}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return who, f"ended with status {status}" + (f", after saying: {in_a_line(lines[-1])}" if lines else "")


def _rank_lost(who: str, how: str) -> RankLost:
    return RankLost(
        f"{who} that trained together is gone ({how}). The training has stopped; its last checkpoint is intact. Run "
        "the same again to go on from there."
    )


def _end_process(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Let a process end by itself within so long, and kill it otherwise."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
