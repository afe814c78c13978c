"""U-Net: a contracting path, an expanding path, and skip connections between them (Ronneberger et al. 2015).

No normalisation layer: batches may be small, and the residual to the input keeps training stable.
"""

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from daecore import Architecture, Autoencoder, Options, hookimpl

from ..bibliography import cite

Width = Annotated[int, Field(ge=1, le=2048)]


class Unet(Options):
    """A U-Net with skip connections; it learns the correction to the picture it is given."""

    widths: tuple[Width, ...] = Field(
        default=(24, 48, 96), min_length=2, max_length=4, description="channels of each level; each halves the image"
    )


def unet(options: Unet, *, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Autoencoder:
    """Build it; it also takes images of other sizes than it was built for, from 8x8 pixels on.

    Args:
        options: The levels' channels.
        input_shape: ``(C, H, W)`` of a corrupted image.
        output_shape: ``(C, H, W)`` of a clean image; the same.

    Raises:
        ValueError: The shapes differ, or a side is below 8 pixels.
    """
    if input_shape != output_shape:
        raise ValueError(
            f"unet adds a correction to the image it is given, but {input_shape} should become {output_shape}; "
            "use dense, which maps any shape to any other, or upscaler for 14x14 to 28x28"
        )
    if min(input_shape[-2:]) < 8:
        raise ValueError(f"unet needs images of at least 8x8 pixels, got {input_shape}; use dense or conv")
    return ResidualUnet(input_shape[0], options.widths)


class Contracting(nn.Module):
    """The path down: a block of convolutions per level, and halving between."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_block(before, after) for before, after in pairwise((channels, *widths)))

    def levels(self, x: Tensor) -> list[Tensor]:
        """The features of every level, from the finest ``(B, widths[0], H, W)`` to the coarsest."""
        levels = [self.blocks[0](x)]
        for block in list(self.blocks)[1:]:
            levels.append(block(F.max_pool2d(levels[-1], 2)))
        return levels

    def forward(self, x: Tensor) -> Tensor:
        """The coarsest features, averaged over the image: ``(B, widths[-1])``."""
        return self.levels(x)[-1].mean((2, 3))


class Expanding(nn.Module):
    """The path up: enlarge, put the level's own features beside, convolve."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_block(below + here, here) for here, below in reversed(list(pairwise(widths))))
        self.last = nn.Conv2d(widths[0], channels, 1)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """From the features of every level to an image ``(B, C, H, W)``."""
        x = levels[-1]
        for block, skip in zip(self.blocks, levels[-2::-1], strict=True):
            enlarged = F.interpolate(x, size=skip.shape[-2:])  # to the very size of the skip: odd sizes work
            x = block(torch.cat((enlarged, skip), 1))
        image: Tensor = self.last(x)
        return image


class ResidualUnet(Autoencoder):
    """The two paths together: ``x + expanding(contracting(x))``."""

    encoder: Contracting
    decoder: Expanding

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__(Contracting(channels, widths), Expanding(channels, widths))

    def forward(self, x: Tensor) -> Tensor:
        """Restore a batch ``(B, C, H, W)``."""
        correction: Tensor = self.decoder(self.encoder.levels(x))
        return x + correction


def _block(before: int, after: int) -> nn.Sequential:
    """Two 3x3 convolutions, each followed by ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, 3, padding=1),
        nn.ReLU(inplace=True),
    )


@hookimpl
def register_architectures() -> list[Architecture]:
    """Ship `unet`."""
    return [Architecture(name="unet", options=Unet, function=unet, source=cite("ronneberger2015"), shapes="images")]
