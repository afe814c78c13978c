"""Where the store and the data lie: two options that every command shares, and two that name a shared store."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ..store.environment import DATA, STORE
from ..store.shared import ARTIFACTS, DATABASE
from ..store.shared.remembered import find_location
from ..store.store import Store

StoreFolder = Annotated[
    Path, typer.Option("--store", envvar=STORE, metavar="DIR", help="Where runs and their files are kept.")
]
DataFolder = Annotated[
    Path, typer.Option("--data", envvar=DATA, metavar="DIR", help="Where downloaded datasets are kept.")
]
DEFAULT_STORE = Path("mlruns")
DEFAULT_DATA = Path("~/.cache/daecore")


Database = Annotated[
    str | None,
    typer.Option(
        "--database", envvar=DATABASE, metavar="URL", help="Of a shared store: postgresql://USER@HOST:PORT/NAME."
    ),
]
Artifacts = Annotated[
    str | None,
    typer.Option(
        "--artifacts",
        envvar=ARTIFACTS,
        metavar="URL",
        help="Its files: s3://BUCKET/NAME, or a folder that all see.",
    ),
]


def name_location(database: str | None, artifacts: str | None) -> None:
    """Let the store be the shared one that these options name; it is remembered, so that they are given once."""
    for name, value in ((DATABASE, database), (ARTIFACTS, artifacts)):
        if value is not None:
            os.environ[name] = value


def store_at(store: Path, data: Path) -> Store:
    """The store in these folders, which is the process's from now on; nothing is created."""
    from daecore.paths import user_path

    root = user_path(store, "--store (DAE_STORE)")
    found = Store(root, user_path(data, "--data (DAE_DATA)"), find_location(root))
    os.environ.update({STORE: str(found.root), DATA: str(found.data)})
    return found


def format_size(count: int) -> str:
    """Bytes for people: ``1.5 MB``."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
