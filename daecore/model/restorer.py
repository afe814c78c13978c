"""Restorer: a trained network applied to pictures of any size, grey or in colour.

Knows networks and tensors. Does not know files, runs or where a network came from.
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from daecore.errors import InputError
from daecore.model.autoencoder import Shapes
from daecore.model.tiling import PIXELS, Watch, ignore_tiles, restore_tiled

TILE = 512  # side of a tile where a network takes any size and the picture is too large to go through whole


def takes_any_size(model: nn.Module, shape: tuple[int, ...], scale: int = 1) -> bool:
    """Whether a network also restores images of other sizes than it was built for; tried without computing.

    Args:
        model: The network.
        shape: ``(C, H, W)`` of an image it was built for.
        scale: Restored pixels per pixel.
    """
    shadow = copy.deepcopy(model).to("meta").eval()
    channels, height, width = shape
    for size in ((height + 1, width + 3), (2 * height + 1, 3 * width)):
        try:
            restored = shadow(torch.empty(1, channels, *size, device="meta"))
        except (RuntimeError, ValueError):
            return False
        if tuple(restored.shape[1:]) != (channels, size[0] * scale, size[1] * scale):
            return False
    return True


@dataclass(frozen=True)
class Restorer:
    """A network that restores pictures of any size, grey or in colour.

    Attributes:
        model: The network.
        shape: ``(C, H, W)`` of the images it was trained on.
        scale: Restored pixels per pixel, along each side.
        any_size: Whether it takes images of other sizes; then a picture goes through whole, if it is not too large.
        side: The side of a tile that the user wants; 0: as it fits.
        watch: Told how many tiles of how many are restored, now and then.
    """

    model: nn.Module
    shape: tuple[int, ...]
    scale: int
    any_size: bool
    side: int = 0
    watch: Watch = ignore_tiles

    @classmethod
    def of(cls, model: nn.Module, shapes: Shapes, side: int = 0) -> "Restorer":
        """The restorer with a network.

        Raises:
            InputError: The network is not for images, or its output is no whole multiple of its input, or a side of
                a tile is wanted from a network that has one size only.
        """
        before, after = shapes.corrupted, shapes.clean
        scale = after[-1] // before[-1]
        if len(before) != 3 or after != (before[0], before[1] * scale, before[2] * scale):
            raise InputError(
                f"Pictures of any size need a network that turns images (C, H, W) into images (C, k*H, k*W) with a "
                f"whole k; this one turns {before} into {after}. Train one on images, or choose another."
            )
        any_size = takes_any_size(model, before, scale)
        if side and not any_size:
            raise InputError(
                f"This network takes tiles of {before[1]}x{before[2]} pixels only, so another tile cannot be chosen. "
                "Leave it out, or train a unet, which takes any size."
            )
        return cls(model.eval(), before, scale, any_size, side)

    def tiling(self, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """The tile for a picture of this size, and the overlap: ``((h, w), (down, right))``."""
        trained = (self.shape[1], self.shape[2])
        if not self.any_size:
            return trained, (trained[0] // 2, trained[1] // 2)
        whole = max(height, trained[0]), max(width, trained[1])
        if not self.side and whole[0] * whole[1] <= PIXELS:
            return whole, (0, 0)
        side = self.side or max(TILE, *trained)
        tile = min(side, whole[0]), min(side, whole[1])
        return tile, (side // 4 if tile[0] == side else 0, side // 4 if tile[1] == side else 0)

    def __call__(self, image: Tensor) -> Tensor:
        """Restore a picture.

        A network of one channel restores the channels of a colour picture one by one; one of three gets a grey
        picture three times, and the mean is taken.

        Args:
            image: float32 ``(C, H, W)``, C = 1 or 3, on the network's device.

        Returns:
            float32 ``(C, H * scale, W * scale)``.

        Raises:
            InputError: The network has another number of channels.
            NonFiniteError: A restored pixel is NaN or infinite.
        """
        tile, overlap = self.tiling(*image.shape[-2:])
        images = self.as_images(image)
        restored = restore_tiled(self.model, images, tile, overlap=overlap, scale=self.scale, watch=self.watch)
        return as_picture(restored, image)

    def as_images(self, image: Tensor) -> Tensor:
        """A picture ``(C, H, W)`` as a batch that the network takes.

        Raises:
            InputError: The network has another number of channels.
        """
        channels, given = self.shape[0], image.shape[0]
        if channels not in (1, given) and given != 1:
            raise InputError(f"The network restores {channels} channels, and a picture with {given} does not fit it.")
        return image[:, None] if channels == 1 else image.expand(channels, -1, -1)[None]


def as_picture(restored: Tensor, image: Tensor) -> Tensor:
    """A batch that a network gave, as the picture ``(C, ., .)`` that it is of: with as many channels."""
    channels = restored.flatten(0, 1)
    return channels if len(channels) == image.shape[0] else channels.mean(0, keepdim=True)
