"""The examples in deploy/: flows that are there, parameters that they take, settings that a pool's template knows."""

import inspect
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
POOL = json.loads((DEPLOY / "kubernetes-pool.json").read_text(encoding="utf-8"))
BY_PREFECT = {"name", "command", "env", "labels"}  # what a worker fills in itself


def read_deployments(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))["deployments"])


@pytest.mark.parametrize("name", ["docker.yaml", "kubernetes.yaml"])
def test_a_deployment_names_a_flow_and_what_it_takes(name: str) -> None:
    for deployment in read_deployments(name):
        module, _, flow = deployment["entrypoint"].rpartition(".")
        taken = inspect.signature(getattr(import_module(module), flow).fn).parameters
        assert deployment["parameters"].keys() <= taken.keys()
        getattr(import_module(module), flow).validate_parameters(deployment["parameters"])


def test_the_pool_of_kubernetes_defines_what_its_jobs_name() -> None:
    """And its deployments give nothing else."""
    known = POOL["variables"]["properties"]
    named = set(re.findall(r"{{ (\w+) }}", json.dumps(POOL["job_configuration"])))
    assert named == known.keys()
    assert known.keys() >= BY_PREFECT
    for deployment in read_deployments("kubernetes.yaml"):
        assert set(POOL["variables"]["required"]) <= deployment["work_pool"]["job_variables"].keys() <= known.keys()


def test_the_image_holds_what_the_package_is_made_of() -> None:
    copied = re.findall(r"^COPY (.*) \S+$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert {"daecore", "plugins", "flows", "pyproject.toml", "constraints.txt"} <= set(names)
    assert all((DEPLOY.parent / name).exists() for name in names)
