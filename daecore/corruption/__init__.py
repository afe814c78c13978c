"""Corruption: the chain a user writes, the pairs it is evaluated on, estimating a noise level."""

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.noise_level import (
    NoiseEstimate,
    describe_drift,
    estimate_noise,
    expected_noise,
    matched_strength,
    with_strength,
)
from daecore.corruption.pairs import draw_pairs, enlarge, evaluation_digest

__all__ = [
    "Corruptor",
    "NoiseEstimate",
    "describe_drift",
    "draw_pairs",
    "enlarge",
    "estimate_noise",
    "evaluation_digest",
    "expected_noise",
    "matched_strength",
    "with_strength",
]
