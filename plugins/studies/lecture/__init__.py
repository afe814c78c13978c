"""The lecture: every experiment it shows, as studies that train, measure and draw."""

from daecore import Series, hookimpl

SERIES = Series(
    name="lecture",
    package=__name__,
    title="Denoising autoencoders: the lecture, reproduced",
    ids=(
        "arc",
        "erasure",
        "blur",
        "block",
        "matrix",
        "gap",
        "answer",
        "local",
        "halves",
        "perception",
        "n2n",
        "superres",
        "information",
        "objectives",
        "filters",
    ),
)


@hookimpl
def register_series() -> list[Series]:
    """Ship the series."""
    return [SERIES]
