"""The tag by which a flow run says which process works on it, of which machine.

Prefect knows neither: it calls a run running until somebody says otherwise.
"""

import os
import re
from collections.abc import Iterable

import psutil

from .host import parse_host, this_host
from .studio_record import lives

PROCESS = "process:"
FORM = re.compile(rf"{PROCESS}(?P<number>[0-9]{{1,9}}):(?P<started>[0-9.]{{1,20}}[0-9])(:(?P<host>.*))?")


def process_tag() -> str:
    """The tag of what this process works on."""
    return f"{PROCESS}{os.getpid()}:{psutil.Process().create_time():.2f}:{this_host()}"


def without_process(tags: Iterable[str]) -> list[str]:
    """Tags without the one of a process."""
    return [tag for tag in tags if not tag.startswith(PROCESS)]


def process_lives(tags: Iterable[str]) -> bool | None:
    """Whether the process that some tags name still works; None where this machine cannot know.

    Args:
        tags: Those of a flow run.
    """
    for found in filter(None, map(FORM.fullmatch, tags)):
        host = parse_host(found["host"] or "")
        if host is None or host.is_here or host.has_restarted:
            return lives(int(found["number"]), float(found["started"]))
    return None
