"""Whether an experiment can be run here: its parts, its folders, the room on the disk; before Prefect and MLflow."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..store.store import Store
from .folders import format_size

if TYPE_CHECKING:
    from daecore.experiment.experiment import Experiment

ROOM = 200_000_000  # bytes a run may write: checkpoints, pictures, models, databases


def prepare(
    wanted: dict[str, Any], store: Store, demand: Callable[["Experiment"], object] | None = None
) -> "Experiment":
    """The experiment, checked without data, Prefect and MLflow; the store, entered.

    Args:
        wanted: The experiment as a mapping.
        store: The store.
        demand: What a flow asks of it beside; raises InputError.

    Raises:
        InputError: It cannot be run.
        StoreError: The store cannot be written, or there is too little room.
    """
    from daecore.experiment.experiment import parse
    from daecore.experiment.feasibility import check

    experiment = parse(wanted)
    check(experiment)
    if demand is not None:
        demand(experiment)
    require_room(experiment, store)
    return experiment


def require_room(experiment: "Experiment", store: Store) -> None:
    """Whether this machine can run it: the user's files, the device, the store, which is entered, and the room.

    Raises:
        InputError: The files or the device are not there.
        StoreError: The store cannot be written, or there is too little room.
    """
    from daecore.device import resolve_device

    if experiment.dataset.extension.fingerprint is not None:
        experiment.dataset.extension.fingerprint(experiment.dataset.options)  # the user's folder is there and has files
    training = experiment.training
    resolve_device(training.device, training.precision, training.threads)
    require_usable_store(store)
    if not (store.data / experiment.dataset.name).exists():
        _check_room(store.data, experiment.dataset.extension.download_bytes, "--data or DAE_DATA")


def require_usable_store(store: Store) -> None:
    """Whether the store, which is entered, can be written and has room for a run.

    Raises:
        StoreError: It cannot, or has not.
    """
    store.enter()
    _check_room(store.root, ROOM, "--store or DAE_STORE")


def _check_room(folder: Path, needed: int, option: str) -> None:
    from daecore.errors import StoreError

    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise StoreError(
            f"There is too little room on the disk of {folder}: about {format_size(needed)} are needed, "
            f"{format_size(free)} are free. Choose another folder with {option}, or make room (`dae gc` helps)."
        )


def writable(file: Path, option: str) -> None:
    """Find out before the work whether its result can be written; nothing is left where it is to lie.

    Raises:
        InputError: It cannot.
    """
    from daecore.errors import InputError
    from daecore.paths import user_path

    target = user_path(file, "A file to write")
    try:
        if target.exists():
            with target.open("ab"):
                pass
        if target.is_file() or not target.exists():  # it is written beside, then renamed
            with tempfile.TemporaryFile(dir=target.parent):
                pass
    except OSError as error:
        raise InputError(f"{option} {file} cannot be written: {error.strerror}. Choose another file.") from None
