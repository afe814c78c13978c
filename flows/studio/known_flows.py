"""Which code the studio's runner runs: the flows it has registered itself, whatever their deployments say by now.

A deployment lies in Prefect's database, and who can write there can let it fetch and run other code: pull steps are
commands, its entry point names a file, a block may stand for its storage. The runner of Prefect's own believes it, in a
flow run's process and, for what follows a crash, in its own. Ours asks these.

Prefect keeps both names that are replaced here at module level so that they can be.
"""

import asyncio
import importlib
import shlex
import sys
from functools import partial
from typing import Any, cast

from prefect.client.schemas.objects import FlowRun
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow
from prefect.runner import Runner, runner
from prefect.runner._starter_engine import EngineCommandStarter

from daecore.errors import DaecoreError

from ..working_folder import replace
from . import flow_run

COMMAND = shlex.join([sys.executable, "-P", "-m", flow_run.__name__])
PATIENCE_SECONDS, POLL_SECONDS = 30, 0.1  # a run can be asked for before its deployment is known


class KnownFlows:
    """The entry points of a runner's deployments, as they were registered."""

    def __init__(self) -> None:
        self.entrypoints: dict[Any, str] = {}

    def rule(self) -> None:
        """From now on this process's runners start, and look at, nothing else."""
        replace(runner, "EngineCommandStarter", partial(_Starter, self))
        replace(runner, "load_flow_from_flow_run", self.flow)

    def add(self, to: Runner, deployment: RunnerDeployment) -> None:
        """Register a deployment, and remember which flow it is."""
        self.entrypoints[to.add_deployment(deployment)] = str(deployment.entrypoint)

    async def entrypoint(self, run: FlowRun) -> str:
        """The entry point of a flow run's flow.

        Raises:
            DaecoreError: Its deployment was never added.
        """
        for _ in range(round(PATIENCE_SECONDS / POLL_SECONDS)):
            if run.deployment_id in self.entrypoints:
                return self.entrypoints[run.deployment_id]
            await asyncio.sleep(POLL_SECONDS)
        raise DaecoreError(f"The flow run {run.name} belongs to no deployment of this studio, and is not started.")

    async def flow(self, run: FlowRun, **ignored: Any) -> Flow[..., Any]:
        """A flow run's flow, imported; what else Prefect says of it does not count."""
        module, _, name = (await self.entrypoint(run)).rpartition(".")
        return cast("Flow[..., Any]", getattr(importlib.import_module(module), name))


class _Starter:
    """Starts a flow run's process with the flow it may be."""

    def __init__(self, known: KnownFlows, **options: Any) -> None:
        self.known, self.options = known, options

    async def start(self, run: FlowRun, **options: Any) -> None:
        """Start it, and stay until it has ended."""
        wanted = {"command": COMMAND, "entrypoint": await self.known.entrypoint(run)}
        await EngineCommandStarter(**{**self.options, **wanted}).start(run, **options)
