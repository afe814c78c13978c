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
    from daecore.plugin.spec import spec

    dataset = spec("dataset", name)
    splits = dataset.extension.function(dataset.options, cache=store_at(DEFAULT_STORE, data).data)
    test = sum(len(group) for group in splits.test)
    print(f"{name}: {len(splits.train)} training, {len(splits.validation)} validation, {test} test samples")
    print(f"sha256 {splits.digest}")


@app.command("list")
def list_data(data: DataFolder = DEFAULT_DATA) -> None:
    """List what lies in the data folder, with sizes."""
    folder = store_at(DEFAULT_STORE, data).data
    names = sorted(path for path in folder.glob("*") if path.is_dir())
    print(f"{folder}:" if names else f"No data in {folder} yet; `dae data fetch mnist` fetches some.")
    for path in names:
        held = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        print(f"  {path.name:<20} {format_size(held):>10}")
