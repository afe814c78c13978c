"""Experiments: all that a user decides as one value, and whether it can be run."""

from daecore.experiment.experiment import Experiment, override, parse, read
from daecore.experiment.feasibility import check, check_samples
from daecore.experiment.stack_layers import check_stack, is_stack, layer, widths

__all__ = [
    "Experiment",
    "check",
    "check_samples",
    "check_stack",
    "is_stack",
    "layer",
    "override",
    "parse",
    "read",
    "widths",
]
