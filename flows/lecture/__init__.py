"""The lecture: every experiment it shows, as studies that train, measure and draw."""

from ..series.series import Series

SERIES = Series(
    name="lecture",
    title="Denoising autoencoders: the lecture, reproduced",
    ids=("arc", "erasure", "blur", "block", "matrix", "gap", "n2n", "superres", "information", "objectives", "filters"),
)
