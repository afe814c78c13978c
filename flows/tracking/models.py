"""Networks as MLflow models, and the registry: versions, aliases, where each came from."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import mlflow
import torch
from mlflow.entities import LoggedModelStatus
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import infer_signature
from torch import Tensor, nn

from .connection import client

MODEL = "dae.model"  # a training's tag: the reference to its weights
LOGGED = "dae.logged_model"  # a training's tag: the id of its MLflow model
REPORTED_BY = "dae.run"  # a version's tag: the whole run that judged it
TRAINED_BY = "dae.training"  # a version's tag: the training it came from
_NONE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # no such model or version; no such alias, or name


def load_exporter() -> None:
    """Load what `log_network` needs and nobody before it, by exporting nothing: it takes seconds."""
    _ = mlflow.pytorch.FLAVOR_NAME  # loads the module
    torch.export.export(nn.Identity(), (torch.zeros(1),))


def log_network(run_id: str, experiment: str, name: str, model: nn.Module, example: Tensor) -> str:
    """Log the network as an MLflow model with signature, in the `pt2` format (no pickle); the model's id.

    Args:
        run_id: The training's run.
        experiment: Its experiment's id.
        name: The logged model's name.
        model: In eval mode, on the CPU.
        example: float32 ``(2, *shape)``.
    """
    signature = infer_signature(example.numpy(), model(example).detach().numpy())
    logged = client().create_logged_model(experiment, name=name, source_run_id=run_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        mlflow.pytorch.save_model(
            model, path, signature=signature, input_example=example.numpy(), pip_requirements=["torch"]
        )
        client().log_model_artifacts(logged.model_id, str(path))
    client().finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    return str(logged.model_id)


def model_runs() -> dict[str, str]:
    """The run each logged model came from, by the model's id."""
    found: dict[str, str] = {}
    for experiment in client().search_experiments():
        page = client().search_logged_models([experiment.experiment_id], max_results=50)
        while True:
            found |= {model.model_id: model.source_run_id or "" for model in page}
            if not page.token:
                break
            page = client().search_logged_models([experiment.experiment_id], max_results=50, page_token=page.token)
    return found


def register(name: str, training: str, reported_by: str, tags: Mapping[str, str]) -> str:
    """Put a training's model into the registry, once; the version it has there.

    Args:
        name: The registered model's name; it is made if it is new.
        training: The training's run, which says which MLflow model it gave.
        reported_by: The whole run that judged it: its page shows the version.
        tags: What the version says of itself.
    """
    said = {**tags, TRAINED_BY: training, REPORTED_BY: reported_by}
    if not client().search_registered_models(f"name = '{name}'"):
        client().create_registered_model(name)
    for version in client().search_model_versions(f"name = '{name}'"):
        if version.tags.get(TRAINED_BY) == training:
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
    except mlflow.MlflowException as error:
        if error.error_code not in _NONE:
            raise
        return None


def tag_version(name: str, version: str, tags: Mapping[str, str]) -> None:
    """Set tags of a version."""
    for key, value in tags.items():
        client().set_model_version_tag(name, version, key, value)


def registered() -> list[str]:
    """The names in the registry."""
    return [model.name for model in client().search_registered_models()]


def champions() -> dict[str, str]:
    """The whole runs and trainings that a ``@champion`` was made by, and its name: ``models:/name@champion``."""
    found: dict[str, str] = {}
    for model in client().search_registered_models():
        if "champion" in (model.aliases or {}):
            version = client().get_model_version_by_alias(model.name, "champion")
            made_by = (version.tags.get(TRAINED_BY, ""), version.tags.get(REPORTED_BY, ""))
            found |= dict.fromkeys(made_by, f"models:/{model.name}@champion")
    return found
