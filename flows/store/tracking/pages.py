"""Where MLflow shows a run and its files, while it is served; empty texts where it is not."""

from urllib.parse import quote

from daecore.addresses import without_password

from ..store import current_store
from ..studio_record import running
from .connection import client

LAYOUT = "workflowType=machine_learning"  # else MLflow opens its layout for language models


def run_page(run_id: str) -> str:
    """The address of a run's page."""
    uri = _server_uri()
    if not uri:
        return ""
    experiment = client().get_run(run_id).info.experiment_id
    return f"{uri}/#/experiments/{experiment}/runs/{run_id}?{LAYOUT}"


def artifact_page(run_id: str, name: str) -> str:
    """The address under which one of a run's files is served."""
    uri = _server_uri()
    return f"{uri}/get-artifact?path={quote(name)}&run_uuid={run_id}" if uri else ""


def _server_uri() -> str:
    """Where people look at it: from other machines, if they may."""
    uri, studio = without_password(str(client().tracking_uri)), running(current_store().root)
    if studio is not None and uri == studio.mlflow:
        return studio.public_mlflow or uri
    return uri if uri.startswith("http") else ""
