"""The address that `dae up` prints for MLflow: the table of all whole runs, or what is sensible before there is one."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from daecore_flows.store import tracking
from daecore_flows.store.store import Store
from daecore_flows.store.tracking.runs_table import VIEW, RunsTable, table_address
from daecore_flows.studio.deployments import tags


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Store]:
    """A store without runs, at first."""
    folder = tmp_path_factory.mktemp("table")
    with pytest.MonkeyPatch.context() as patch:
        for name in Store(folder, folder).environment():
            patch.setenv(name, "")
        made = Store(folder / "store", folder)
        made.enter()
        shutil.copy(empty_database, made.database)
        tracking.prepare(made)
        yield made


def views(names: list[str]) -> list[Any]:
    experiments = [tracking.client().get_experiment_by_name(name) for name in names]
    return [json.loads(one.tags.get("mlflow.sharedViewState.daecore", "null")) for one in experiments]


def test_only_the_one_address_is_answered_before_mlflow(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a redirection that no browser keeps: the next run may bring another experiment."""
    monkeypatch.setenv("_MLFLOW_SERVER_FILE_STORE", tracking.client().tracking_uri)
    behind, sent = [], []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        behind.append(scope["path"])

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask(method: str, path: str) -> None:
        await RunsTable(application)({"type": "http", "method": method, "path": path}, None, send)

    for method, path in (("GET", "/"), ("POST", "/runs"), ("GET", "/runs/1")):
        asyncio.run(ask(method, path))
    assert (behind, sent) == (["/", "/runs", "/runs/1"], [])
    asyncio.run(ask("GET", "/runs"))
    headers = dict(sent[0]["headers"])
    assert (sent[0]["status"], headers[b"cache-control"]) == (302, b"no-store")
    assert headers[b"location"] == b"/#/experiments?workflowType=machine_learning"


def test_the_table_holds_every_experiment_with_a_whole_run_and_no_other(store: Store) -> None:
    """None: the list of experiments; one: its own table; several: theirs together, each with the view."""
    client = tracking.client()
    digits, lecture, mnist = (tracking.experiment_id(name, store) for name in ("digits", "lecture", "mnist"))
    tracking.start(lecture, "a study", {"stage": "study"}, {})
    assert table_address(client) == "/#/experiments?workflowType=machine_learning"
    tracking.start(digits, "a run", {"stage": "denoise"}, {})
    assert table_address(client).startswith(f"/#/experiments/{digits}/runs?viewStateShareKey=daecore")
    tracking.start(mnist, "a run", {"stage": "denoise"}, {})
    page = urlsplit(urlsplit(table_address(client)).fragment)
    assert page.path == "/compare-experiments/s"
    assert json.loads(parse_qs(page.query)["experiments"][0]) == [digits, mnist]
    assert views(["digits", "mnist", "lecture"]) == [VIEW, VIEW, None]
    assert {"metrics.`gain_db.mean`", "metrics.`restored_db`"} <= set(VIEW["selectedColumns"])


def test_experiments_beyond_a_page_are_in_the_table(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow gives 1,000 at once."""
    client = tracking.client()
    for name in ("beyond-1", "beyond-2"):
        tracking.start(tracking.experiment_id(name, store), "a run", {"stage": "denoise"}, {})
    whole = table_address(client)
    monkeypatch.setattr(client, "search_experiments", partial(client.search_experiments, max_results=1))
    assert table_address(client) == whole
    assert "compare-experiments" in whole


@pytest.mark.parametrize(
    ("name", "recipe", "wanted"),
    [
        ("sweep", "", ["start-here", "tools"]),
        ("lecture", "", ["start-here", "tools", "lecture"]),
        ("digits-erasure", "digits-erasure", ["start-here", "recipes"]),
        ("mnist-blur", "mnist-blur", ["recipes"]),
        ("lecture-blur-1", "lecture/erasure-0.9", ["lecture"]),
        ("mine", "mine", ["start-here", "own-recipes"]),
    ],
)
def test_a_deployment_has_the_tag_of_its_family(name: str, recipe: str, wanted: list[str]) -> None:
    """What one begins with is one page of Prefect's list: the tools, two recipes, and the user's own."""
    assert tags(name, recipe) == wanted
