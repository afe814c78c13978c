"""Uncertainty: bounds around what a network restores, calibrated, and what a denoiser knows of its own error."""

from daecore.uncertainty.error_bars import Bars, ErrorBars, choose_estimator, fit_error_bars
from daecore.uncertainty.options import ErrorBarsOptions
from daecore.uncertainty.picture_bars import PictureBars, bound_picture
from daecore.uncertainty.report import ErrorBarsReport, WidthGroup, measure_error_bars
from daecore.uncertainty.tweedie import Moments, lattice_probes, posterior_moments

__all__ = [
    "Bars",
    "ErrorBars",
    "ErrorBarsOptions",
    "ErrorBarsReport",
    "Moments",
    "PictureBars",
    "WidthGroup",
    "bound_picture",
    "choose_estimator",
    "fit_error_bars",
    "lattice_probes",
    "measure_error_bars",
    "posterior_moments",
]
