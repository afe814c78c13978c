"""Evaluation: what restores without a network, and the denoising report beside it."""

from daecore.evaluation.baselines import Baselines, measure
from daecore.evaluation.denoising import DenoisingReport, Evaluation, evaluate
from daecore.evaluation.linear import fit_linear

__all__ = [
    "Baselines",
    "DenoisingReport",
    "Evaluation",
    "evaluate",
    "fit_linear",
    "measure",
]
