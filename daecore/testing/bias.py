"""The Noise2Noise licence: whether E[corrupted] = clean, measured, where an extension says so.

Targets may be corrupted copies only if their mean is the clean image (Lehtinen et al. 2018, section 2).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from pydantic import ValidationError
from torch import Tensor

from daecore.plugin.extension import declared_value
from daecore.plugin.kinds import Corruption
from daecore.plugin.options import Options
from daecore.rng import stream
from daecore.testing.contract import Check, NotChecked, Subject, Violation
from daecore.testing.drawing import pictures, shapes

TOLERANCE = 0.002  # mean absolute bias a pixel, in units of full intensity
NORMAL_999 = 3.29  # standard errors to either side of a 99.9 % interval
FIRST, LAST = 128, 4096  # draws


@dataclass(frozen=True)
class Bias:
    """The mean absolute bias a pixel, from below, with its 99.9 % interval, from so many draws."""

    mean: float
    low: float
    high: float
    draws: int

    def __str__(self) -> str:
        return f"mean absolute bias {self.mean:.4f} [{self.low:.4f}, {self.high:.4f}] in {self.draws} draws"


def measure_bias(extension: Corruption, options: Options, clean: Tensor) -> Bias:
    """Measure |E[corrupted] - clean|, averaged over pixels; inconclusive measurements double the draws.

    The mean of absolute values of noisy means is not zero without bias. Hence the sign of each pixel's bias is taken
    from one half of the draws and its size from the other, and the halves change places: without bias the result is
    zero on average, with bias it is at most the truth. Draws are independent, pixels of one draw need not be.

    Args:
        extension: The corruption; it must keep the shape.
        options: Its options.
        clean: float32 ``(B, *shape)``.
    """
    halves: tuple[list[Tensor], list[Tensor]] = ([], [])
    draws = FIRST
    while True:
        while len(halves[0]) + len(halves[1]) < draws:
            number = len(halves[0]) + len(halves[1])
            halves[number % 2].append(_draw(extension, options, clean, number))
        found = _interval(torch.stack(halves[0]), torch.stack(halves[1]))
        if found.high < TOLERANCE or found.low > TOLERANCE or draws >= LAST:
            return found
        draws *= 2


def _draw(extension: Corruption, options: Options, clean: Tensor, number: int) -> Tensor:
    """One draw of the noise, flat."""
    result = extension.function(clean, options, generator=stream(0, "bias", number))
    corrupted: Tensor = result[0] if isinstance(result, tuple) else result
    return (corrupted - clean).flatten()


def _interval(first: Tensor, second: Tensor) -> Bias:
    """From two halves of draws ``(K, pixels)``."""
    sizes = torch.cat([second @ first.mean(0).sign(), first @ second.mean(0).sign()]) / first.shape[1]
    error = sizes.std().item() / len(sizes) ** 0.5
    mean = sizes.mean().item()
    return Bias(mean, mean - NORMAL_999 * error, mean + NORMAL_999 * error, len(sizes))


def _check_unbiased(subject: Subject[Corruption]) -> str:
    claimed = [options for options in _variants(subject) if declared_value(subject.extension.unbiased, options)]
    if not claimed:
        raise NotChecked("it does not say that it is unbiased")
    clean = pictures(shapes(subject)[0], 16)
    found = []
    for options in claimed:
        bias = measure_bias(subject.extension, options, clean)
        if bias.low > TOLERANCE:
            raise Violation(
                f"E[corrupted] = clean, as unbiased says of {options!r}",
                f"the {bias} lies above {TOLERANCE}",
                "Declare unbiased=False, or a function of the options: unbiased=lambda options: ...",
            )
        found.append(bias)
    return f"largest {max(found, key=lambda bias: bias.high)}"


def _variants(subject: Subject[Corruption]) -> Iterator[Options]:
    """The options, at the weakest and strongest strength, each with every switch the other way round."""
    strength = subject.extension.strength
    ends = [{}] if strength is None else [{}, {strength.option: strength.low}, {strength.option: strength.high}]
    switches = [name for name, value in subject.options if isinstance(value, bool)]
    for end in ends:
        for switch in ({}, *({name: not getattr(subject.options, name)} for name in switches)):
            try:
                yield subject.extension.options.model_validate(subject.options.model_dump() | end | switch)
            except ValidationError:
                continue  # these do not go together


CHECK = Check("it is as unbiased as declared", _check_unbiased)
