"""Local ranks: the processes of this machine that follow a training: begun for it, watched, and ended with it.

They are told what to train by a folder that is their user's alone. Does not know what that is, nor torchrun.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch.distributed import FileStore  # type: ignore[attr-defined]  # exported, but not said to be
from torch.distributed.distributed_c10d import _abort_process_group

from daecore.errors import in_a_line
from daecore.training.joining import is_broken, join_world, rank_lost
from daecore.training.world import World

POLL_SECONDS = 0.1
GRACE_SECONDS = 10.0  # for a process to end: a follower that is told to, or one that a broken connection tells of
REQUEST, MEETING = "request.json", "meeting"  # in the folder of a training: what is trained, and where all meet

Followers = list["subprocess.Popen[bytes]"]


@contextmanager
def meet(folder: Path, device: str, world: World) -> Iterator[World]:
    """Be one of those that were begun on this machine: they meet in a file, and speak over the loopback alone."""
    store = FileStore(str(folder / MEETING), world.size)
    with join_world(device, store=store, world=world, interface="lo") as found:
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
def followers_of(request: str, size: int) -> Iterator[tuple[Path, Followers]]:
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


def await_all(folder: Path, followers: Followers) -> None:
    """Wait until each follower is ready, in turns between which an interrupt is heard; a meeting would not hear it."""
    while not all(sign_of_life(folder, rank + 1).exists() for rank in range(len(followers))):
        if lost := _ended(followers):
            raise rank_lost(*_last_words(folder, followers, lost))
        time.sleep(POLL_SECONDS)


@contextmanager
def naming_the_lost(folder: Path, followers: Followers) -> Iterator[None]:
    """A block whose broken connections are told as what they are: one of these processes is gone.

    Raises:
        RankLost: One is.
    """
    try:
        yield
    except RuntimeError as error:  # torch's own are of no narrower class
        lost = _ended(followers, GRACE_SECONDS) if is_broken(error) else 0
        if not lost:
            raise
        raise rank_lost(*_last_words(folder, followers, lost)) from error


@contextmanager
def ending_collectives(followers: Followers, device: str) -> Iterator[None]:
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


def _end_process(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Let a process end by itself within so long, and kill it otherwise."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
