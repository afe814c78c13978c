"""The U-Net that also draws: its paths are told the state, the time and what is hidden, beside the corrupted image."""

import torch
from torch import Tensor, nn

from daecore import Sampler

from .time_features import TimeFeatures
from .unet_paths import Contracting, Expanding, enlarge_by

FEATURES = 64  # of the time


class TimedBlock(nn.Module):
    """Two 3x3 convolutions with ReLU; before the first ReLU the time scales and shifts each channel.

    Source: Perez et al., "FiLM: visual reasoning with a general conditioning layer", AAAI 2018.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.modulation = nn.Linear(FEATURES, 2 * after)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Features ``(B, after, H, W)`` of ``(B, before, H, W)``; the time as features ``(B, FEATURES)``."""
        scale, shift = self.modulation(time)[..., None, None].chunk(2, 1)
        features: Tensor = self.second(torch.addcmul(shift, self.first(x), 1 + scale).relu()).relu_()
        return features


class TimedContracting(Contracting):
    """The path down of a corrupted image, a state, a time and what is hidden."""

    def __init__(self, channels: int, widths: tuple[int, ...], scale: int) -> None:
        super().__init__(3 * channels, widths, TimedBlock)
        self.scale, self.time = scale, TimeFeatures(FEATURES)

    def timed_levels(
        self, x: Tensor, state: Tensor | None, time: Tensor, hidden: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """The features of every level, and those of the time; ``x`` and ``hidden`` as large as the state."""
        state = torch.zeros_like(x) if state is None else state
        features = self.time(time)
        return self.levels(torch.cat((x, state, hidden.to(x)), 1), features), features

    def forward(self, x: Tensor) -> Tensor:
        """The coarsest features of a corrupted image alone, averaged over it: ``(B, widths[-1])``."""
        x = enlarge_by(x, self.scale)
        levels, _ = self.timed_levels(x, None, x.new_zeros(len(x)), torch.zeros_like(x))
        return levels[-1].mean((2, 3))


class SamplingUnet(Sampler):
    """The two paths together; what they say is the correction to the corrupted image."""

    encoder: TimedContracting
    decoder: Expanding

    def __init__(self, channels: int, widths: tuple[int, ...], scale: int) -> None:
        super().__init__(TimedContracting(channels, widths, scale), Expanding(channels, widths, TimedBlock))
        self.scale = scale

    def predict(self, x: Tensor, state: Tensor | None, time: Tensor, hidden: Tensor) -> Tensor:
        """See `Sampler.predict`."""
        x, hidden = enlarge_by(x, self.scale), enlarge_by(hidden.to(x), self.scale)
        levels, features = self.encoder.timed_levels(x, state, time, hidden)
        correction: Tensor = self.decoder(levels, features)
        return x + correction
