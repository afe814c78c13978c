"""Training: the loop, the objective, the optimiser, schedules, state and checkpoints."""

from daecore.training.checkpoint import (
    load_tensors,
    load_training_state,
    save_tensors,
    save_training_state,
    tensors_digest,
)
from daecore.training.joining import join_world
from daecore.training.loop import Epoch, fit
from daecore.training.loss import Loss, comparable
from daecore.training.optimiser import AdamW
from daecore.training.options import TrainingOptions
from daecore.training.state import TrainingState
from daecore.training.world import ALONE, World

__all__ = [
    "ALONE",
    "AdamW",
    "Epoch",
    "Loss",
    "TrainingOptions",
    "TrainingState",
    "World",
    "comparable",
    "fit",
    "join_world",
    "load_tensors",
    "load_training_state",
    "save_tensors",
    "save_training_state",
    "tensors_digest",
]
