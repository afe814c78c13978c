"""A flow watched from the command line: its progress, its interrupt, and its failure as one paragraph."""

import gc
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import typer

from ..studio.record import PROCESS
from ..temporary_server import TemporaryServer, begun

REPEAT_SECONDS = 20  # more than it takes to end a run
COLLECTED_AT = gc.get_threshold()  # as Python has it; `main` looks for garbage less often

Result = TypeVar("Result")


def watched_flow(
    load: Callable[[], Callable[[], Result]], *, verbose: bool, goes_on: str = "from its last checkpoint"
) -> Result:
    """What a flow gives; whatever ends it before becomes an exit status and one paragraph.

    Args:
        load: Imports the flow, and Prefect with it, and gives what calls it.
        verbose: Show Prefect's messages, and tracebacks.
        goes_on: Where the same command goes on after an interrupt.

    Raises:
        InputError: What the user wrote cannot be run.
        typer.Exit: 1 where it failed, 130 where it was interrupted.
    """
    with _terminated_like_interrupted():
        try:
            server = begun()
            with _without_collections():
                flow = load()  # first: Prefect makes its console handlers when it is imported, `watched` removes them
                from .progress import watched
            with watched(verbose=verbose), _named():
                _database_made()
                _awaited(server)
                return flow()
        except KeyboardInterrupt:
            command = shlex.join(["dae", *(word for word in sys.argv[1:] if word != "--fresh")])
            which = "The command without --fresh" if "--fresh" in sys.argv else "The same command"
            print(f"Stopped. {which} goes on {goes_on}:\n    {command}", file=sys.stderr)
            raise typer.Exit(130) from None
        except Exception as error:
            from daecore.errors import InputError

            if isinstance(error, InputError):
                raise
            if verbose:
                traceback.print_exc()
            print(f"dae: the run failed: {_paragraph(error)}", file=sys.stderr)
            raise typer.Exit(1) from None


def _database_made() -> None:
    """Make MLflow's database, which the flow would do while the server waits."""
    from .. import tracking
    from ..store import current_store

    tracking.prepare(current_store())


def _awaited(server: TemporaryServer | None) -> None:
    """Wait for the server, and until then load what every training will need."""
    from .. import tracking

    if server is not None and not server.answers:
        tracking.load_exporter()
    if server is not None:
        server.wait()


@contextmanager
def _without_collections() -> Iterator[None]:
    """Imports make a million objects that stay: no garbage is looked for among them, now and later.

    From then on it is looked for as often as usual: what a training leaves may be large.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*COLLECTED_AT)
        gc.enable()


def _named() -> AbstractContextManager[object]:
    """The flow run carries this process, so that one whose process died is known as such."""
    import os

    import psutil
    from prefect import tags

    return tags(f"{PROCESS}{os.getpid()}:{psutil.Process().create_time():.2f}")


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
