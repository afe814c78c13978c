"""What a deployment may say of how its code is fetched: a folder, and nothing else."""

import asyncio
import json
from typing import Any

import pytest
from daecore_flows.studio.pull_steps import ALLOWED, PullSteps, forbidden_steps


async def server(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers with the body it was asked with."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": message["body"]})


def answered(method: str, path: str, body: bytes) -> list[dict[str, Any]]:
    """What is sent back to one request."""
    got: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        got.append(message)

    asyncio.run(PullSteps(server)({"type": "http", "method": method, "path": path}, receive, send))
    return got


FOLDER = {ALLOWED: {"directory": "/home/me"}}
SHELL = {"prefect.deployments.steps.run_shell_script": {"script": "id"}}


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        (None, []),
        ([], []),
        ([FOLDER], []),
        ([SHELL], [SHELL]),
        ([FOLDER, SHELL], [SHELL]),
        ([FOLDER | SHELL], [FOLDER | SHELL]),
        ([None, SHELL], [None, SHELL]),
        ([{ALLOWED: {"directory": "/", "requires": "evil"}}], [{ALLOWED: {"directory": "/", "requires": "evil"}}]),
        ([{ALLOWED: {"directory": {"a": 1}}}], [{ALLOWED: {"directory": {"a": 1}}}]),
        ([{"os.system": {"command": "id"}}], [{"os.system": {"command": "id"}}]),
        ([{}], [{}]),
        (["id"], ["id"]),
        (SHELL, [SHELL]),
    ],
)
def test_a_deployment_may_set_its_folder_and_nothing_else(steps: Any, wrong: Any) -> None:
    """Another step is a command, and `requires` installs a package."""
    body = json.dumps({"name": "x", "pull_steps": steps}).encode()
    assert forbidden_steps(body) == wrong
    for method, path in (("POST", "/api/deployments/"), ("PATCH", "/api/deployments/1234")):
        start, answer = answered(method, path, body)
        assert start["status"] == (422 if wrong else 200)
        assert (answer["body"] == body) == (not wrong)


def test_what_is_no_deployment_and_no_json_passes() -> None:
    """Prefect itself answers it."""
    for path, body in (
        ("/api/deployments/", b"{"),
        ("/api/deployments/", b"[1]"),
        ("/api/logs/", b'{"pull_steps": 1}'),
    ):
        assert answered("POST", path, body)[0]["status"] == 200
