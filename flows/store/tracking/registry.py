"""The registry of models: versions, aliases, which run and which training each came from."""

from collections.abc import Iterator, Mapping

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from .connection import client
from .models import LOGGED
from .search import UNKNOWN, each_page, quote

REPORTED_BY = "dae.run"  # a version's tag: the whole run that evaluated it
TRAINED_BY = "dae.training"  # a version's tag: the training it came from
CHAMPION = "champion"  # the alias of the version that is in use
PAGE = 1000
_NONE = (UNKNOWN, "INVALID_PARAMETER_VALUE")  # no such model or version; no such alias, or name


def register(name: str, training: str, reported_by: str, tags: Mapping[str, str]) -> str:
    """Put a training's model into the registry, once; the version it has there.

    Args:
        name: The registered model's name; it is made if it is new.
        training: The training's run, which says which MLflow model it gave.
        reported_by: The whole run that evaluated it: its page shows the version.
        tags: What the version says of itself.
    """
    said = {**tags, TRAINED_BY: training, REPORTED_BY: reported_by}
    if not client().search_registered_models(f"name = {quote(name)}"):
        client().create_registered_model(name)
    for version in _versions(f"name = {quote(name)} and tags.`{TRAINED_BY}` = '{training}'"):
        tag_version(name, version.version, said)
        return str(version.version)
    model_id = client().get_run(training).data.tags[LOGGED]
    made = client().create_model_version(name, f"models:/{model_id}", reported_by, tags=said, model_id=model_id)
    return str(made.version)


def give_alias(name: str, alias: str, version: str) -> None:
    """Let an alias point at a version, and at no other."""
    client().set_registered_model_alias(name, alias, version)


def take_alias(name: str, alias: str) -> None:
    """Let an alias point at nothing."""
    client().delete_registered_model_alias(name, alias)


def version_at(name: str, alias_or_version: str) -> ModelVersion | None:
    """The version an alias points at, or the version of that number; None where there is none.

    Raises:
        mlflow.MlflowException: It cannot be told, as when the database does not answer: that is not "none".
    """
    try:
        if alias_or_version.isdigit():
            return client().get_model_version(name, alias_or_version)
        return client().get_model_version_by_alias(name, alias_or_version)
    except MlflowException as error:
        if error.error_code not in _NONE:
            raise
        return None


def tag_version(name: str, version: str, tags: Mapping[str, str]) -> None:
    """Set tags of a version."""
    for key, value in tags.items():
        client().set_model_version_tag(name, version, key, value)


def registered_names() -> list[str]:
    """The names in the registry."""
    return [model.name for model in each_page(client().search_registered_models, max_results=PAGE)]


def champion_made_by(run_id: str) -> str:
    """The ``models:/name@champion`` that a whole run or a training made; empty where it made none."""
    for made_by in (TRAINED_BY, REPORTED_BY):
        for name in {version.name for version in _versions(f"tags.`{made_by}` = '{run_id}'")}:
            champion = version_at(name, CHAMPION)
            if champion is not None and champion.tags.get(made_by) == run_id:
                return f"models:/{name}@{CHAMPION}"
    return ""


def _versions(query: str) -> Iterator[ModelVersion]:
    return each_page(client().search_model_versions, filter_string=query, max_results=PAGE)
