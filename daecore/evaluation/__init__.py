"""Evaluation: what restores without a network, and the denoising report beside it."""

from daecore.evaluation.baselines import Baselines, measure
from daecore.evaluation.denoising import DenoisingReport, Evaluation, evaluate
from daecore.evaluation.linear import fit_linear
from daecore.evaluation.realism import measure_realism
from daecore.evaluation.sampling import Measure, SamplingReport, measure_consistency

__all__ = [
    "Baselines",
    "DenoisingReport",
    "Evaluation",
    "Measure",
    "SamplingReport",
    "evaluate",
    "fit_linear",
    "measure",
    "measure_consistency",
    "measure_realism",
]
