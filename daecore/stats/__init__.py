"""Statistics: metrics, intervals, claims."""

from daecore.stats.claims import (
    doubt,
    fewer_errors,
    fewer_errors_than,
    format_gain_db,
    format_interval,
    in_db,
    is_claim,
)
from daecore.stats.intervals import Interval, bootstrap, bootstrap_of_means, contrast, student, wilson
from daecore.stats.median import median
from daecore.stats.metrics import decibel, image_mse, pooled_psnr, psnr, squared_error, ssim
from daecore.stats.ratio import Ratio

__all__ = [
    "Interval",
    "Ratio",
    "bootstrap",
    "bootstrap_of_means",
    "contrast",
    "decibel",
    "doubt",
    "fewer_errors",
    "fewer_errors_than",
    "format_gain_db",
    "format_interval",
    "image_mse",
    "in_db",
    "is_claim",
    "median",
    "pooled_psnr",
    "psnr",
    "squared_error",
    "ssim",
    "student",
    "wilson",
]
