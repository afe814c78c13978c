"""The problems of the study: a recipe each, and what is known of its corruption, pixel by pixel and as a whole.

Knows corruptions whose likelihood has a closed form. Does not train.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from daecore import stream
from daecore.analysis import (
    CoveredThenNoised,
    ErasedThenNoised,
    GaussianNoised,
    GaussianPixels,
    Likelihood,
    PixelChannel,
    PixelLikelihood,
)
from daecore.corruption import Corruptor
from daecore.data import as_float
from daecore.experiment import Experiment

NARROW = 0.03  # by how much a counted channel is blurred, in full intensity: the noise has blurred it more


@dataclass(frozen=True)
class Problem:
    """One corruption, at one strength.

    Attributes:
        recipe: What is trained.
        words: The corruption in words.
        changes: Of the recipe.
        noise_alone: Whether Gaussian noise is all there is.
    """

    recipe: str
    words: str
    changes: tuple[str, ...] = ()
    noise_alone: bool = False


def gaussian(sigma: float) -> Problem:
    """Gaussian noise of one width."""
    changes = (f"corruptions.0.gaussian_noise.sigma={sigma:g}",)
    return Problem("lecture/local", f"noise of sigma {sigma:g}", changes, noise_alone=True)


SIGMAS = (0.2, 0.5, 1.2)
PROBLEMS = {
    **{f"gaussian-{sigma:g}": gaussian(sigma) for sigma in SIGMAS},
    "erasure": Problem("lecture/local-erasure", "90 % erased, then noise"),
    "block": Problem("lecture/local-block", "16 x 16 hidden, then noise"),
}


@dataclass(frozen=True)
class Pixels:
    """The likelihood of single pixels.

    Attributes:
        likelihood: Of a pixel.
        references: What it is told in place of each original, ``(N, 1, H, W)``.
    """

    likelihood: PixelLikelihood
    references: Tensor


def pixels_of(experiment: Experiment, originals: Tensor) -> Pixels:
    """What is known of single pixels: in closed form of noise alone, else counted from one draw for each original.

    Of a hidden square a pixel says how often it is covered, not that its neighbours then are too.
    """
    if sigma := experiment.corruptor.gaussian_sigma:
        return Pixels(GaussianPixels(sigma), originals)
    clean = as_float(originals)
    channel = PixelChannel.measure(clean, _corrupt(clean, experiment.corruptor))
    return Pixels(channel.smoothed(NARROW), channel.levels(clean))


def likelihood_of(experiment: Experiment) -> Likelihood:
    """The likelihood of whole pictures: of noise, of pixels erased or a square hidden and then noise."""
    if sigma := experiment.corruptor.gaussian_sigma:
        return GaussianNoised(sigma)
    first, *noise = experiment.corruptions
    sigma = Corruptor(noise).gaussian_sigma
    if first.name == "erasure":
        return ErasedThenNoised(first.options.p, sigma)  # type: ignore[attr-defined]
    return CoveredThenNoised(first.options.size, sigma)  # type: ignore[attr-defined]


def _corrupt(clean: Tensor, corruptor: Corruptor) -> Tensor:
    generator = stream(0, "local", "channel", corruptor.digest)
    return torch.cat([corruptor(some, generator).x for some in clean.split(1000)])
