"""A flow run's process: Prefect's engine, where the working folder holds no code.

``python -P -m daecore_flows.studio.flow_run``, started by the runner. This package is imported before Prefect is, here
and in the worker processes that begin with this process's main module; and the flow's module before Prefect looks for
it, which it does in the working folder first. That the process was told to end is noted, whatever becomes of it. The
flow run says which process works on it.
"""

import gc
import importlib
import os
import runpy
from types import FrameType
from uuid import UUID

from .. import interrupts
from ..garbage import without_collections
from ..store.temporary_files import keep_to_own_folder
from ..working_folder import replace

# In the environment: the flow, by module and name; and the flow run.
ENTRYPOINT, FLOW_RUN = "PREFECT__FLOW_ENTRYPOINT", "PREFECT__FLOW_RUN_ID"


def note_the_end() -> None:
    """Let Prefect's handler of SIGTERM note it first."""
    from prefect.utilities import engine

    raise_signal = engine._prefect_sigterm_handler

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.note()
        raise_signal(number, frame)

    replace(engine, "_prefect_sigterm_handler", note)


def name_process() -> None:
    """Let the flow run say which process works on it: only that one's machine knows whether it lives."""
    from prefect.client.orchestration import get_client

    from ..store.process_tag import process_tag, without_process

    number = UUID(os.environ[FLOW_RUN])
    with get_client(sync_client=True) as client:
        before = client.read_flow_run(number).tags
        client.update_flow_run(number, tags=[*without_process(before), process_tag()])


if __name__ == "__main__":
    with without_collections():
        importlib.import_module(os.environ[ENTRYPOINT].rpartition(".")[0])
    note_the_end()
    keep_to_own_folder()
    name_process()
    try:
        runpy.run_module("prefect.engine", run_name="__main__")
    finally:
        gc.freeze()  # the process ends: nothing is looked through once more
