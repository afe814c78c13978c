"""Drawing what a picture of any size could have been: in each step it is put together from tiles.

Knows a `Restorer` and its tiles. Does not know files, nor what the samples are worth.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from daecore.errors import InputError
from daecore.model.restorer import Restorer, as_picture
from daecore.model.sampler import Sampler
from daecore.model.sampling import SamplingOptions, draw_noise, walk
from daecore.model.tiling import restore_tiled


def draw_picture(restorer: Restorer, image: Tensor, count: int, options: SamplingOptions) -> Tensor:
    """What a picture could have been, several times over.

    In each step the whole picture is put together from its tiles before the next one begins: so a sample is one
    picture, without seams. The channels of a colour picture are drawn one by one by a network of one channel.

    Args:
        restorer: With a network that draws.
        image: float32 ``(C, H, W)``, C = 1 or 3, on the network's device.
        count: How many samples.
        options: Steps, solver and seed.

    Returns:
        float32 ``(count, C, H * scale, W * scale)``, in [0, 1].

    Raises:
        InputError: The network cannot draw, or has another number of channels.
        NonFiniteError: A pixel is NaN or infinite.
    """
    require_sampler(restorer.model)
    images, drawn = restorer.as_images(image), []
    shape = (*images.shape[:2], *(side * restorer.scale for side in images.shape[2:]))
    asked = _Tiled(restorer, images, count * options.steps)
    for number in range(count):
        noise = draw_noise(shape, options.seed, number).to(image.device)
        drawn.append(as_picture(walk(asked, noise, options, bounded=True), image))
    return torch.stack(drawn)


def require_sampler(model: nn.Module) -> None:
    """Refuse a network that cannot draw.

    Raises:
        InputError: It cannot.
    """
    if not isinstance(model, Sampler):
        raise InputError(
            f"This network, {type(model).__name__}, restores, but cannot draw samples. Train one that can: "
            "--set architecture='{unet: {sampler: true}}' --set objective=flow."
        )


class _Tiled:
    """What a network that draws expects of a picture at a state and a time, put together from tiles."""

    def __init__(self, restorer: Restorer, images: Tensor, passes: int) -> None:
        self.restorer, self.images, self.passes, self.done = restorer, images, passes, 0
        self.tile, self.overlap = restorer.tiling(*images.shape[-2:])

    def __call__(self, state: Tensor, time: Tensor) -> Tensor:
        restorer, channels = self.restorer, self.images.shape[1]
        beside = torch.cat((self.images, F.pixel_unshuffle(state, restorer.scale)), 1)
        asked = _AtTime(restorer.model, channels, restorer.scale, float(time[0]))
        expected = restore_tiled(
            asked, beside, self.tile, overlap=self.overlap, scale=restorer.scale, channels=channels, watch=self._watch
        )
        self.done += 1
        return expected

    def _watch(self, done: int, total: int) -> None:
        self.restorer.watch(self.done * total + done, self.passes * total)


class _AtTime(nn.Module):
    """A network that draws, asked at one time; the state comes as further channels beside the corrupted image."""

    def __init__(self, model: nn.Module, channels: int, scale: int, time: float) -> None:
        super().__init__()
        self.model, self.channels, self.scale, self.time = model, channels, scale, time

    def forward(self, beside: Tensor) -> Tensor:
        x, state = beside[:, : self.channels], F.pixel_shuffle(beside[:, self.channels :], self.scale)
        expected: Tensor = self.model(x, state, x.new_full((len(x),), self.time))
        return expected
