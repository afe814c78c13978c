"""`dae restore`: a trained network on the user's own pictures."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import completion
from .folders import DEFAULT_DATA, DEFAULT_STORE, DataFolder, StoreFolder, store_at
from .picture_work import say_how_it_went, work_through
from .reading import Choose, parse_choice, parse_range, range_option
from .runs import enter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daecore.data.value_range import RangeOption, ValueRange
    from daecore.device import Device as ResolvedDevice
    from daecore.model.autoencoder import Autoencoder
    from daecore.model.restorer import Restorer
    from daecore.model.sampling import SamplingOptions
    from daecore.model.tiling import Watch
    from daecore.trained.model_file import ModelHeader
    from daecore.uncertainty.error_bars import ErrorBars

    from ..picture_plan import Job
    from ..restore_pictures import Done, Restoration
    from ..store.store import Store

Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where to compute.")]
Tile = Annotated[
    int | None,
    typer.Option(
        "--tile", min=32, metavar="PIXELS", help="Side of a tile, for networks that take any size; best k * 64."
    ),
]
Samples = Annotated[
    int,
    typer.Option(
        "--samples", min=0, max=256, metavar="COUNT",
        help="Write so many pictures of what it could have been, too, and their deviation per pixel.",
    ),
]  # fmt: skip
IntervalLevel = Annotated[
    float | None,
    typer.Option(
        "--interval", min=0.5, max=0.99, metavar="LEVEL",
        help="Write a lower and an upper bound for each pixel, too, as 0.9, and what PSNR is promised.",
    ),
]  # fmt: skip
Range = Annotated[str, range_option("model", "as the model has learnt")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there already.")]
AllowChangedPlugins = Annotated[
    bool, typer.Option("--allow-changed-plugins", help="Use a network whose architecture's code has changed.")
]
Steps = Annotated[int | None, typer.Option("--steps", min=1, max=1000, help="Steps from noise to a sample.")]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**31, help="Names the noise that samples begin with.")]


def restore(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A run's id or name, models:/NAME@ALIAS, or a file weights.safetensors.",
            autocompletion=completion.runs,
        ),
    ],
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, or a folder of pictures.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file or folder to write.")],
    device: Device = "auto",
    tile: Tile = None,
    samples: Samples = 0,
    steps: Steps = None,
    seed: Seed = 0,
    interval: IntervalLevel = None,
    value_range: Range = "model",
    choose: Choose = None,
    force: Force = False,
    allow_changed_plugins: AllowChangedPlugins = False,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Restore pictures of any size with a trained network, in overlapping tiles that leave no seams.

    Grey and colour in their own depth (PNG, JPEG, TIFF, BMP, WebP, PPM; GIF becomes PNG); transparency is kept.
    No input is ever overwritten. What cannot be read is told, and the others go on.
    """
    from ..picture_plan import plan

    asked, choice = parse_range(value_range, "model"), parse_choice(choose)
    planned = plan(source.expanduser(), target.expanduser(), samples=samples, bounds=interval is not None, force=force)
    from daecore.device import resolve_device

    from ..restore_pictures import Restoration

    chosen = resolve_device(device)
    opened = store_at(store, data)
    network, header = _network(model, opened, allow_changed_plugins)
    restorer = _restorer(network.to(chosen.kind), header, tile or 0, draws=samples > 0)
    bars = None if interval is None else _bars(model, network, interval, opened).to(chosen.kind)
    how = Restoration(restorer, _sampling(steps, seed), bars, _range_of(asked, header), choice)
    say_how_it_went(planned, _restore_all(planned.jobs, how, chosen), "restored")


def _restorer(network: "Autoencoder", header: "ModelHeader", side: int, *, draws: bool) -> "Restorer":
    """The network as one that restores pictures of any size.

    Raises:
        InputError: It is not for pictures, takes no tiles of that side, or cannot draw.
    """
    from daecore.model.picture_sampling import require_sampler
    from daecore.model.restorer import Restorer

    restorer = Restorer.of(network, header.shapes, side)
    if draws:
        require_sampler(restorer.model)
    return restorer


def _sampling(steps: int | None, seed: int) -> "SamplingOptions":
    from daecore.model.sampling import SamplingOptions

    return SamplingOptions(seed=seed) if steps is None else SamplingOptions(seed=seed, steps=steps)


def _range_of(asked: "RangeOption", header: "ModelHeader") -> "ValueRange | None":
    """Which numbers of files are 0 and 1; None where their type says it."""
    from daecore.data.value_range import TYPES, ValueRange

    if asked == "auto":
        return header.value_range
    return None if asked == "dtype" else ValueRange(low=asked[0], high=asked[1], kinds=TYPES)


def _restore_all(jobs: "Sequence[Job]", how: "Restoration", device: "ResolvedDevice") -> list[bool]:
    """Restore one picture after the other, with the device to oneself; whether each one went well."""
    from ..restore_pictures import restore_file
    from ..store.device_lock import fitting, hold

    def work(job: "Job", watch: "Watch") -> "Done":
        return restore_file(job, replace(how, restorer=replace(how.restorer, watch=watch)))

    chosen = fitting(device)
    with hold(chosen), chosen.apply():
        return work_through(jobs, work, _more)


def _more(job: "Job", done: "Done") -> str:
    """Tiles, seconds, and what was written beside."""
    beside = f"  {job.samples} {'sample' if job.samples == 1 else 'samples'} beside" if job.samples else ""
    beside += "" if done.promised_db is None else f"  {_decibels(done)}"
    return f"  {done.tiles} {'tile' if done.tiles == 1 else 'tiles'}  {done.seconds:.2f} s{beside}"


def _decibels(done: "Done") -> str:
    """What PSNR is promised, or why none is."""
    from daecore.uncertainty.psnr_promise import DB_LEVEL

    if not done.unlike:
        return f"at least {done.promised_db:.2f} dB ({DB_LEVEL:.0%})"
    return f"about {done.promised_db:.2f} dB or more, but nothing is promised to {done.unlike}"


def _bars(model: str, network: "Autoencoder", level: float, store: "Store") -> "ErrorBars":
    """The error bars of the network that is meant, and what they promise, told.

    Raises:
        InputError: It has none, and none can be fitted here.
    """
    from daecore.trained.error_bars_file import error_bars_of
    from daecore.trained.loading import SUFFIX, locate

    from . import interval

    if model.endswith(SUFFIX):
        path = locate(model).find_bars(level)
    else:
        from ..store.lookup import find_run

        path = interval.bars_for_run(find_run(model), level, store)
    bars, header = error_bars_of(path, network, level)
    print(interval.promise(header))
    return bars


def _network(model: str, opened: "Store", allow: bool) -> "tuple[Autoencoder, ModelHeader]":
    """The network that is meant, and what its file says of it.

    Raises:
        InputError: There is no such file or run, or its plugins are missing or changed.
        StoreError: Its weights are gone or altered.
    """
    from daecore.trained.loading import SUFFIX, locate
    from daecore.trained.model_file import load_with_header

    if model.endswith(SUFFIX):
        return load_with_header(locate(model).weights, allow_changed_plugins=allow)
    enter(opened)
    from ..store.lookup import find_run, model_of
    from ..store.model_ref import weights_of

    return load_with_header(weights_of(model_of(find_run(model)), opened), allow_changed_plugins=allow)
