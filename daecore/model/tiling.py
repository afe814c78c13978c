"""Tiling: a picture is restored in overlapping tiles of one size, which are blended without seams.

Knows tensors. Does not know which tile a network wants (see `daecore.model.restorer`), nor any file.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from daecore.errors import InputError, NonFiniteError
from daecore.model.restore import restore

Watch = Callable[[int, int], None]
PIXELS = 2**20  # that go through a network at once; a U-Net's features of so many take about a gigabyte


@dataclass(frozen=True)
class Side:
    """One side of a picture, cut into tiles.

    One tile that is enough holds the picture, with its reflections around it. Of several, the outermost quarter of
    an overlap is thrown away, for a network sees too little there, and its middle is blended with the neighbour.

    Attributes:
        length: Pixels of the picture.
        tile: Pixels of a tile.
        overlap: Pixels that neighbouring tiles share at the least, below ``tile``.
    """

    length: int
    tile: int
    overlap: int

    @property
    def before(self) -> int:
        """Reflected pixels before the picture's first one."""
        return (self.tile - self.length) // 2 if self.length <= self.tile else self._margin

    @property
    def starts(self) -> range:
        """Where the tiles begin, in the picture with its reflections."""
        stride = self.tile - self.overlap
        rest = max(0, self.length + 2 * self._margin - self.tile)
        return range(0, (1 + math.ceil(rest / stride)) * stride, stride)

    @property
    def positions(self) -> Tensor:
        """Which pixel stands where, in the picture with its reflections: int64 ``(starts[-1] + tile,)``."""
        period = max(1, 2 * (self.length - 1))
        position = (torch.arange(self.starts[-1] + self.tile) - self.before) % period
        return torch.minimum(position, period - position) if self.length > 1 else position

    def weights(self, scale: int = 1) -> Tensor:
        """How much each pixel of a restored tile counts: float32 ``(tile * scale,)``, raised cosines at the ends."""
        if self.length <= self.tile or not self.overlap:
            return torch.ones(self.tile * scale)
        corner = (torch.arange(self.tile * scale) + 0.5) / scale
        nearest = torch.minimum(corner, self.tile - corner) - self._margin
        ramp = (nearest / (self.overlap - 2 * self._margin)).clamp(0, 1)
        return (ramp * math.pi / 2).sin().square()

    @property
    def _margin(self) -> int:
        return 0 if self.length <= self.tile else self.overlap // 4


def ignore_tiles(done: int, total: int) -> None:
    """Nobody looks how many tiles of how many are restored."""


def restore_tiled(
    model: nn.Module, images: Tensor, tile: tuple[int, int], *, overlap: tuple[int, int] | None = None, scale: int = 1,
    channels: int = 0, watch: Watch = ignore_tiles,
) -> Tensor:  # fmt: skip
    """Restore images of any size in overlapping tiles.

    What it gives is the weighted mean of all tiles over a pixel. A picture no larger than a tile is reflected up to
    it; one of exactly the tile's size is what the model makes of it.

    Args:
        model: Maps ``(B, C, *tile)`` to ``(B, C, *tile * scale)``, or to another number of channels.
        images: float32 ``(B, C, H, W)``, on the model's device.
        tile: Height and width of a tile.
        overlap: Pixels that neighbouring tiles share, down and right; half a tile by default.
        scale: Restored pixels per pixel, along each side.
        channels: Of what is restored; 0: as many as the images have.
        watch: Told how many tiles of how many are restored, now and then.

    Returns:
        float32 ``(B, channels, H * scale, W * scale)``.

    Raises:
        InputError: The overlap is no smaller than the tile, or the model gives tiles of another shape.
        NonFiniteError: A restored pixel is NaN or infinite.
    """
    height, width = tile
    shared = overlap or (height // 2, width // 2)
    _require_room(tile, shared)
    down, right = (Side(*side) for side in zip(images.shape[-2:], tile, shared, strict=True))
    padded = images[:, :, down.positions.to(images.device)][..., right.positions.to(images.device)]
    count, given, *sides = padded.shape
    channels = channels or given
    canvas = padded.new_zeros(count, channels, *(side * scale for side in sides))
    window = torch.outer(down.weights(scale), right.weights(scale)).to(images.device)
    at_once = max(1, PIXELS // (height * width))
    corners = [(k, y, x) for k in range(count) for y in down.starts for x in right.starts]
    for first in range(0, len(corners), at_once):
        some = corners[first : first + at_once]
        tiles = torch.stack([padded[k, :, y : y + height, x : x + width] for k, y, x in some])
        for (k, y, x), one in zip(some, _restore(model, tiles, channels, scale), strict=True):
            target = canvas[k, :, y * scale : (y + height) * scale, x * scale : (x + width) * scale]
            target += window * one
        watch(first + len(some), len(corners))
    return _normalise(canvas, down, right, scale)


def _require_room(tile: tuple[int, int], shared: tuple[int, int]) -> None:
    if not all(0 <= part < whole for part, whole in zip(shared, tile, strict=True)):
        raise InputError(f"restore_tiled() needs overlaps from 0 to below the tile {tile}, but got {shared}.")


def tile_count(size: tuple[int, int], tile: tuple[int, int], overlap: tuple[int, int]) -> int:
    """Into how many tiles a picture of this size is cut."""
    return math.prod(len(Side(*side).starts) for side in zip(size, tile, overlap, strict=True))


def _restore(model: nn.Module, tiles: Tensor, channels: int, scale: int) -> Tensor:
    """The model's answer to ``(N, C, h, w)``, checked."""
    count, _, height, width = tiles.shape
    restored = restore(model, tiles, batch=count)
    if tuple(restored.shape[1:]) != (channels, height * scale, width * scale):
        raise InputError(
            f"The network turns tiles of shape {tuple(tiles.shape[1:])} into {tuple(restored.shape[1:])}, and "
            f"{(channels, height * scale, width * scale)} was expected. Choose the tile it was built for."
        )
    return restored


def _normalise(canvas: Tensor, down: Side, right: Side, scale: int) -> Tensor:
    """The sum of weighted tiles, divided by the sum of weights and cut to the picture."""
    for axis, side in ((-2, down), (-1, right)):
        total, weights = torch.zeros(canvas.shape[axis]), side.weights(scale)
        for start in side.starts:
            total[start * scale : start * scale + len(weights)] += weights
        begin, length = side.before * scale, side.length * scale
        canvas = canvas.narrow(axis, begin, length)
        shape = (-1, 1) if axis == -2 else (-1,)
        canvas = canvas / total[begin : begin + length].view(shape).to(canvas.device)
    if not canvas.isfinite().all():
        raise NonFiniteError(
            "The network restored some pixels to NaN or infinite values; finite ones were expected. "
            "Give a picture like those it was trained on, or train it again with training.precision=float32."
        )
    return canvas
