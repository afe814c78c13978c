"""Noise2Self: learn from noisy pictures alone, each hidden pixel foretold from the others.

Noise that is independent from pixel to pixel cannot be foretold, so that only the picture is learnt.
"""

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from daecore import Batch, Corruptor, InputError, Loss, Objective, Options, comparable, hookimpl, stream

from ..bibliography import cite

NEIGHBOURS = ((0.5, 1.0, 0.5), (1.0, 0.0, 1.0), (0.5, 1.0, 0.5))  # how they weigh, the pixel itself left out
TRIED = (1, 64, 64)  # the shape of the flat pictures on which neighbouring noise is compared
DRAWS, LARGEST = 16, 0.05  # of them; the largest correlation that passes, more than ten standard errors


class Noise2Self(Options):
    """Squared error between hidden noisy pixels and what is restored in their place; no clean picture is looked at."""

    grid: int = Field(default=4, ge=2, le=16, description="one pixel of each square of so many by so many is hidden")


def noise2self(options: Noise2Self, corruptor: Corruptor) -> Loss:
    """The loss ``mean over hidden pixels of (model(noisy with their neighbours' mean instead) - noisy)^2``.

    The hidden pixels lie on a grid whose place is drawn anew for each batch and epoch, also with ``noise: once``.
    For independent, unbiased noise it is the squared error there plus the noise's variance. The network restores
    whole pictures afterwards, with nothing hidden.

    Source: Batson and Royer, "Noise2Self: blind denoising by self-supervision", ICML 2019, proposition 1 and
    section 3 (J-invariance by interpolation).
    """

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        noisy = corruptor(batch.clean, generator).x
        rows, columns = _hide(batch, generator, options.grid)
        seen = noisy.clone()
        seen[..., rows, columns] = neighbours(noisy)[..., rows, columns]
        return F.mse_loss(comparable(model(seen), noisy)[..., rows, columns], noisy[..., rows, columns])

    return loss


def neighbours(x: Tensor) -> Tensor:
    """Each pixel's weighted mean of its eight neighbours, without itself; reflected at the edges: ``(B, C, H, W)``."""
    weights = x.new_tensor(NEIGHBOURS).view(1, 1, 3, 3)
    single = F.pad(x.flatten(0, 1).unsqueeze(1), (1, 1, 1, 1), mode="reflect")  # (B * C, 1, H + 2, W + 2)
    return F.conv2d(single, weights / weights.sum()).view_as(x)


def demands(options: Noise2Self, corruptor: Corruptor) -> None:
    """Refuse noise that is biased, changes the size or can be foretold from the neighbours.

    Raises:
        ValueError: It is.
    """
    if not corruptor.specs or not corruptor.unbiased:
        raise ValueError(
            f"noise2self learns the mean of the noisy pixels, which is the clean picture only for unbiased noise, but "
            f"got: {corruptor}. Use gaussian_noise unclipped, shot_noise, speckle, or erasure with rescale."
        )
    if corruptor.output_shape(TRIED) != TRIED:
        raise ValueError(f"noise2self hides pixels of the clean picture's size, and {corruptor} changes the size.")
    noise = corruptor(torch.full((DRAWS, *TRIED), 0.5), stream(0, "neighbours")).x - 0.5
    correlation = (noise[..., 1:] * noise[..., :-1]).mean() / noise.square().mean().clamp_min(1e-12)
    if correlation.abs() > LARGEST:
        raise ValueError(
            f"noise2self needs noise that is independent from pixel to pixel, but under {corruptor} neighbours "
            f"correlate by {correlation:.2f}: the network would learn the noise. Use noise2noise."
        )


def _hide(batch: Batch, generator: Generator, grid: int) -> tuple[slice, slice]:
    """Which rows and columns are hidden where they meet: every ``grid``-th from a place that is drawn.

    Raises:
        InputError: The samples are no pictures of 2x2 pixels or more.
    """
    shape = tuple(batch.clean.shape[1:])
    if len(shape) != 3 or min(shape[1:]) < 2:
        raise InputError(f"noise2self hides pixels of pictures (C, H, W), but the samples have shape {shape}.")
    fresh = stream(generator.initial_seed(), "hidden", batch.epoch)  # on the CPU: nothing waits for the device
    row, column = (int(torch.randint(min(grid, side), (), generator=fresh)) for side in shape[1:])
    return slice(row, None, grid), slice(column, None, grid)


@hookimpl
def register_objectives() -> list[Objective]:
    """Ship `noise2self`."""
    return [
        Objective(
            name="noise2self",
            options=Noise2Self,
            function=noise2self,
            source=cite("batson2019"),
            shapes="images",
            demands=demands,
        )
    ]
