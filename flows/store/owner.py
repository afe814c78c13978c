"""Owner: the processes of a studio end when its `dae up` is gone, however that ended.

Flow runs first, while both servers can still be told that they end; then whoever looked. Knows processes, by the
studio's mark.
"""

import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

from .studio_record import MARK, Studio, lives, marked_processes

if TYPE_CHECKING:
    import psutil

OWNER = "DAE_STUDIO_PROCESS"  # in the environment of a studio's parts: the process of its `dae up`, and when it began
FLOW = "daecore_flows.studio.flow_run"  # in the command line of a flow run's process
POLL_SECONDS, GRACE_SECONDS = 0.5, 20.0  # how often it is looked at; for flow runs to end, and for who looked


def owned_by(studio: Studio) -> dict[str, str]:
    """The environment of a studio's parts."""
    return {MARK: studio.mark, OWNER: f"{studio.pid} {studio.started}"}


def end_with_owner() -> None:
    """Let this process, and those that it has begun, end once its studio's `dae up` is gone; nothing without one."""
    if OWNER in os.environ:
        pid, began = os.environ[OWNER].split()
        threading.Thread(target=_watch, args=(int(pid), float(began)), name="owner", daemon=True).start()


def flow_processes(mark: str) -> "list[psutil.Process]":
    """The processes of flow runs that a studio's runner has started."""
    import psutil

    found = []
    for process in marked_processes(mark):
        with contextlib.suppress(psutil.Error):  # it ends by itself just now
            found += [process] if FLOW in " ".join(process.cmdline()) else []
    return found


def _watch(pid: int, began: float) -> None:
    while lives(pid, began):
        time.sleep(POLL_SECONDS)
    _end_flows(os.environ[MARK])
    group = os.getpgid(0) if os.getpgid(0) == os.getsid(0) else 0  # a part is begun in a session of its own
    for number in (signal.SIGTERM, signal.SIGKILL):
        if group:
            os.killpg(group, number)
        else:
            os.kill(os.getpid(), number)
        time.sleep(GRACE_SECONDS)


def _end_flows(mark: str) -> None:
    """Tell flow runs to end, and wait until they have; each part does so, for any may be gone."""
    import psutil

    told, limit = set[int](), time.monotonic() + GRACE_SECONDS
    while (left := flow_processes(mark)) and time.monotonic() < limit:
        for process in left:
            if process.pid not in told:
                told.add(process.pid)
                with contextlib.suppress(psutil.Error):
                    process.terminate()
        time.sleep(POLL_SECONDS)
