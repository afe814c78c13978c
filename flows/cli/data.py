"""`dae data`: the datasets on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from . import completion
from .folders import DEFAULT_DATA, DEFAULT_STORE, DataFolder, format_size, store_at

if TYPE_CHECKING:
    from daecore.data.packing import Advance

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


@app.command()
def pack(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A dataset's name, e.g. mnist.", autocompletion=completion.datasets)
    ],
    dest: Annotated[
        str, typer.Argument(metavar="DEST", help="Where to: a new folder, or s3://bucket/name, gs://, az://.")
    ],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="OPTION=VALUE", help="Set one of the dataset's options; repeatable."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the packed dataset that is there.")] = False,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Write a dataset in chunks; the dataset `packed` reads them from there, each when it is first needed."""
    from pydantic import ValidationError

    from daecore.data import ChunkStorage, require_place
    from daecore.data import pack as write
    from daecore.errors import InputError
    from daecore.experiment.experiment import override
    from daecore.experiment.loading import load_splits
    from daecore.plugin.extension import declared_value
    from daecore.plugin.spec import explain, spec

    from .progress import watch

    storage = ChunkStorage.at(dest, "DEST")
    try:
        chosen = spec("dataset", override({name: {}}, [f"{name}.{it}" for it in changes or []]))
    except ValidationError as error:
        raise InputError(f"The dataset {name} cannot be packed: {explain(error, '').rstrip('.')}.") from None
    require_place(storage, replace=force)
    with watch():
        splits = load_splits(chosen, store_at(DEFAULT_STORE, data).data)
    bounded = declared_value(chosen.extension.bounded, chosen.options) or len(splits.train.shape) == 3
    with _bar(name) as advance:
        header = write(splits, storage, bounded=bounded, replace=force, advance=advance)
    chunks, count = sum(it.chunks for it in header.sets), sum(it.count for it in header.sets)
    print(f"{count:,} samples in {chunks:,} chunks: {storage.shown}")
    print(f"Use them with the dataset {{packed: {{url: {storage.shown!r}}}}}.")


@contextmanager
def _bar(name: str) -> Iterator["Advance"]:
    """A bar on the terminal, of samples; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = TextColumn(f"packing {name}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("")
        yield lambda done, total: bar.update(task, completed=done, total=total)


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
