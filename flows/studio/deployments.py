"""The deployments: `denoise` or `stack` once per recipe, and the flows around it, each with its form.

A saved set of parameters is a deployment: every recipe is one, the user's own in the store's `recipes/` too.
"""

from collections.abc import Iterator
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow
from prefect.types.entrypoint import EntrypointType

from daecore.errors import InputError
from daecore.experiment.experiment import parse
from daecore.experiment.stack_layers import is_stack
from daecore.plugin.registry import find_series, series_registry

from ..store import recipes
from ..store.studio_record import START
from ..studies.flow import study
from .flows import FLOWS

LIMIT = 1  # flow runs at once: they share the device
TOOLS, RECIPES, OWN = "tools", "recipes", "own-recipes"  # families; the others are series, and folders of recipes
BEGIN_WITH = ("digits-erasure", "mnist-erasure")


def deployments() -> tuple[Iterator[RunnerDeployment], Iterator[RunnerDeployment]]:
    """The deployments that are to be there at once, and those of recipes in folders, as a series' own.

    Each is made when it is asked for, with the schedules that were set on Prefect's page.
    """
    known = list(describe_deployments())
    later = [item for item in known if "/" in item[2].get("recipe", "")]
    return (_deployment(*item) for item in known if item not in later), (_deployment(*item) for item in later)


def describe_deployments() -> Iterator[tuple[Flow[..., Any], str, dict[str, Any], str]]:
    """``(flow, name, parameters, description)`` of every deployment."""
    from ..pipeline import denoise
    from ..stacking.flow import stack

    for name, path in recipes.recipes().items():
        try:
            experiment = parse(recipes.mapping(str(path), []))
        except InputError:
            continue  # a user's own file that is broken, or whose plugin is; `dae doctor` names it
        parameters = {**experiment.form, "recipe": name}
        conducted = stack if is_stack(experiment) else denoise
        yield conducted, name.replace("/", "-"), parameters, recipes.summary(path)  # Prefect allows no slash in a name
    for name in series_registry().names("series"):
        yield study, name, {"series": name}, find_series(name).title
    for flow in FLOWS:
        yield flow, flow.name, {}, (flow.description or "").split("\n\n")[0]


def tags(name: str, recipe: str) -> list[str]:
    """The tags of a deployment, by which Prefect's page filters: its family, and whether one begins with it.

    Args:
        name: The deployment's.
        recipe: The recipe it is of; empty for the flows around `denoise`, which are the tools.
    """
    if not recipe:
        return [START, TOOLS, *([name] if name in series_registry().names("series") else [])]
    if recipe not in recipes.packaged_recipes():
        return [START, OWN]
    folder = recipe.partition("/")[0] if "/" in recipe else RECIPES
    return [*([START] if name in BEGIN_WITH else []), folder]


def _deployment(flow: Flow[..., Any], name: str, parameters: dict[str, Any], said: str) -> RunnerDeployment:
    families = tags(name, parameters.get("recipe", ""))
    made: RunnerDeployment = flow.to_deployment(
        name, parameters=parameters, description=said, tags=families, entrypoint_type=EntrypointType.MODULE_PATH,
        schedules=_schedules(f"{flow.name}/{name}") or None,
    )  # type: ignore[assignment]  # fmt: skip
    return made


def _schedules(name: str) -> Any:
    """The schedules a deployment has by now: registering it again would drop them."""
    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(name)
        except ObjectNotFound:
            return []
    kept = ("schedule", "active", "max_scheduled_runs", "parameters", "slug")
    return [DeploymentScheduleCreate(**{key: getattr(item, key) for key in kept}) for item in found.schedules]
