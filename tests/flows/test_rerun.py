"""Reruns through their command, on 8x8 digits: the same experiment, with changes, and what differs told."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from daecore_flows.rerun import differences, rerun

from daecore.errors import InputError

Said = Callable[..., str]
RECIPE = ["digits-erasure", "--set", "transfer=null", "--set", "training.epochs=1"]


@pytest.fixture(scope="module")
def said(dae: Any) -> Said:
    """What a command says."""

    def said(store: Path, *arguments: str, **more: Any) -> str:
        done = dae(store, *arguments, **more)
        return str(done.stdout + done.stderr)

    return said


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", server)
        yield tmp_path_factory.mktemp("rerun") / "store"


@pytest.fixture(scope="module")
def first(store: Path, said: Said) -> dict[str, Any]:
    report = store.parent / "first.json"
    said(store, "run", *RECIPE, "--report", str(report))
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def run_of(store: Path, run_id: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{store}/mlflow.db").get_run(run_id)


def test_what_differs_is_told_by_path() -> None:
    """Old and new, and a dash for a place that only one of them has."""
    old = {"training": {"epochs": 1, "batch": 8}, "architecture": {"conv": {"code": 16}}}
    new = {"training": {"epochs": 3, "batch": 8}, "architecture": {"dense": {"code": 16}}}
    assert differences(old, new) == {
        "training.epochs": ("1", "3"), "architecture.conv.code": ("16", "-"), "architecture.dense.code": ("-", "16"),
    }  # fmt: skip
    assert differences(old, old) == {}


def test_a_rerun_of_nothing_says_what_to_give() -> None:
    """The form's default is an empty text."""
    with pytest.raises(InputError, match="give from_run a run's id"):
        rerun.fn()


def test_without_a_store_there_is_nothing_to_run_again(tmp_path: Path, said: Said) -> None:
    """Exit status 2, and no store is made."""
    assert "There is no store" in said(tmp_path / "none", "rerun", "abc", status=2, new=True)
    assert not (tmp_path / "none").exists()


@pytest.mark.long
def test_what_a_run_used_is_cited(store: Path, first: dict[str, Any], said: Said) -> None:
    """On the standard output, as BibTeX alone."""
    run_id = first["mlflow"]["run_id"]
    cited = said(store, "cite", run_id[:12])
    assert cited.startswith(f"% What the run {run_id[:12]} (digits erasure(p=0.5) dense-48) used, and daecore,")
    assert [line.split("{")[1] for line in cited.splitlines() if line.startswith("@")] == [
        "alpaydin1998,", "daecore,", "vincent2008,",
    ]  # fmt: skip
    assert "There is no run 'nobody'" in said(store, "cite", "nobody", status=2)


@pytest.mark.long
def test_a_rerun_with_a_change_is_a_run_that_says_what_it_repeats(
    store: Path, first: dict[str, Any], server: str, said: Said
) -> None:
    """Tags of the MLflow run, the flow run's name and an artifact tell old and new; the rest is as it was."""
    report, old = store.parent / "second.json", first["mlflow"]["run_id"]
    said(store, "rerun", old[:10], "--set", "training.epochs=2", "--report", str(report))
    second = json.loads(report.read_text())
    assert second["experiment"]["training"].pop("epochs") == 2
    assert {**first["experiment"]["training"], "epochs": 2} == {**second["experiment"]["training"], "epochs": 2}
    assert second["experiment"]["corruptions"] == first["experiment"]["corruptions"]
    tags = run_of(store, second["mlflow"]["run_id"]).data.tags
    assert tags["rerun_of"] == old
    assert tags["rerun_changes"] == "training.epochs: 1 -> 2"
    assert tags["recipe"] == "digits-erasure"
    flow_run = second["prefect"]["flow_run_id"]
    with urllib.request.urlopen(f"{server}/flow_runs/{flow_run}", timeout=60) as answer:
        assert json.load(answer)["name"] == "rerun digits erasure(p=0.5) dense-48: training.epochs=2"
    query = json.dumps({"artifacts": {"flow_run_id": {"any_": [flow_run]}, "key": {"any_": ["rerun"]}}}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}/artifacts/filter", data=query, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        (artifact,) = json.load(answer)
    assert "| `training.epochs` | 1 | 2 |" in artifact["data"]


@pytest.mark.long
def test_a_rerun_as_it_was_reuses_everything(store: Path, first: dict[str, Any], said: Said) -> None:
    """By its registered model, too; the same weights."""
    report = store.parent / "third.json"
    said(store, "rerun", "models:/digits-erasure-0.5/1", "--report", str(report))
    third = json.loads(report.read_text())
    assert third["training"]["weights_sha256"] == first["training"]["weights_sha256"]
    assert "train_autoencoder" in third["reused"]


@pytest.mark.long
def test_other_plugins_are_refused_unless_that_is_allowed_or_they_are_not_used(
    store: Path, first: dict[str, Any], said: Said
) -> None:
    """The run's own record decides; a plugin that a change takes out of the experiment does not matter."""
    from mlflow.tracking import MlflowClient

    run, tag = first["mlflow"]["run_id"], "plugin.architecture.dense"
    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    before = client.get_run(run).data.tags[tag]
    client.set_tag(run, tag, "daecore 0.0.1 sha256:0123456789abcdef")
    try:
        refused = said(store, "rerun", run, status=2)
        assert "The architecture 'dense' was daecore 0.0.1" in refused
        assert "--allow-changed-plugins" in refused
        said(store, "rerun", run, "--allow-changed-plugins")
        said(store, "rerun", run, "--set", "architecture={conv: {code: 16}}")
    finally:
        client.set_tag(run, tag, before)
