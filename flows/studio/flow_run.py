"""A flow run's process: Prefect's engine, where the working folder holds no code.

``python -P -m daecore_flows.studio.flow_run``, started by the runner. This package is imported before Prefect is, here
and in the worker processes that begin with this process's main module; and the flow's module before Prefect looks for
it, which it does in the working folder first.
"""

import importlib
import os
import runpy

ENTRYPOINT = "PREFECT__FLOW_ENTRYPOINT"  # in the environment: the flow, by module and name

if __name__ == "__main__":
    importlib.import_module(os.environ[ENTRYPOINT].rpartition(".")[0])
    runpy.run_module("prefect.engine", run_name="__main__")
