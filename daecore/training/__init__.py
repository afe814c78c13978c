"""Training: the loop, the objective, the optimiser, schedules, state and checkpoints."""

from daecore.training.checkpoint import load_progress, load_tensors, save_progress, save_tensors, tensors_digest
from daecore.training.loop import Epoch, TrainingOptions, fit
from daecore.training.loss import Loss, comparable
from daecore.training.optimiser import AdamW
from daecore.training.state import Progress

__all__ = [
    "AdamW",
    "Epoch",
    "Loss",
    "Progress",
    "TrainingOptions",
    "comparable",
    "fit",
    "load_progress",
    "load_tensors",
    "save_progress",
    "save_tensors",
    "tensors_digest",
]
