"""The two options every command shares: where the store and the data lie."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ..store.store import DATA, STORE, Store

StoreFolder = Annotated[
    Path, typer.Option("--store", envvar=STORE, metavar="DIR", help="Where runs and their files are kept.")
]
DataFolder = Annotated[
    Path, typer.Option("--data", envvar=DATA, metavar="DIR", help="Where downloaded datasets are kept.")
]
DEFAULT_STORE = Path("mlruns")
DEFAULT_DATA = Path("~/.cache/daecore")


def store_at(store: Path, data: Path) -> Store:
    """The store in these folders, which is the process's from now on; nothing is created."""
    from daecore.paths import user_path

    found = Store(user_path(store, "--store (DAE_STORE)"), user_path(data, "--data (DAE_DATA)"))
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
