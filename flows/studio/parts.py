"""The parts of a studio as processes: started with a log of their own, waited for, ended with all they started."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from ..working_folder import ROOT

PRIVATE_UMASK = 0o077  # under which a file is its user's alone
SERVER_PROCESS: dict[str, Any] = {"cwd": ROOT, "umask": PRIVATE_UMASK}  # it writes into the store alone
PATIENCE_SECONDS = 20  # for a part that was asked to end; a training ends at the next step
LAST_LINES = 15
REVIVALS, REVIVAL_SECONDS = 3, 600.0  # a part that dies more often within so long is not started again
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy does not know this machine


@dataclass
class Part:
    """One process of the studio.

    Attributes:
        name: What it is called in messages.
        process: The process.
        log: Where its output goes.
        ready: Whether it can be used by now.
        begin: Starts the same process once more.
        begun: When it was started, again or for the first time, in seconds of the monotonic clock.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ready: Callable[[], bool]
    begin: Callable[[], subprocess.Popen[bytes]]
    begun: list[float] = field(default_factory=lambda: [time.monotonic()])

    @property
    def dead(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def revive(self) -> bool:
        """Start it again, unless it has died too often for that to help; whether it was."""
        lately = [moment for moment in self.begun if moment > time.monotonic() - REVIVAL_SECONDS]
        if len(lately) > REVIVALS:
            return False
        with contextlib.suppress(ProcessLookupError):  # what it has started may still hold its port
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = self.begin()
        self.begun.append(time.monotonic())
        return True

    @property
    def last_lines(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-LAST_LINES:])


def start(
    name: str,
    module: str,
    *arguments: str,
    log: Path,
    environment: Mapping[str, str],
    ready: Callable[[], bool],
    **process: Any,
) -> Part:
    """Start ``python -m module arguments`` in a session of its own, so that Ctrl-C reaches `dae up` alone.

    Args:
        name: What it is called in messages.
        module: What Python runs.
        arguments: What follows it.
        log: Where its output goes.
        environment: All of its environment.
        ready: Whether it can be used by now.
        process: How else the process is started, as `subprocess.Popen` takes it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)

    def begin() -> subprocess.Popen[bytes]:
        with open(log, "ab", opener=_private) as output:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", module, *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=dict(environment), start_new_session=True, **process,
            )  # fmt: skip

    return Part(name, begin(), log, ready, begin)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o666 & ~PRIVATE_UMASK)


def end(part: Part) -> None:
    """Ask a part to end, and wait for it."""
    end_process(part.process, PATIENCE_SECONDS)


def end_process(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """End a process of ours that may have ended: asked first, and forced after a while."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def end_all(processes: Iterable[psutil.Process], seconds: float = 5) -> int:
    """End processes: asked first, and forced after a while; how many there were."""
    found = list(processes)
    for process in found:
        _quietly(process.terminate)
    _, left = psutil.wait_procs(found, timeout=seconds)
    for process in left:
        _quietly(process.kill)
    psutil.wait_procs(left, timeout=5)
    return len(found)


def answers(address: str, seconds: float = 2) -> bool:
    """Whether a page of this machine answers within so long."""
    try:
        with _DIRECTLY.open(address, timeout=seconds) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait(parts: Iterable[Part], seconds: float) -> Part | None:
    """Wait until every part can be used; the one that died or did not come up in time, else None."""
    deadline, waiting = time.monotonic() + seconds, list(parts)
    while waiting:
        waiting = [part for part in waiting if part.dead or not part.ready()]
        dead = next((part for part in waiting if part.dead), None)
        if dead is not None or (waiting and time.monotonic() > deadline):
            return dead or waiting[0]
        if waiting:
            time.sleep(0.1)
    return None


def without(environment: Mapping[str, str], *names: str) -> dict[str, str]:
    """An environment without some variables."""
    return {name: value for name, value in environment.items() if name not in names}


def _quietly(act: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        act()


def base_environment() -> dict[str, str]:
    """This process's environment without what points at another server."""
    return without(os.environ, "PREFECT_API_URL", "MLFLOW_TRACKING_URI", "DAE_MLFLOW_URI", "PREFECT_API_AUTH_STRING")
