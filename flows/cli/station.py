"""Station: how a process of a cluster does a task: as a command would, on the store of who asks.

Ray begins such a process and calls `work`; `workers.cluster` names it. Does not know what the tasks are.
"""

import os
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from ..stages.cluster_ranks import kept_room
from ..store.server_address import URL
from ..store.store import current_store
from ..studio.temporary_server import TemporaryServer

_own: list[TemporaryServer] = []  # the server of this process, for all its tasks


def work(module: str, name: str, parameters: dict[str, Any], asked_from: str) -> Any:
    """What a task gives, or the exception that ended it: that one is no reason for Ray to do it again.

    Args:
        module: Where the task is.
        name: What it is called there.
        parameters: What it is given.
        asked_from: The address of the machine of who asks.
    """
    try:
        if not _own and not _reaches_prefect(asked_from):
            os.environ.pop(URL)
            current_store().enter()
            _own.append(TemporaryServer())
            _own[0].wait()
        with kept_room():
            return getattr(import_module(module), name)(**parameters)
    except Exception as error:
        return error


def _reaches_prefect(asked_from: str) -> bool:
    """Whether the server that is named can be reached: from another machine the loopback leads nowhere."""
    import ray

    host = urlsplit(os.environ[URL]).hostname
    here = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    return host not in ("127.0.0.1", "localhost", "::1") or bool(here == asked_from)
