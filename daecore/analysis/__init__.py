"""Analysis: likelihood, posterior, local posterior, Langevin steps, vector fields, information, filters."""

from daecore.analysis.filter_tuning import grain, orientation_selectivity, support
from daecore.analysis.flow import exact_flow_denoiser
from daecore.analysis.gabor import Wave, gabor
from daecore.analysis.gabor_fit import fit_gabor
from daecore.analysis.information import Bound, information_bound, sensitivity
from daecore.analysis.langevin import Level, Observation, langevin, last_state
from daecore.analysis.likelihood import CoveredThenNoised, ErasedThenNoised, GaussianNoised, Likelihood
from daecore.analysis.local_posterior import GaussianPixels, PixelLikelihood, local_posterior_mean
from daecore.analysis.pixel_channel import FactoredChannel, PixelChannel
from daecore.analysis.posterior import Denoiser, Posterior, draw_originals, exact_denoiser, posterior
from daecore.analysis.vector_field import Agreement, agreement

__all__ = [
    "Agreement",
    "Bound",
    "CoveredThenNoised",
    "Denoiser",
    "ErasedThenNoised",
    "FactoredChannel",
    "GaussianNoised",
    "GaussianPixels",
    "Level",
    "Likelihood",
    "Observation",
    "PixelChannel",
    "PixelLikelihood",
    "Posterior",
    "Wave",
    "agreement",
    "draw_originals",
    "exact_denoiser",
    "exact_flow_denoiser",
    "fit_gabor",
    "gabor",
    "grain",
    "information_bound",
    "langevin",
    "last_state",
    "local_posterior_mean",
    "orientation_selectivity",
    "posterior",
    "sensitivity",
    "support",
]
