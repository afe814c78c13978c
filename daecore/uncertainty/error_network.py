"""The error network: a small network that says, for each restored value, how probable which error is.

Knows corrupted pictures and their restorations. Does not know the network that restored them, nor how it is trained.
"""

import torch
from torch import Tensor, nn

from daecore.corruption.pairs import enlarge
from daecore.uncertainty.binned_spread import PER_SIDE

BINS = 2 * PER_SIDE + 1
DILATIONS = (1, 1, 2, 4, 8, 1)  # each value sees 35 x 35 around it
WIDTH = 24


class ErrorNetwork(nn.Module):
    """Convolutions without a stride, so that it takes pictures of any size.

    Args:
        channels: Of a clean picture.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        sizes = [2 * channels, *[WIDTH] * len(DILATIONS)]
        layers = [
            nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation)
            for before, after, dilation in zip(sizes[:-1], sizes[1:], DILATIONS, strict=True)
        ]
        self.layers = nn.ModuleList(layers)
        self.last = nn.Conv2d(WIDTH, BINS * channels, 1)

    def forward(self, corrupted: Tensor, restored: Tensor) -> Tensor:
        """The logarithm of the probability of each bin of the error, but for a constant.

        Args:
            corrupted: float32 ``(B, C, h, w)``; enlarged where it is smaller than the restoration.
            restored: float32 ``(B, C, H, W)``, in [0, 1].

        Returns:
            ``(B, K, C, H, W)``.
        """
        x = torch.cat([enlarge(corrupted, tuple(restored.shape[1:])), restored], 1)
        for number, layer in enumerate(self.layers):
            x = layer(x).relu() + (x if number else 0)
        found: Tensor = self.last(x).unflatten(1, (BINS, self.channels))
        return found
