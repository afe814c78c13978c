"""Bounds for a picture of any size, put together from tiles like the restoration.

Knows a `Restorer` and error bars. Does not know files.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from daecore.data.value_scale import Scale
from daecore.model.restorer import Restorer, as_picture
from daecore.model.tiling import restore_tiled
from daecore.uncertainty.error_bars import ErrorBars
from daecore.uncertainty.estimator import DerivativeEstimator

SIDE = 256  # of a tile: for each value a distribution is held
VALUES = 100_000  # whose distributions are held at once
SLACK = 1e-4  # of a step: what rounding leaves of a bound that is one


@dataclass(frozen=True)
class PictureBars:
    """What is said of one restored picture.

    Attributes:
        lower: float32 ``(C, H, W)``, at most the restoration.
        upper: float32 ``(C, H, W)``, at least the restoration.
        promised_db: The PSNR that is promised to it.
    """

    lower: Tensor
    upper: Tensor
    promised_db: float

    def outwards(self, scale: Scale) -> "PictureBars":
        """The same as whole numbers are written, rounded outwards, so that rounding breaks no promise.

        Args:
            scale: How numbers became values.
        """
        low, span = scale.low, scale.high - scale.low
        lower = (self.lower.double() * span + low + SLACK).floor()
        upper = (self.upper.double() * span + low - SLACK).ceil()
        return replace(self, lower=((lower - low) / span).float(), upper=((upper - low) / span).float())

    @property
    def width(self) -> Tensor:
        """How far the bounds are apart, ``(C, H, W)``."""
        return self.upper - self.lower


def bound_picture(restorer: Restorer, bars: ErrorBars, image: Tensor, restored: Tensor) -> PictureBars:
    """Bounds for a picture. The channels of a colour picture have their own where the network takes one channel.

    Args:
        restorer: What restores.
        bars: Fitted to its network.
        image: float32 ``(C, h, w)``, C = 1 or 3, on the network's device.
        restored: float32 ``(C, H, W)``, what the restorer made of it.

    Raises:
        InputError: The network has another number of channels.
        NonFiniteError: A bound is NaN or infinite.
    """
    if restorer.any_size and not restorer.side:
        restorer = replace(restorer, side=max(SIDE, *restorer.shape[1:]))
    tile, overlap = restorer.tiling(*image.shape[-2:])
    images, channels = restorer.as_images(image), restorer.shape[0]
    found = restore_tiled(
        _Bounded(restorer.model, bars), images, tile, overlap=overlap, scale=restorer.scale, channels=3 * channels,
        watch=restorer.watch,
    )  # fmt: skip
    lower, upper, error = (as_picture(part, image) for part in found.unflatten(1, (3, channels)).unbind(1))
    shown = restored.clamp(0, 1)
    promised = bars.promised_psnr(error[None])
    return PictureBars(torch.minimum(lower, shown), torch.maximum(upper, shown), float(promised))


def unlike(shape: tuple[int, ...], restorer: Restorer, bars: ErrorBars, *, whole: bool) -> str:
    """What sets a picture apart from those that bounds were calibrated on, as far as it can be seen; else empty.

    Args:
        shape: Its ``(C, H, W)``.
        restorer: What restores it.
        bars: Fitted to that network.
        whole: Whether its values are whole numbers in a file, which are clipped and rounded.
    """
    channels, height, width = restorer.shape
    if tuple(shape[-2:]) != (height, width):
        return f"another size than {width}x{height}"
    if shape[0] != channels:
        return "other channels"
    clipped = isinstance(bars.estimator, DerivativeEstimator) and whole
    return "a picture whose noise was clipped, as in a file of 8 or 16 bits" if clipped else ""


class _Bounded(nn.Module):
    """A network that answers with lower bound, upper bound and expected squared error, one after the other."""

    def __init__(self, model: nn.Module, bars: ErrorBars) -> None:
        super().__init__()
        self.model, self.bars = model, bars

    def forward(self, x: Tensor) -> Tensor:
        found = []
        for part in x.split(max(1, VALUES // x[0].numel())):
            said = self.bars(self.model, part)
            found.append(torch.cat([said.lower, said.upper, said.squared_error], 1))
        return torch.cat(found)
