"""`dae verify`: a run evaluated, or trained, again, and whether the same comes of it; said, and noted in the run."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from .. import interrupts
from ..store.files import write_atomically
from . import completion
from .folders import DEFAULT_DATA, DEFAULT_STORE, DataFolder, StoreFolder, store_at
from .readiness import writable
from .runs import enter

DIFFERENT = 3  # the exit status


def verify(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run's id, the beginning of it, its name, or models:/NAME@ALIAS.",
            autocompletion=completion.runs,
        ),
    ],
    train: Annotated[
        bool, typer.Option("--train", help="Train again, too; else its own weights are evaluated.")
    ] = False,
    threads: Annotated[
        int, typer.Option("--threads", min=0, max=1024, metavar="N", help="CPU threads; 0: as the run was computed.")
    ] = 0,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the verification as JSON, too.")
    ] = None,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Evaluate a run again, without the cache, and say whether it is bit-equal; if not, what differs.

    Exit status 0 where it is bit-equal or equal within tolerance, 3 where it is different.
    """
    from daecore.paths import user_path

    opened = store_at(store, data)
    enter(opened)
    if json is not None:
        writable(json, "--json")
    from ..verify.history import note
    from ..verify.verification import verify as verify_run
    from .progress import watch
    from .verification_summary import print_verification

    with interrupts.listen(signal.SIGINT, signal.SIGTERM), watch():
        found = verify_run(run, opened, train=train, threads=threads)
    if json is not None:
        write_atomically(user_path(json, "--json"), found.model_dump_json(indent=2) + "\n")
    print_verification(found)
    noted = note(found, opened)
    print(f"Noted in the run {found.run_id[:12]}." if noted else "Not noted: the run was removed meanwhile.")
    if found.verdict == "different":
        raise typer.Exit(DIFFERENT)
