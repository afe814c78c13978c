"""A command under way that something is to happen to: the stage it is in, its processes, how it ends."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import psutil
from commands import Done, Warm, environment_of

PATH = f"{Path(__file__).parent / 'observer'}:{Path(__file__).parent / 'series'}"  # further code of every process
LIMIT_SECONDS = 600.0  # a command that has not ended by then hangs
BEGINNING, END = "the beginning", "the end"  # before the first stage, and after the last one
PROGRAM = """
import os, sys
import sitecustomize
os.environ["PYTHONPATH"] = os.environ.pop("FAULTS_PATH")
sitecustomize.observe()
if os.environ.get("FAULTS_OBEY"):
    sitecustomize.obey_modes()
from daecore_flows.cli import main
sys.exit(main(sys.argv[1:]))
"""


def warm(folder: Path) -> Warm:
    """What begins commands that are observed."""
    return Warm(folder, path=PATH)


@dataclass(frozen=True)
class Mark:
    """A line of the observer: a stage begins or ends in a process."""

    time: float
    pid: int
    what: str
    stage: str


@dataclass(frozen=True)
class Bench:
    """Where commands are given: a store, and a folder for temporary files that is its own."""

    folder: Path

    @property
    def store(self) -> Path:
        """The store."""
        return self.folder / "store"

    @property
    def temporary(self) -> Path:
        """What `TMPDIR` names."""
        return self.folder / "temporary"

    @property
    def stages(self) -> Path:
        """The observer's file."""
        return self.folder / "stages"

    def environment(self, *, obey_modes: bool = False) -> dict[str, str]:
        """Of a command that is given here."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        given = {"TMPDIR": str(self.temporary), "FAULTS_STAGES": str(self.stages), "FAULTS_PATH": PATH}
        locks = {"DAE_LOCKS": str(self.folder)}  # what else trains on this machine is no matter
        return {**environment_of(self.store), **given, **locks, **({"FAULTS_OBEY": "1"} if obey_modes else {})}


class Victim:
    """A command, begun.

    Args:
        begin: What begins it.
        bench: Where.
        words: The command's.
        obey_modes: Whether modes of files hold for it, too, where the administrator gives it.
    """

    def __init__(self, begin: Warm, bench: Bench, words: tuple[str, ...], *, obey_modes: bool = False) -> None:
        self._bench, self.began = bench, time.time()
        bench.folder.mkdir(parents=True, exist_ok=True)
        bench.stages.write_text("")
        self._done: list[Done] = []
        environment = bench.environment(obey_modes=obey_modes)
        self._thread = Thread(target=lambda: self._done.append(begin(environment, *words, program=PROGRAM)))
        self._thread.start()

    def marks(self) -> list[Mark]:
        """What the observer has written so far."""
        with suppress(FileNotFoundError):
            lines = self._bench.stages.read_text().split("\n")[:-1]
            parts = (line.split(" ", 3) for line in lines)
            return [Mark(float(when), int(pid), what, stage) for when, pid, what, stage in parts]
        return []

    @property
    def pid(self) -> int:
        """The command's own process; 0 before it is known."""
        return next((mark.pid for mark in self.marks() if mark.what == "observe"), 0)

    @property
    def lives(self) -> bool:
        """Whether it is under way."""
        return self._thread.is_alive()

    def wait_for(self, stage: str) -> bool:
        """Wait until it is in a stage; whether it came there."""
        while self.lives and stage not in self.stages_open():
            time.sleep(0.005)
        return self.lives

    def stages_open(self) -> list[str]:
        """The stages it is in, in any of its processes, the outer one first; or the beginning, or the end."""
        marks, opened = self.marks(), list[Mark]()
        for mark in marks:
            if mark.what == "begin":
                opened.append(mark)
            elif mark.what == "end":
                opened = [one for one in opened if (one.pid, one.stage) != (mark.pid, mark.stage)]
        between = END if any(mark.what == "end" for mark in marks) else BEGINNING
        return [mark.stage for mark in opened] or ([between] if any(mark.what == "observe" for mark in marks) else [])

    def workers(self) -> list[psutil.Process]:
        """Its worker processes that are in a stage."""
        pids = {mark.pid for mark in self.marks() if mark.what == "begin"} - {self.pid}
        return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]

    def tree(self) -> Iterator[psutil.Process]:
        """Its process, and all that it has begun."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            yield from [process, *process.children(recursive=True)]

    def end(self) -> Done:
        """How it ended.

        Raises:
            TimeoutError: It did not.
        """
        self._thread.join(LIMIT_SECONDS)
        if self.lives:
            for process in list(self.tree()):
                process.kill()
            raise TimeoutError(f"the command did not end within {LIMIT_SECONDS:.0f} s")
        (done,) = self._done
        return done


def durations(marks: list[Mark]) -> dict[str, float]:
    """How long each stage took, at its longest, in seconds."""
    begun: dict[tuple[int, str], float] = {}
    found: dict[str, float] = {}
    for mark in marks:
        if mark.what == "begin":
            begun[mark.pid, mark.stage] = mark.time
        elif mark.what == "end" and (mark.pid, mark.stage) in begun:
            found[mark.stage] = max(found.get(mark.stage, 0.0), mark.time - begun.pop((mark.pid, mark.stage)))
    return found
