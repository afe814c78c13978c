"""Parser of a forged journal, told to MLflow: a real database and a real folder of files, and nothing beside them."""

import base64
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import mlflow
import numpy as np
from daecore_flows.store import journal
from daecore_flows.store.store import Store
from daecore_flows.store.tracking.files import picture_name
from daecore_flows.store.tracking.telling import tell_left
from fuzzed import Parser
from mlflow.tracking import MlflowClient
from PIL import Image
from repairs import repair_lines
from store_parsers import JSON, as_text

from daecore.whole_file import whole_file

RUN = "f" * 32
MOST_LINES = 200  # a sound message takes MLflow its time, some milliseconds
BUILD = Path(__file__).parents[2] / "build" / "fuzz"
ANEW = ("delete from metrics", "delete from latest_metrics", "delete from tags",
    "update runs set status = 'RUNNING', lifecycle_stage = 'active'")  # fmt: skip


def empty_database() -> Path:
    """MLflow's database without runs, to be copied: one takes seconds to make, so it is kept."""
    path = BUILD / f"empty-mlflow-{mlflow.__version__}.db"
    if not path.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            MlflowClient(f"sqlite:///{temporary}").search_experiments(max_results=1)
    return path


@cache
def _store(room: Path) -> Store:
    """A store with one run, of a known id."""
    store = Store(room / "told", room / "data")
    store.root.mkdir()
    shutil.copy(empty_database(), store.database)
    client = MlflowClient(store.tracking_uri)
    experiment = client.create_experiment("a", artifact_location=str(store.artifacts))
    run = client.create_run(experiment).info
    with closing(sqlite3.connect(store.database)) as database:
        moved = run.artifact_uri.replace(run.run_id, RUN)
        database.execute("delete from tags")
        database.execute("update runs set run_uuid = ?, artifact_uri = ?", (RUN, moved))
        database.commit()
    return store


def _tell(content: bytes, room: Path) -> object:
    """As `dae sync` tells it: what is forged keeps nothing back, and nothing is written but into the run's folder."""
    store, scratch = _store(room), room / "scratch"
    scratch.mkdir(exist_ok=True)
    shutil.rmtree(store.artifacts, ignore_errors=True)
    with closing(sqlite3.connect(store.database)) as database:
        for words in ANEW:
            database.execute(words)
        database.commit()
    path = journal.journal_path(store.root, RUN)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\n".join(content.split(b"\n")[:MOST_LINES]))
    with (
        patch.dict(os.environ, MLFLOW_TRACKING_URI=store.tracking_uri),
        patch.object(tempfile, "tempdir", str(scratch)),
    ):
        found = list(tell_left(store))
    assert not any(it.kept for it in found), found
    left = {it.relative_to(room).parts[:4] for it in room.rglob("*") if it.is_file()}
    known = {
        ("told", "mlflow.db"),
        ("told", "mlflow.db-wal"),
        ("told", "mlflow.db-shm"),
        ("told", "journal", path.name),
    }
    others = {it for it in left - known if it != ("told", "artifacts", RUN, "artifacts")}
    assert not others, f"{others} were written"
    return any(it.told for it in found)


def _journals(room: Path) -> list[bytes]:
    _store(room)
    with BytesIO() as file:
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(file, "PNG")
        png = base64.b64encode(file.getvalue()).decode()
    entries = (
        {"metrics": {"1": {"loss": 0.5, "epoch_seconds": 1}, "2": {"loss": 0.25}}, "time": 1_700_000_000_000},
        {"picture": picture_name("restored", 1), "png": png}, {"told_at": 0},
        {"metrics": {"0": {"system/load": 0.5}}, "time": 1},
        {"end": "FAILED", "why": "so", "by": ["1", "2.5", "a/b/c/d"]},
    )  # fmt: skip
    return [repair_lines(b"".join(b"00000000 %s\n" % as_text(it) for it in entries))]


PARSERS = (
    Parser("told", _tell, _journals, (*JSON, b"metrics", b"picture", b"images/", b"+step+", b"png", b"end", b"by",
        b"\n", b"iVBORw0KGgo=", b"JSFQUy1BZG9iZS0zLjA="), repair_lines),
)  # fmt: skip
