"""Features: what denoising teaches an encoder, in layers, with few labels, and by which noise."""

from daecore import Series, hookimpl

SERIES = Series(
    name="features",
    package=__name__,
    title="What denoising teaches the encoder",
    ids=("stacked", "transfer", "frontier"),
)


@hookimpl
def register_series() -> list[Series]:
    """Ship the series."""
    return [SERIES]
