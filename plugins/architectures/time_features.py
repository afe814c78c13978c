"""What a network is told of the time: a smooth code of a number in [0, 1]."""

import math

import torch
from torch import Tensor, nn

WAVES = 6  # the fastest makes so many halves of a period


class TimeFeatures(nn.Module):
    """A time ``(B,)`` as features ``(B, width)``: cosines of rising frequency, then two linear layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(1 + WAVES, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())

    def forward(self, time: Tensor) -> Tensor:
        """The features."""
        waves = math.pi * torch.arange(1, WAVES + 1, device=time.device, dtype=time.dtype)
        features: Tensor = self.layers(torch.cat((time[:, None], (time[:, None] * waves).cos()), 1))
        return features
