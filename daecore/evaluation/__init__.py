"""Evaluation: what restores without a network, and the denoising report beside it."""

from daecore.evaluation.baselines import Baselines, measure
from daecore.evaluation.denoising import DenoisingReport, Evaluation, evaluate
from daecore.evaluation.feature_sets import frechet_distance
from daecore.evaluation.linear import fit_linear
from daecore.evaluation.local_posterior import LocalPosterior
from daecore.evaluation.local_posterior_fit import fit_local_posterior
from daecore.evaluation.realism import measure_realism
from daecore.evaluation.recogniser import Recogniser, train_recogniser
from daecore.evaluation.sampling import SamplingMeasure, SamplingReport, measure_consistency

__all__ = [
    "Baselines",
    "DenoisingReport",
    "Evaluation",
    "LocalPosterior",
    "Recogniser",
    "SamplingMeasure",
    "SamplingReport",
    "evaluate",
    "fit_linear",
    "fit_local_posterior",
    "frechet_distance",
    "measure",
    "measure_consistency",
    "measure_realism",
    "train_recogniser",
]
