"""Features: what denoising teaches an encoder, in layers, with few labels, and by which noise."""

from ..series.series import Series

SERIES = Series(
    name="features",
    title="What denoising teaches the encoder",
    ids=("stacked", "transfer", "frontier"),
)
