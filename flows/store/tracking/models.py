"""Networks as MLflow models. PyTorch is loaded by who logs one: to look at runs takes a second less without it."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import LoggedModelStatus
from mlflow.exceptions import MlflowException

from ..store import current_store
from ..unwritable import require_there
from .connection import client
from .runs import experiment_of
from .search import UNKNOWN, each_page, experiment_ids

if TYPE_CHECKING:
    from torch import Tensor, nn

MODEL = "dae.model"  # a training's tag: the reference to its weights
LOGGED = "dae.logged_model"  # a training's tag: the id of its MLflow model
PAGE = 250  # models in one query


def load_exporter() -> None:
    """Load what `log_network` needs and nobody before it, by exporting nothing: it takes seconds."""
    import torch

    _ = mlflow.pytorch.FLAVOR_NAME  # loads the module
    torch.export.export(torch.nn.Identity(), (torch.zeros(1),))


def log_network(run_id: str, name: str, model: "nn.Module", example: "Tensor") -> str:
    """Log the network as an MLflow model with signature, in the `pt2` format (no pickle); the model's id.

    Args:
        run_id: The training's run.
        name: The logged model's name.
        model: In eval mode, on the CPU.
        example: float32 ``(2, *shape)``.
    """
    from mlflow.models import infer_signature

    signature = infer_signature(example.numpy(), model(example).detach().numpy())
    logged = client().create_logged_model(experiment_of(run_id), name=name, source_run_id=run_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        with _without_stack_traces():
            mlflow.pytorch.save_model(
                model, path, signature=signature, input_example=example.numpy(), pip_requirements=["torch"]
            )
        client().log_model_artifacts(logged.model_id, str(path))
        require_there(current_store().root)
    client().finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    return str(logged.model_id)


@contextmanager
def _without_stack_traces() -> Iterator[None]:
    """A block in which PyTorch does not note where the code lies of each step that it exports: in whose home."""
    import torch.fx.config as exporting

    before = exporting.do_not_emit_stack_traces
    exporting.do_not_emit_stack_traces = True
    try:
        yield
    finally:
        exporting.do_not_emit_stack_traces = before


def sources(ids: Iterable[str]) -> dict[str, str]:
    """The run that each of these logged models came from, by the model's id; empty where it came from none.

    Those are left out that MLflow says, asked for each, that it does not know.
    """
    wanted, found = sorted(set(ids)), dict[str, str]()
    experiments = experiment_ids()
    for begin in range(0, len(wanted), PAGE):
        few = ", ".join(f"'{one}'" for one in wanted[begin : begin + PAGE])
        asked: dict[str, Any] = {"filter_string": f"model_id IN ({few})", "max_results": PAGE}
        models = each_page(client().search_logged_models, experiment_ids=experiments, **asked)
        found |= {one.model_id: one.source_run_id or "" for one in models}
    return found | {one: "" for one in wanted if one not in found and _is_known(one)}


def _is_known(model_id: str) -> bool:
    """Whether MLflow has this model.

    Raises:
        mlflow.MlflowException: It cannot be told.
    """
    try:
        client().get_logged_model(model_id)
    except MlflowException as error:
        if error.error_code != UNKNOWN:
            raise
        return False
    return True
