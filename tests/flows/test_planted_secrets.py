"""Secrets planted where users have them are in nothing that is kept or said: files, databases, logs, output."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planted import Planted
from servers import Bucket, Mlflow, Postgres
from studio import Studio, wait_until

NAMES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY", "DATABASE_URL", "HF_TOKEN",
    "GITHUB_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_USERNAME", "MY_PASSWORD",
    "MLFLOW_TRACKING_TOKEN", "PGPASSWORD", "PREFECT_API_KEY", "WANDB_API_KEY",
)  # fmt: skip
OF_ADDRESS = "pl4nted/in an@address"  # so that it is written in more than one way
SECRETS = {name: f"pl4nted-{number}-{name.lower()[:9]}-x9" for number, name in enumerate(NAMES)} | {
    "address": OF_ADDRESS
}
IN_ADDRESS = "pl4nted%2Fin%20an%40address"
SMALL = ["digits-erasure", "--set", "training.epochs=1", "--set", "training.threads=1", "--set", "transfer=null"]
BAD = """
import os
from daecore import Objective, Options, hookimpl
class Bad(Options):
    '''An objective whose error quotes an address.'''
def bad(options, corruptor):
    def loss(model, batch, generator):
        address = "https://ada:" + os.environ["MY_PASSWORD"] + "@example.org/weights?token=" + os.environ["HF_TOKEN"]
        try:
            raise OSError(2, "not found", address)
        except OSError as error:
            raise RuntimeError(f"GET {address} failed") from error
    return loss
@hookimpl
def register_objectives():
    return [Objective(name="bad", options=Bad, function=bad)]
"""


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Planted:
    """Secrets in the environment of every command."""
    for name in NAMES:
        monkeypatch.setenv(name, SECRETS[name])
    monkeypatch.setenv("PIP_INDEX_URL", f"https://ada:{IN_ADDRESS}@example.org/simple")
    return Planted(SECRETS)


def test_the_search_finds_what_is_there(planted: Planted, tmp_path: Path) -> None:
    """In each way in which it may be written."""
    for number, text in enumerate((OF_ADDRESS, IN_ADDRESS, "YWRhOnBsNG50ZWQvaW4gYW5AYWRkcmVzcw==")):
        (tmp_path / str(number)).write_text(f"before {text} behind")
    assert planted.in_files(tmp_path) == {str(tmp_path / str(number)): ["address"] for number in range(3)}


@pytest.mark.long
def test_a_run_keeps_nothing_of_its_environment(planted: Planted, dae: Any, tmp_path: Path) -> None:
    """Its store, with both databases and the network, its report, and what the commands print."""
    store, report = tmp_path / "store", tmp_path / "report.json"
    said = [dae(store, "run", *SMALL, "--report", report, "--verbose")]
    run = json.loads(report.read_text())["mlflow"]["run_id"]
    said += [dae(store, *words) for words in (["status"], ["doctor"], ["runs"], ["cite", run])]
    assert planted.in_text(*(f"{it.stdout}{it.stderr}" for it in said)) == []
    assert planted.in_files(tmp_path) == {}
    [network] = store.rglob("model.pt2")
    assert Planted({"code": str(Path(__file__).parents[2])}).in_files(network) == {}


@pytest.mark.long
def test_what_an_error_quotes_is_not_kept(
    planted: Planted, dae: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by Prefect, which keeps states, logs and results, nor by MLflow; with a traceback, too."""
    store, plugins = tmp_path / "store", tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "bad.py").write_text(BAD)
    monkeypatch.setenv("DAE_PLUGIN_PATH", str(plugins))
    failed = dae(store, "run", *SMALL, "--set", "objective=bad", "--verbose", status=1)
    assert "Traceback" in failed.stderr
    assert "GET https://example.org/weights?token=... failed" in failed.stderr
    looked = dae(store, "status")
    assert planted.in_text(failed.stdout, failed.stderr, looked.stdout, looked.stderr) == []
    assert planted.in_files(tmp_path) == {}


REFUSED = {
    "dataset": ["run", *SMALL, "--set", "dataset={packed: {url: 'https://ada:%s@h/x'}}"],
    "pack": ["data", "pack", "digits", "https://ada:%s@h/x"],
    "signed": ["data", "pack", "digits", "https://h/x?sig=%s"],
    "database": ["up", "--database", "postgresql://ada:%s@127.0.0.1:9/x", "--artifacts", "/nowhere"],
    "broken": ["up", "--database", "mysql://ada:%s@127.0.0.1:9/x", "--artifacts", "/nowhere"],
    "artifacts": ["up", "--database", "postgresql://127.0.0.1:9/x", "--artifacts", "s3://key:%s@bucket/x"],
    "cluster": [
        "sweep",
        "digits-erasure",
        "--space",
        "training.epochs=[1, 2]",
        "--cluster",
        "ray://ada:%s@127.0.0.1:9",
    ],
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_is_not_repeated_with_its_password(
    planted: Planted, dae: Any, tmp_path: Path, words: list[str]
) -> None:
    refused = dae(tmp_path / "store", *(word.replace("%s", IN_ADDRESS) for word in words), status=2)
    assert refused.stderr.splitlines()[-1].startswith("dae: ")
    assert planted.in_text(refused.stdout, refused.stderr) == []
    assert planted.in_files(tmp_path) == {}


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mlflow]:
    """A server that every command is told of, with a password."""
    made = Mlflow(tmp_path)
    monkeypatch.setenv("DAE_MLFLOW_URI", made.url.replace("//", f"//ada:{IN_ADDRESS}@"))
    yield made
    made.tell(9)


@pytest.mark.long
def test_the_password_of_a_server_is_not_kept_also_where_it_goes_away(
    planted: Planted, mlflow: Mlflow, dae: Any, started: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that succeeds, one whose server dies while it trains, and what looks at both; its database, too."""
    for name in NAMES:
        if name.startswith("MLFLOW_"):
            monkeypatch.delenv(name)  # the address says it
    monkeypatch.setenv("DAE_MLFLOW_PATIENCE", "3")
    store, report = tmp_path / "store", tmp_path / "report.json"
    said = dae(store, "run", *SMALL, "--report", report)
    assert json.loads(report.read_text())["mlflow"]["uri"] == mlflow.url
    begun = started(store, "run", *SMALL, "--set", "training.epochs=900", "--verbose", stderr=subprocess.PIPE)
    wait_until(lambda: list(store.glob("checkpoints/*.safetensors")), 120)
    mlflow.tell(9)
    _, failed = begun.communicate(timeout=120)
    assert begun.returncode == 1
    assert "MLflow has not answered" in failed
    looked = dae(store, "status", status=2)
    assert f"MLflow at {mlflow.url}, or where it keeps files" in looked.stderr
    assert planted.in_text(said.stdout, said.stderr, failed, looked.stdout, looked.stderr) == []
    assert planted.in_files(tmp_path) == {}


class SharedStudio(Studio):
    """A studio on a shared store."""

    def __init__(self, root: Path, database: str, artifacts: str) -> None:
        super().__init__(root)
        self.environment |= {"DAE_DATABASE": database, "DAE_ARTIFACTS": artifacts}


@pytest.mark.long
@pytest.mark.cluster
def test_the_password_of_a_shared_store_is_in_no_file_no_database_and_no_command_line(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A studio and its runs, also a failing one; then a database that is away."""
    postgres, bucket = Postgres(), Bucket()
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.environment["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    database = postgres.url.replace("lab@", f"lab:{IN_ADDRESS}@")
    studio = SharedStudio(tmp_path / "store", database, bucket.url)
    try:
        studio.up()
        done = studio.submit("denoise/digits-erasure", training={"epochs": 1, "threads": 1}, transfer=None)
        assert studio.finished(done) == "Completed"
        refused = studio.submit("denoise/digits-erasure", dataset={"packed": {"url": f"s3://{bucket.name}/none"}})
        assert studio.finished(refused) == "Failed"
        commands = [" ".join(process.cmdline()) for process in studio.processes()]
        assert len(commands) >= 3
        assert planted.in_text(*commands) == []
        said = [studio.dae("status"), studio.dae("doctor"), studio.said]
        studio.down()
        assert planted.in_text(postgres.dump()) == []
        postgres.stop()
        said.append(studio.dae("status", status=2))
        assert "lab@127.0.0.1" in said[-1]
        assert planted.in_text(*said) == []
        assert planted.in_files(tmp_path) == {}
    finally:
        studio.end()
        bucket.end()
        postgres.end()


@pytest.mark.long
def test_a_form_with_a_password_in_an_address_is_refused_before_it_is_kept(studio: Studio, planted: Planted) -> None:
    from urllib.error import HTTPError

    dataset = {"packed": {"url": f"https://ada:{IN_ADDRESS}@example.org/x"}}
    with pytest.raises(HTTPError):
        studio.submit("denoise/digits-erasure", dataset=dataset)
    assert planted.in_files(studio.root) == {}
