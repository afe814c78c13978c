"""A flow watched from the command line: its progress, its interrupt, and its failure as one paragraph."""

import shlex
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import typer

from .. import interrupts
from ..garbage import without_collections
from ..store import full_disk, unwritable
from ..store.store import current_store
from ..store.studio_record import running
from ..store.unfinished import close_runs
from ..studio.parts import answers
from ..studio.temporary_server import TemporaryServer, begin, standing_in

REPEAT_SECONDS = 20  # more than it takes to end a run
COMING_UP_SECONDS, POLL_SECONDS = 180, 0.2  # a studio may need so long; how often it is looked at

Result = TypeVar("Result")


def run_watched(
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
    with _take_termination_as_interrupt():
        try:
            result = run_flow(load, verbose=verbose)
            if interrupts.was_interrupted():  # and lost on its way
                raise KeyboardInterrupt
            return result
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) or interrupts.was_interrupted():
                _say_stopped(goes_on)
                raise typer.Exit(130) from None
            from daecore.addresses import hide_passwords
            from daecore.errors import InputError

            hide_passwords(error)
            if isinstance(error, InputError) or not isinstance(error, Exception):
                raise
            if verbose:
                traceback.print_exc()
            print(f"dae: the run failed: {_paragraph(error)}", file=sys.stderr)
            close_runs()
            raise typer.Exit(1) from None


def run_flow(load: Callable[[], Callable[[], Result]], *, verbose: bool = False) -> Result:
    """What a flow gives, with its progress, a server to run on, and the store in order; what ends it is raised.

    Args:
        load: Imports the flow, and Prefect with it, and gives what calls it.
        verbose: Show Prefect's messages.
    """
    server = begin()
    with without_collections():
        flow = load()  # first: Prefect makes its console handlers when it is imported, `watch` removes them
        from .progress import watch
    with watch(verbose=verbose), _name_process(), standing_in(running(current_store().root)):
        _studio_answers()
        _make_database()
        _await_server(server)
        _close_killed(server)
        return flow()


def _say_stopped(goes_on: str) -> None:
    """Say how the user goes on; no run is left that is said to be under way."""
    command = shlex.join(["dae", *(word for word in sys.argv[1:] if word != "--fresh")])
    which = "The command without --fresh" if "--fresh" in sys.argv else "The same command"
    print(f"Stopped. {which} goes on {goes_on}:\n    {command}", file=sys.stderr)
    close_runs()
    interrupts.answer()  # after it: who was told to end waits for nobody


def _studio_answers() -> None:
    """Wait for a studio on the store that is coming up just now: its servers are this command's.

    Raises:
        StoreError: It went down, or has taken too long.
    """
    from daecore.errors import StoreError

    root = current_store().root
    studio, limit = running(root), time.monotonic() + COMING_UP_SECONDS
    while studio is not None and not all(answers(f"{url}/health") for url in (studio.api, studio.mlflow)):
        if not studio.alive or time.monotonic() > limit:
            raise StoreError(f"The studio on {root} does not answer. End its `dae up`, and run this again.")
        time.sleep(POLL_SECONDS)


def _make_database() -> None:
    """Make MLflow's database, which the flow would do while the server waits."""
    from ..store import tracking

    tracking.prepare(current_store())


def _await_server(server: TemporaryServer | None) -> None:
    """Wait for the server, and until then load what every training will need."""
    from ..store import tracking

    if server is not None and not server.answers:
        tracking.load_exporter()
    if server is not None:
        server.wait()


def _close_killed(server: TemporaryServer | None) -> None:
    """Commands that were killed have left runs that are said to be under way, in MLflow and in Prefect.

    A server that is not the store's knows runs of other people and of other machines.
    """
    from ..reconcile.reconciliation import reconcile_commands

    store = current_store()
    if server is not None or running(store.root) is not None:
        reconcile_commands(store)


def _name_process() -> AbstractContextManager[object]:
    """The flow run carries this process, so that one whose process died is known as such."""
    from prefect import tags

    from ..store.process_tag import process_tag

    return tags(process_tag())


def _paragraph(error: Exception) -> str:
    from daecore.errors import DaecoreError

    root = current_store().root
    if unwritable.is_taken_away(root):
        return unwritable.sentence(root)
    if full_disk.is_full(root, error):
        return full_disk.sentence(root)
    if isinstance(error, DaecoreError):
        return str(error)
    return f"{type(error).__name__}: {' '.join(str(error).split())} (--verbose shows where.)"


@contextmanager
def _take_termination_as_interrupt() -> Iterator[None]:
    """SIGTERM acts like Ctrl-C: the run ends KILLED and can go on.

    Either is repeated after a while: an interrupt that came while a library was cleaning up is lost there.
    """
    if not hasattr(signal, "alarm"):
        with interrupts.listen(signal.SIGINT, signal.SIGTERM):
            yield
        return
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    with interrupts.listen(*signals, first=lambda: signal.alarm(REPEAT_SECONDS)):
        try:
            yield
        finally:
            signal.alarm(0)
