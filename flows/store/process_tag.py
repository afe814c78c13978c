"""The tag by which a flow run says which process works on it, of which machine.

Prefect knows neither: it calls a run running until somebody says otherwise.
"""

import os
from collections.abc import Iterable

import psutil

from .host import parse_host, this_host
from .studio_record import lives

PROCESS = "process:"


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
    for tag in tags:
        if tag.startswith(PROCESS):
            number, started, *where = tag.removeprefix(PROCESS).split(":", 2)
            host = parse_host("".join(where))
            if host is None or host.is_here or host.has_restarted:
                return lives(int(number), float(started))
    return None
