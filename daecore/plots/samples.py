"""Samples: what was there, what was given, the mean answer, what could have been, and how far that differs.

Knows tensors of pictures. Does not know who drew them.
"""

from matplotlib.figure import Figure
from torch import Tensor

from daecore.errors import InputError
from daecore.plots.figures import panel

WIDEST = 0.5  # no value between 0 and 1 has a larger standard deviation: white
SHOWN = 8  # samples


def sample_panel(clean: Tensor, corrupted: Tensor, mean: Tensor, samples: Tensor, *, shown: int = SHOWN) -> Figure:
    """Rows of pictures: original, corrupted, mean, each sample, and the samples' standard deviation (white is 0.5).

    Args:
        clean: float32 ``(N, C, H, W)``; the first 12 are shown.
        corrupted: float32 ``(N, C, h, w)``, which may be smaller.
        mean: float32 ``(N, C, H, W)``.
        samples: float32 ``(K, N, C, H, W)``, K >= 2; all of them enter the deviation.
        shown: How many samples have a row.

    Raises:
        InputError: There are fewer than two samples, or they are no pictures.
    """
    if samples.dim() != 5 or len(samples) < 2:
        raise InputError(
            f"A panel shows at least two samples of each picture, (K, N, C, H, W), but got {tuple(samples.shape)}. "
            "Points are shown in the plane: daecore.plots.walks."
        )
    rows = {"original": clean, "corrupted": corrupted, "mean": mean}
    rows |= {f"sample {number}": sample for number, sample in enumerate(samples[:shown], 1)}
    return panel(rows | {"deviation": samples.std(0) / WIDEST})
