"""`dae data`: the datasets on this machine."""

from typing import Annotated

import typer

from . import completion
from .folders import DEFAULT_DATA, DEFAULT_STORE, DataFolder, format_size, store_at

app = typer.Typer(name="data", help="Datasets on this machine.", no_args_is_help=True)


@app.command()
def fetch(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A dataset's name, e.g. mnist.", autocompletion=completion.datasets)
    ],
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Load a dataset now, downloading and verifying what is missing."""
    from daecore.experiment.loading import load_splits
    from daecore.plugin.spec import spec

    splits = load_splits(spec("dataset", name), store_at(DEFAULT_STORE, data).data)
    test = sum(len(group) for group in splits.test)
    print(f"{name}: {len(splits.train)} training, {len(splits.validation)} validation, {test} test samples")
    print(f"sha256 {splits.digest}")


@app.command("list")
def list_data(data: DataFolder = DEFAULT_DATA) -> None:
    """List what lies in the data folder, with sizes: downloads, and what was written once to be mapped."""
    from ..store.kept_data import KEPT, kept_data

    folder = store_at(DEFAULT_STORE, data).data
    kept = kept_data(folder)
    names = sorted(path for path in folder.glob("*") if path.is_dir() and path.name not in KEPT)
    print(f"{folder}:" if names or kept else f"No data in {folder} yet; `dae data fetch mnist` fetches some.")
    for path in names:
        held = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        print(f"  {path.name:<40} {format_size(held):>10}")
    for it in kept:
        print(f"  {it.title:<40} {format_size(it.bytes):>10}  last used {it.used:%Y-%m-%d}")
    if kept:
        print("What nobody has used for a month goes with `dae gc`; it is made again when it is needed.")
