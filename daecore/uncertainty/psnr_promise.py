"""The promise of a picture's PSNR: at least so many dB, for a share of pictures like those of the calibration.

Knows PSNR that was predicted and measured, as numbers. Does not know bounds.
"""

import math

from torch import Tensor

from daecore.errors import InputError
from daecore.stats.metrics import decibel

DB_LEVEL = 0.95  # the share of pictures for which it holds


def fit_decibels(measured: Tensor, predicted: Tensor, level: float = DB_LEVEL) -> float:
    """What is added to a predicted PSNR, so that with this probability a picture has at least so many dB.

    It is the ``floor((1 - level) (n + 1))``-th smallest difference of n pictures.

    Args:
        measured: PSNR of pictures that neither network was trained on, ``(n,)``.
        predicted: The PSNR of the expected squared error, ``(n,)``.
        level: The probability, over pictures like these.

    Raises:
        InputError: There are too few pictures for this level.

    Source: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005: split conformal prediction.
    """
    rank = math.floor((1 - level) * (len(measured) + 1) + 1e-9)
    if rank < 1:
        needed = math.ceil(1 / (1 - level) - 1e-9) - 1
        raise InputError(
            f"A promise of the PSNR that holds for {level:.0%} of pictures needs {needed} validation pictures, and "
            f"there are {len(measured)}. Give the dataset more of them."
        )
    return float((measured - predicted).sort().values[rank - 1])


def predicted_psnr(squared_error: Tensor) -> Tensor:
    """The PSNR of the squared error that is expected of each picture, ``(B, ...)`` to ``(B,)``, in dB."""
    return decibel(squared_error.flatten(1).mean(1))
