"""How sure a mean is: 95 % intervals over images (bootstrap) and over seeds (Student t).

Knows numbers only. An interval over images says nothing about luck in training; that takes seeds.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Generator, Tensor

from daecore.errors import InputError

LEVEL = 0.95
CHUNK = 2_000_000  # resampled values held at once: 16 MB of indices

Values = Tensor | NDArray[Any] | Sequence[float]


class Interval(BaseModel):
    """A mean with its 95 % interval, in the unit of the values.

    Attributes:
        mean: The mean of the values.
        low: The lower end.
        high: The upper end.
        n: How many values there were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mean: float
    low: float
    high: float
    n: int

    @property
    def conclusive(self) -> bool:
        """Whether the interval leaves out zero: only then is a difference a claim."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}], n = {self.n}"


def bootstrap(values: Values, *, generator: Generator, draws: int = 2000) -> Interval:
    """Percentile bootstrap of the mean: the values are drawn again with replacement, ``draws`` times.

    Args:
        values: ``(N,)``, N >= 1; differences, for a paired comparison.
        generator: The random stream, on the CPU.
        draws: How often the set is drawn again.

    Raises:
        InputError: There is no value.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    sample = _vector(values, least=1)
    means = torch.cat([_means(sample, size, generator) for size in _chunks(draws, max(1, CHUNK // len(sample)))])
    tail = (1 - LEVEL) / 2
    low, high = torch.quantile(means, torch.tensor([tail, 1 - tail], dtype=means.dtype)).tolist()
    return Interval(mean=sample.mean().item(), low=low, high=high, n=len(sample))


def bootstrap_of_means(
    columns: Tensor, statistic: Callable[[Tensor], Tensor], *, generator: Generator, draws: int = 2000
) -> Interval:
    """Percentile bootstrap of a function of several means, such as their ratio: rows are drawn again together.

    Args:
        columns: ``(N, K)``, N >= 1: K values of each sample.
        statistic: Means ``(..., K)`` to numbers ``(...)``.
        generator: The random stream, on the CPU.
        draws: How often the set is drawn again.

    Returns:
        The statistic of the means as ``mean``, with its interval.

    Raises:
        InputError: There is no row.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 10 and 13.
    """
    rows = columns.detach().to("cpu", torch.float64)
    _vector(rows[:, 0], least=1)
    found = [
        statistic(rows[torch.randint(len(rows), (size, len(rows)), generator=generator)].mean(1))
        for size in _chunks(draws, max(1, CHUNK // rows.numel()))
    ]
    tail = (1 - LEVEL) / 2
    low, high = torch.quantile(torch.cat(found), torch.tensor([tail, 1 - tail], dtype=rows.dtype)).tolist()
    return Interval(mean=float(statistic(rows.mean(0))), low=low, high=high, n=len(rows))


def student(values: Values) -> Interval:
    """Student's interval of the mean, ``mean +- t(0.975, n - 1) s / sqrt(n)``: for a few seeds.

    Args:
        values: ``(N,)``, N >= 2; paired differences, where two methods share their seeds.

    Raises:
        InputError: There are fewer than two values.
    """
    sample = _vector(values, least=2)
    count, mean = len(sample), sample.mean().item()
    half = _student_quantile(count - 1) * sample.std().item() / math.sqrt(count)
    return Interval(mean=mean, low=mean - half, high=mean + half, n=count)


def contrast(groups: Sequence[Values], weights: Sequence[float]) -> Interval:
    """Welch's interval of ``sum_k weights_k mean_k``: independent groups, each with a size and a scatter of its own.

    Half of it is ``t(0.975, f) sqrt(sum_k v_k)`` with ``v_k = weights_k^2 s_k^2 / n_k`` and the degrees of freedom
    ``f = (sum_k v_k)^2 / sum_k v_k^2 / (n_k - 1)`` of Welch and Satterthwaite.

    Args:
        groups: ``(N_k,)`` each, N_k >= 2.
        weights: As many as there are groups; 1 and -1 give a difference of two means.

    Returns:
        The contrast as ``mean``, with its interval; ``n`` counts all values.

    Raises:
        InputError: A group has fewer than two values.

    Source: Welch, "The generalization of Student's problem when several different population variances are involved",
    Biometrika 34, 1947.
    """
    samples = [_vector(group, least=2) for group in groups]
    pairs = list(zip(weights, samples, strict=True))
    mean = math.fsum(weight * sample.mean().item() for weight, sample in pairs)
    parts = [weight**2 * sample.var().item() / len(sample) for weight, sample in pairs]
    spread = math.fsum(part**2 / (len(sample) - 1) for part, sample in zip(parts, samples, strict=True))
    freedom = math.fsum(parts) ** 2 / spread if spread > 0 else math.inf
    half = _student_quantile(freedom) * math.sqrt(math.fsum(parts))
    return Interval(mean=mean, low=mean - half, high=mean + half, n=sum(map(len, samples)))


def _vector(values: Values, *, least: int) -> Tensor:
    """The values as float64 ``(N,)`` on the CPU."""
    sample = torch.as_tensor(values, dtype=torch.float64, device="cpu").flatten()
    if len(sample) < least:
        raise InputError(
            f"An interval needs at least {least} value(s) and got {len(sample)}. "
            "Measure more images or train more seeds."
        )
    return sample


def _means(sample: Tensor, draws: int, generator: Generator) -> Tensor:
    """The means of ``draws`` resampled sets, ``(draws,)``."""
    index = torch.randint(len(sample), (draws * len(sample),), generator=generator)
    return sample[index].view(draws, -1).mean(1)


def _chunks(total: int, size: int) -> list[int]:
    """``total`` as a list of parts no larger than ``size``."""
    return [min(size, total - start) for start in range(0, total, size)]


def wilson(hits: int, count: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """The 95 % interval of a probability by hits out of a count (Wilson 1927)."""
    share, square = hits / count, z**2 / count
    centre = share + square / 2
    half = z * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, (centre - half) / (1 + square)), min(1.0, (centre + half) / (1 + square))


def _student_quantile(freedom: float) -> float:
    """How many standard errors half an interval is wide, with this many degrees of freedom."""
    from scipy.special import stdtrit  # a fifth of a second, which whoever shows an experiment need not wait for

    return float(stdtrit(freedom, (1 + LEVEL) / 2))
