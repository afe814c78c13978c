"""Vincent's problems: what stacked denoising autoencoders are good for, beside what was published (JMLR 11, 2010)."""

from daecore import Series, hookimpl

SERIES = Series(
    name="vincent",
    package=__name__,
    title="Stacked denoising autoencoders: the problems of Vincent et al. 2010",
    ids=(
        "mnist_basic",
        "mnist_rot",
        "mnist_bg_rand",
        "mnist_bg_img",
        "mnist_bg_img_rot",
        "rectangles",
        "rectangles_img",
        "convex",
    ),
    module="problems",
    overview="overview",
)


@hookimpl
def register_series() -> list[Series]:
    """Ship the series."""
    return [SERIES]
