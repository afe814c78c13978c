"""Checkpoints of trainings: written, given to other machines; taken up where they are whole and of this training.

Knows files and networks. Knows neither Prefect nor MLflow, nor how a training goes on.
"""

import logging
import math
import time
from pathlib import Path

from torch import nn

from daecore.errors import CheckpointError, DaecoreError
from daecore.training.checkpoint import load_training_state, save_training_state
from daecore.training.options import TrainingOptions
from daecore.training.state import TrainingState, require_same_training

from ..store.own_files import StoreFiles

log = logging.getLogger("daecore.progress")
DAMAGED = ".damaged"
GIVE_SECONDS = 15.0  # between checkpoints that other machines are given: to send one may take longer than an epoch


class Checkpoint:
    """The checkpoint of a training: written here whenever there is something new, and given to others now and then.

    Args:
        files: Those of the store.
        path: Where it lies.
    """

    def __init__(self, files: StoreFiles, path: Path) -> None:
        self._files, self._path, self._given, self._is_given = files, path, -math.inf, True

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, *error: object) -> None:
        """Give the last one, too, where the training is stopped."""
        if not self._is_given:
            try:
                self._files.give(self._path)
            except DaecoreError as failure:
                log.warning("%s Other machines go on from an earlier checkpoint.", failure)

    def save(self, state: TrainingState) -> None:
        """Write it; the first one is given at once."""
        save_training_state(self._path, state)
        self._is_given = time.monotonic() - self._given > GIVE_SECONDS
        if self._is_given:
            self._files.give(self._path)
            self._given = time.monotonic()

    def remove(self) -> None:
        """The training is done."""
        self._files.drop(self._path)
        self._is_given = True


def resumable(checkpoint: Path, model: nn.Module, options: TrainingOptions) -> TrainingState | None:
    """The progress to go on from; None where there is none, or it was no good and is now out of the way.

    Args:
        checkpoint: Where the training keeps it.
        model: The network, with its first weights.
        options: How it is trained.
    """
    if not checkpoint.exists():
        return None
    try:
        progress = load_training_state(checkpoint)
        require_same_training(progress, model, average=options.average > 0, best=options.patience > 0)
        if progress.epoch > options.epochs:
            raise CheckpointError(f"The checkpoint is of epoch {progress.epoch}, and there are {options.epochs}.")
        return progress
    except CheckpointError as error:
        log.warning("%s The training begins anew; the file is kept as %s.", error, set_aside(checkpoint))
        return None


def discard(files: StoreFiles, checkpoint: Path) -> None:
    """Remove a checkpoint that is not to be gone on from, if there is one; what is no file is set aside."""
    if checkpoint.is_dir():
        set_aside(checkpoint)
    files.drop(checkpoint)


def set_aside(checkpoint: Path) -> Path:
    """Give it another name, which nothing has yet; `dae doctor` tells of such files. The new name is given back."""
    number, kept = 1, checkpoint.with_suffix(DAMAGED)
    while kept.exists():
        number += 1
        kept = checkpoint.with_name(f"{checkpoint.stem}-{number}{DAMAGED}")
    checkpoint.rename(kept)
    return kept
