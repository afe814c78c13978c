"""`dae up`, `dae status`, `dae doctor`: the two pages, what goes on in them, and whether all is in order."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from .. import interrupts
from ..store.store import Store
from ..store.studio_record import Studio, running
from .folders import (
    DEFAULT_DATA,
    DEFAULT_STORE,
    Artifacts,
    Database,
    DataFolder,
    StoreFolder,
    name_location,
    store_at,
)

if TYPE_CHECKING:
    from ..studio.status import Entry
    from ..studio.wish import Wish

Port = Annotated[
    int, typer.Option(min=0, max=65_535, help="0: that of last time, else the usual one or the next free.")
]


def up(
    host: Annotated[
        str,
        typer.Option("--host", help="Where the pages answer. For other machines: --certificate, --key, `dae people`."),
    ] = "127.0.0.1",
    prefect_port: Port = 0,
    mlflow_port: Port = 0,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="For --host: the certificate, as PEM.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="Its private key, as PEM.")] = None,
    database: Database = None,
    artifacts: Artifacts = None,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Bring both pages up with a runner that serves every deployment; Ctrl-C stops all it started.

    A second `dae up` on the same store finds the first and prints its links.
    """
    from daecore.paths import user_path

    from ..studio import up as studio
    from ..studio.wish import Wish

    given = {"--certificate": certificate, "--key": key}
    files = [None if file is None else user_path(file, name) for name, file in given.items()]
    name_location(database, artifacts)
    opened = store_at(store, data)
    opened.enter()
    console = Console(highlight=False, soft_wrap=True)
    with studio.alone(opened) as first:
        wish = Wish(host, prefect_port, mlflow_port, *files)
        if first:
            _stay_up(opened, wish, console)
        else:
            _print_links(console, _first_one(opened, wish), "is up already")


def _stay_up(opened: Store, wish: "Wish", console: Console) -> None:
    """Bring it up, and watch it until it is to end."""
    import time

    from ..studio import up as studio

    began = time.monotonic()
    console.print(f"bringing up the studio on {opened.root} ...", markup=False)
    try:
        with _TerminationAsInterrupt(), studio.up(opened, wish, console.print) as made:
            _print_links(console, made[0], f"is up after {time.monotonic() - began:.0f} s")
            studio.watch(made[1], console.print)
    except KeyboardInterrupt:
        interrupts.answer()
        console.print("Stopped, with all it had started. `dae up` goes on with what was under way.")


def _first_one(store: Store, wish: "Wish") -> Studio:
    """The studio that another process holds, as soon as it has written where it answers.

    Raises:
        InputError: Other machines are to be answered, and it has no door for them.
        StoreError: It does not write it.
    """
    import time

    from daecore.errors import InputError, StoreError

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        studio = running(store.root)
        if studio is not None:
            if wish.public and not studio.public_prefect:
                raise InputError(
                    f"The studio on {store.root} is up, and has no door for other machines. End its `dae up` (process "
                    f"{studio.pid}) with Ctrl-C, and give this command again: what is under way goes on."
                )
            return studio
        time.sleep(0.1)
    raise StoreError(f"Another process is bringing up or ending a studio on {store.root}. Try again in a moment.")


def _print_links(console: Console, studio: Studio, said: str) -> None:
    console.print(f"The studio {said}.", style="bold")
    console.print(f"  Prefect  {studio.start_page}   start and schedule runs")
    console.print(f"  MLflow   {studio.runs_page}   compare them, by gain and PSNR")
    console.print("  `dae run` beside it uses both. Ctrl-C here stops everything.")


class _TerminationAsInterrupt:
    """SIGTERM acts like Ctrl-C while the block runs."""

    def __enter__(self) -> None:
        self.before = signal.signal(signal.SIGTERM, self._interrupt)

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGTERM, self.before)

    @staticmethod
    def _interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt


def status(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many of the last runs.")] = 10,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Say what is up, what is running, what waits, and what ran last."""
    from .runs import enter, print_runs

    opened = store_at(store, DEFAULT_DATA)
    enter(opened)
    from ..studio.installation import restart_needed
    from ..studio.status import status as read_status

    found, console = read_status(opened, limit), Console(highlight=False, soft_wrap=True)
    if found.studio is None:
        console.print("The studio is down; `dae up` starts it.")
    else:
        _print_links(console, found.studio, "is up")
        _print_entries(console, "running", found.under_way)
        _print_entries(console, "waiting", found.waiting)
        stale = restart_needed(opened)
        if stale:
            console.print(f"Note: {stale}.", style="yellow")
    print_runs(console, found.last)


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended.")] = False,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Check versions, stores, locks, orphans, plugins and the device; exit status 1 if something is not in order."""
    opened, console, wrong = store_at(store, data), Console(highlight=False, soft_wrap=True), 0
    from ..studio.doctor import examine

    for finding in examine(opened):
        good, said = finding.good, finding.said
        if fix and not good and finding.mend is not None:
            said, good = f"{said}. Mended: {finding.mend()}", True
        mark, style = ("✓", "green") if good else ("✗", "red")
        console.print(f"{mark} {finding.check}: {said}", style=style, markup=False)
        wrong += not good
    if wrong:
        advice = "" if fix else " `dae doctor --fix` mends what it can."
        console.print(f"{wrong} not in order.{advice}")
        raise typer.Exit(1)


def _print_entries(console: Console, heading: str, entries: "list[Entry]") -> None:
    console.print(f"{heading}: {len(entries) or 'nothing'}")
    for entry in entries[:10]:
        console.print(f"  {entry.name}  ({entry.flow}, {entry.state}, {entry.seconds:.0f} s)", markup=False)
    if len(entries) > 10:
        console.print(f"  and {len(entries) - 10} more")
