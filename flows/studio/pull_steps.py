"""What a deployment may say of how its code is fetched: a working folder is set, and nothing else is done.

Prefect keeps such steps with a deployment, and whoever runs it carries them out: one kind is a shell command, and each
may ask for packages to be installed. A generated `prefect.yaml` needs none but the folder.
"""

from dataclasses import dataclass
from typing import Any

from daecore.json_text import parse_json

from ..guard.asgi import Application, Receive, Scope, Send, may_change, read_request, refuse, replay

ALLOWED, INPUTS = "prefect.deployments.steps.set_working_directory", {"directory"}
UNPROCESSABLE = 422


@dataclass(frozen=True)
class PullSteps:
    """An ASGI application, Prefect's, to which no deployment with other steps comes."""

    application: Application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or one connection."""
        if not may_change(scope) or "/deployments" not in scope["path"]:
            await self.application(scope, receive, send)
            return
        messages = await read_request(receive)
        steps = forbidden_steps(b"".join(message.get("body", b"") for message in messages))
        if steps:
            said = f"The pull step {str(steps[0])[:200]!r} is refused: a deployment here may only use {ALLOWED}."
            await refuse(send, UNPROCESSABLE, said)
        else:
            await self.application(scope, replay(messages, receive), send)


def forbidden_steps(body: bytes) -> list[Any]:
    """The pull steps of a deployment that do more than set a folder."""
    try:
        found = parse_json(body)
    except ValueError:
        return []  # Prefect refuses what is no JSON
    steps = found.get("pull_steps") if isinstance(found, dict) else None
    if steps is None:
        return []
    return [step for step in (steps if isinstance(steps, list) else [steps]) if not _sets_a_folder(step)]


def _sets_a_folder(step: Any) -> bool:
    inputs = step.get(ALLOWED) if isinstance(step, dict) and len(step) == 1 else None
    return isinstance(inputs, dict) and inputs.keys() == INPUTS and isinstance(inputs["directory"], str)
