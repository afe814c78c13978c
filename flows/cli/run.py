"""`dae run`: wrong input is found before anything is started; then the flow, watched; then the report."""

import json
import shlex
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from .. import cookbook
from ..store import Store, write_atomically
from .places import DEFAULT_DATA, DEFAULT_STORE, DataFolder, StoreFolder, size, store_at
from .recipes import Changes, Recipe

if TYPE_CHECKING:
    from daecore.experiment import Experiment

Result = TypeVar("Result")
REPEAT_SECONDS = 20  # more than it takes to end a run
ROOM = 200_000_000  # bytes a run may write: checkpoints, pictures, models, databases
Output = Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Write the report as JSON, too.")]


def run(
    recipe: Recipe,
    changes: Changes = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ignore what is cached and train anew.")] = False,
    report: Output = None,
    allow_changed_plugins: Annotated[
        bool, typer.Option("--allow-changed-plugins", help="Run a report's experiment with other plugins than it had.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Prefect's messages, and tracebacks.")] = False,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Run an experiment: corrupt, train, restore, measure, transfer; then report.

    The same command again takes finished stages from the cache, and goes on with a training that was stopped.
    """
    place = store_at(store, data)
    recorded = cookbook.plugins(recipe)
    if recorded:
        from ..provenance import require_same

        require_same(recorded, f"The run of {recipe}", allow=allow_changed_plugins)
    experiment = prepared(cookbook.mapping(recipe, changes or []), place)
    if report is not None:
        writable(report, "--report")
    final = _watched_run(experiment, Path(recipe).stem if recipe.endswith(".yaml") else recipe, place, fresh, verbose)
    if report is not None:
        write_atomically(report.expanduser().resolve(), json.dumps(final, indent=2) + "\n")
    from .summary import print_summary

    print_summary(final, place)


def prepared(wanted: dict[str, Any], store: Store) -> "Experiment":
    """The experiment, checked without data, Prefect and MLflow; the store, entered.

    Raises:
        InputError: It cannot be run.
        StoreError: The store cannot be written, or there is too little room.
    """
    from daecore.experiment import check, parse
    from daecore.place import resolve_place

    experiment = parse(wanted)
    check(experiment)
    if experiment.data.extension.fingerprint is not None:
        experiment.data.extension.fingerprint(experiment.data.options)  # the user's folder is there and has files
    training = experiment.training
    resolve_place(training.device, training.precision, training.threads)
    store.enter()
    _check_room(store.root, ROOM, "--store or DAE_STORE")
    if not (store.data / experiment.data.name).exists():
        _check_room(store.data, experiment.data.extension.download_bytes, "--data or DAE_DATA")
    return experiment


def _check_room(folder: Path, needed: int, option: str) -> None:
    from daecore.errors import StoreError

    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise StoreError(
            f"There is too little room on the disk of {folder}: about {size(needed)} are needed, {size(free)} are "
            f"free. Choose another folder with {option}, or make room (`dae gc` helps)."
        )


def writable(file: Path, option: str) -> None:
    """Find out before the work whether its result can be written.

    Raises:
        InputError: It cannot.
    """
    from daecore.errors import InputError

    try:
        with file.open("a"):
            pass
    except OSError as error:
        raise InputError(f"{option} {file} cannot be written: {error.strerror}. Choose another file.") from None


def _watched_run(experiment: "Experiment", name: str, store: Store, fresh: bool, verbose: bool) -> dict[str, Any]:
    """Run the flow; its report."""

    def call() -> dict[str, Any]:
        from ..pipeline import denoise
        from ..reporting import final_report

        return final_report(denoise(**experiment.model_dump(mode="json"), recipe=name, fresh=fresh), store).model_dump(
            mode="json"
        )

    return watched_flow(call, verbose=verbose)


def watched_flow(call: Callable[[], Result], *, verbose: bool) -> Result:
    """Call what runs a flow, and show its progress; whatever ends it becomes an exit status and one paragraph."""
    from daecore.errors import InputError

    with _terminated_like_interrupted():
        try:
            from .. import pipeline  # noqa: F401  Prefect's handlers must be there to be silenced
            from .progress import watched

            with watched(verbose=verbose):
                return call()
        except KeyboardInterrupt:
            command = shlex.join(["dae", *(word for word in sys.argv[1:] if word != "--fresh")])
            which = "The command without --fresh" if "--fresh" in sys.argv else "The same command"
            print(f"Stopped. {which} goes on after the last whole epoch:\n    {command}", file=sys.stderr)
            raise typer.Exit(130) from None
        except InputError:
            raise
        except Exception as error:
            if verbose:
                traceback.print_exc()
            print(f"dae: the run failed: {_paragraph(error)}", file=sys.stderr)
            raise typer.Exit(1) from None


def _paragraph(error: Exception) -> str:
    from daecore.errors import DaecoreError

    if isinstance(error, DaecoreError):
        return str(error)
    return f"{type(error).__name__}: {' '.join(str(error).split())} (--verbose shows where.)"


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM acts like Ctrl-C: the run ends KILLED and can go on.

    Either is repeated after a while: an interrupt that came while a library was cleaning up is lost there.
    """
    signals = (signal.SIGINT, signal.SIGTERM, *((signal.SIGALRM,) if hasattr(signal, "SIGALRM") else ()))

    def interrupt(number: int, frame: object) -> None:
        if hasattr(signal, "alarm"):
            signal.alarm(REPEAT_SECONDS)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
