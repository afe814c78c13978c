"""The paths of a U-Net: down with a block of convolutions a level, and up again with skip connections.

A block is made by a function of its channels before and after. What it is told beside the features, such as a time, is
handed through.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from daecore.corruption import enlarge

Block = Callable[[int, int], nn.Module]


def convolve_twice(before: int, after: int) -> nn.Module:
    """Two 3x3 convolutions, each followed by ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, 3, padding=1),
        nn.ReLU(inplace=True),
    )


class Contracting(nn.Module):
    """The path down: a block of convolutions per level, and halving between."""

    def __init__(self, channels: int, widths: tuple[int, ...], block: Block = convolve_twice) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(block(before, after) for before, after in pairwise((channels, *widths)))

    def levels(self, x: Tensor, *told: Tensor) -> list[Tensor]:
        """The features of every level, from the finest ``(B, widths[0], H, W)`` to the coarsest."""
        levels = [self.blocks[0](x, *told)]
        for block in list(self.blocks)[1:]:
            levels.append(block(F.max_pool2d(levels[-1], 2), *told))
        return levels

    def forward(self, x: Tensor) -> Tensor:
        """The coarsest features, averaged over the image: ``(B, widths[-1])``."""
        return self.levels(x)[-1].mean((2, 3))


class Expanding(nn.Module):
    """The path up: enlarge, put the level's own features beside, convolve."""

    def __init__(self, channels: int, widths: tuple[int, ...], block: Block = convolve_twice) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(block(below + here, here) for here, below in reversed(list(pairwise(widths))))
        self.last = nn.Conv2d(widths[0], channels, 1)

    def forward(self, levels: list[Tensor], *told: Tensor) -> Tensor:
        """From the features of every level to an image ``(B, C, H, W)``."""
        x = levels[-1]
        for block, skip in zip(self.blocks, levels[-2::-1], strict=True):
            enlarged = F.interpolate(x, size=skip.shape[-2:])  # to the very size of the skip: odd sizes work
            x = block(torch.cat((enlarged, skip), 1), *told)
        image: Tensor = self.last(x)
        return image


def enlarge_by(x: Tensor, scale: int) -> Tensor:
    """Images ``(B, C, H, W)`` that are ``scale`` times as large, bilinearly."""
    channels, height, width = x.shape[1:]
    return enlarge(x, (channels, scale * height, scale * width))
