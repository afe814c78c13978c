"""Error bars: a restoration with a lower and an upper bound for each value, and what is promised of them.

Knows a network, what is thought of its errors, and thresholds. Does not know files, nor how well the promise is kept.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_positions
from daecore.data.samples import Pairs, Samples, as_float
from daecore.device import Precision
from daecore.errors import InputError
from daecore.stats.metrics import psnr
from daecore.uncertainty.calibration import fit_constant, fit_thresholds
from daecore.uncertainty.error_training import train_error_network
from daecore.uncertainty.estimator import DerivativeEstimator, Estimator, LearnedEstimator, has_derivative
from daecore.uncertainty.psnr_promise import fit_decibels, predicted_psnr
from daecore.uncertainty.spread import Spread
from daecore.uncertainty.thresholds import UNCERTAIN, Scored, Thresholds

BATCH = 100  # pictures at a time: the distribution of every value takes 20 MB of a hundred handwritten digits
MOST_VALUES = 3_000_000  # of all calibration pictures together: more hardly move a threshold
MOST_DERIVATIVES = 1_200_000  # each of which takes a dozen passes


@dataclass(frozen=True)
class Bars:
    """What is said of B restored pictures.

    Attributes:
        restored: float32 ``(B, C, H, W)``, in [0, 1].
        lower: float32 ``(B, C, H, W)``, at most the restoration.
        upper: float32 ``(B, C, H, W)``, at least the restoration.
        squared_error: float32 ``(B, C, H, W)``, expected.
        uncertain: bool ``(B, C, H, W)``: the values of which something is promised.
    """

    restored: Tensor
    lower: Tensor
    upper: Tensor
    squared_error: Tensor
    uncertain: Tensor


@dataclass(frozen=True)
class ErrorBars:
    """What gives bounds to what a network restores.

    Attributes:
        estimator: What is thought of the errors.
        thresholds: What keeps the promise.
        level: What share of uncertain values is promised to lie within.
        decibel_shift: What is added to a picture's predicted PSNR for a promise of its PSNR, in dB.
        constant: Half of the one width for all values that keeps the same promise.
        pictures: How many pictures it was calibrated on.
    """

    estimator: Estimator
    thresholds: Thresholds
    level: float
    decibel_shift: float
    constant: float
    pictures: int

    def to(self, device: str) -> "ErrorBars":
        """The same on another device."""
        return replace(self, estimator=self.estimator.to(device))

    def __call__(self, model: nn.Module, corrupted: Tensor) -> Bars:
        """Restore a batch ``(B, C, h, w)``, with bounds; the model is in evaluation mode."""
        return self.of(self.estimator(model, corrupted))

    def of(self, spread: Spread) -> Bars:
        """The bounds that follow from what is thought of a batch's errors."""
        uncertain = spread.std > UNCERTAIN
        lower, upper = spread.bounds(self.thresholds(spread.width, uncertain))
        return Bars(spread.restored, lower, upper, spread.squared_error, uncertain)

    def promised_psnr(self, squared_error: Tensor) -> Tensor:
        """What PSNR is promised to each picture, by the expected squared error of its values: ``(B,)``, in dB."""
        return predicted_psnr(squared_error) + self.decibel_shift


def choose_estimator(
    model: nn.Module, corruptor: Corruptor, samples: Samples, *, level: float, examples: int, seed: int,
    precision: Precision,
) -> Estimator:  # fmt: skip
    """The derivative of the network where Gaussian noise is all there is, else a network that is trained on its errors.

    Args:
        model: Restores; on the samples' device, in evaluation mode.
        corruptor: What it was trained to undo.
        samples: What it was trained on.
        level: The probability for which bounds are made as short as they can be.
        examples: How many pictures train it.
        seed: Names the streams.
        precision: Of both networks while one is trained.

    Raises:
        InputError: The samples are no pictures.
    """
    require_pictures(samples.shape)
    if corruptor.gaussian_sigma and has_derivative(model, samples.shape):
        return DerivativeEstimator(corruptor.gaussian_sigma)
    network = train_error_network(model, corruptor, samples, examples=examples, seed=seed, precision=precision)
    return LearnedEstimator(network, level)


def fit_error_bars(model: nn.Module, estimator: Estimator, pairs: Pairs, level: float) -> ErrorBars:
    """Calibrate what an estimator thinks, on pictures that neither network was trained on.

    Args:
        model: Restores; on the pairs' device, in evaluation mode.
        estimator: What is thought of its errors.
        pairs: Validation pictures, corrupted once.
        level: What share of uncertain values is promised to lie within.

    Raises:
        InputError: There are too few pictures for this level.
    """
    pairs = some_of(pairs, MOST_DERIVATIVES if isinstance(estimator, DerivativeEstimator) else MOST_VALUES)
    scores: list[tuple[Tensor, ...]] = []
    for spread, truth in spreads(model, estimator, pairs):
        uncertain = spread.std > UNCERTAIN
        error = (truth - spread.restored).abs()
        decibels = psnr(spread.restored, truth), predicted_psnr(spread.squared_error)
        flat = (it.flatten(1).cpu() for it in (spread.score(truth), spread.width, uncertain, error))
        scores.append((*flat, *(it.cpu() for it in decibels)))
    score, width, uncertain, error, measured, predicted = (torch.cat(parts) for parts in zip(*scores, strict=True))
    return ErrorBars(
        estimator=estimator,
        thresholds=fit_thresholds(Scored(score, width, uncertain), level),
        level=level,
        decibel_shift=fit_decibels(measured, predicted),
        constant=fit_constant(error, uncertain, level),
        pictures=len(pairs),
    )


def spreads(model: nn.Module, estimator: Estimator, pairs: Pairs) -> Iterator[tuple[Spread, Tensor]]:
    """What is thought of each batch's errors, and the truth, float32 ``(B, C, H, W)``."""
    for index in torch.arange(len(pairs), device=pairs.corrupted.device).split(BATCH):
        yield estimator(model, pairs.asked(index)), as_float(pairs.clean.read(index))


def some_of(pairs: Pairs, values: int) -> Pairs:
    """As many of the pairs as hold so many values; the same ones each time."""
    size = math.prod(pairs.clean.shape)
    wanted = max(1, values // size)
    if len(pairs) <= wanted:
        return pairs
    index = draw_positions(len(pairs), wanted, "error bars").to(pairs.corrupted.device)
    return Pairs(pairs.clean.select(index), pairs.corrupted[index])


def require_pictures(shape: tuple[int, ...]) -> None:
    """Refuse points.

    Raises:
        InputError: These are no pictures.
    """
    if len(shape) != 3:
        raise InputError(
            f"Error bars are for pictures, whose values lie in [0, 1], and these samples have shape {shape}. Leave "
            "error_bars out; what a denoiser of points knows of its error is daecore.uncertainty.posterior_moments."
        )
