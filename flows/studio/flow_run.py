"""A flow run's process: Prefect's engine, where the working folder holds no code.

``python -P -m daecore_flows.studio.flow_run``, started by the runner. This package is imported before Prefect is, here
and in the worker processes that begin with this process's main module; and the flow's module before Prefect looks for
it, which it does in the working folder first. That the process was told to end is noted, whatever becomes of it.
"""

import importlib
import os
import runpy
from types import FrameType

from .. import interrupts
from ..working_folder import replace

ENTRYPOINT = "PREFECT__FLOW_ENTRYPOINT"  # in the environment: the flow, by module and name


def note_the_end() -> None:
    """Let Prefect's handler of SIGTERM note it first."""
    from prefect.utilities import engine

    raise_signal = engine._prefect_sigterm_handler

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.note()
        raise_signal(number, frame)

    replace(engine, "_prefect_sigterm_handler", note)


if __name__ == "__main__":
    importlib.import_module(os.environ[ENTRYPOINT].rpartition(".")[0])
    note_the_end()
    runpy.run_module("prefect.engine", run_name="__main__")
