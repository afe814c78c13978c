"""The tag by which a flow run says which process works on it, of which machine.

Prefect knows neither: it calls a run running until somebody says otherwise.
"""

import os
import re
from collections.abc import Iterable

import psutil

from .host import parse_host, this_host
from .studio_record import began, lives

PROCESS = "process:"
FORM = re.compile(rf"{PROCESS}(?P<number>[0-9]{{1,9}}):(?P<started>[0-9.]{{1,20}}[0-9])(:(?P<host>.*))?")


def process_tag() -> str:
    """The tag of what this process works on."""
    return f"{PROCESS}{os.getpid()}:{began(psutil.Process()):.2f}:{this_host()}"


def without_process(tags: Iterable[str]) -> list[str]:
    """Tags without the one of a process."""
    return [tag for tag in tags if not tag.startswith(PROCESS)]


def process_lives(tags: Iterable[str]) -> bool | None:
    """Whether the process that some tags name still works; None where this machine cannot know.

    Args:
        tags: Those of a flow run.
    """
    for found in filter(None, map(FORM.fullmatch, tags)):
        return lives_here(found["host"] or "", int(found["number"]), float(found["started"]))
    return None


def lives_here(host: str, pid: int, started: float) -> bool | None:
    """Whether a process lives; None where this machine cannot know.

    Args:
        host: Where, as `host` writes it; empty is this machine.
        pid: Its number there.
        started: When it began, in seconds.
    """
    where = parse_host(host)
    if where is None or where.is_here:
        return lives(pid, started)
    return False if where.has_restarted else None
