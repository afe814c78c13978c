"""Consistency: whether samples of p(x given y) are as far from the truth, as wide and as wide apart as they have to be.

If a sampler is exact, the truth and its K samples are K + 1 draws of one distribution, and nobody can tell which was
the truth. Every ideal here follows from that alone. Each measure is a ratio of two means over pictures. Knows tensors,
of pictures or points. Does not know the network, the corruption or what a sample looks like.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from daecore.data.samples import as_uint8
from daecore.errors import InputError
from daecore.stats.ratio import Ratio
from daecore.uncertainty.thresholds import UNCERTAIN

DECILES = 10


@dataclass(frozen=True)
class Decile:
    """A tenth of all values by their predicted variance.

    Attributes:
        number: From 1, the least variance, to 10.
        share: The part of all squared error that lies in it.
        ratio: Predicted over observed variance.
    """

    number: int
    share: float
    ratio: Ratio


def error_over_own_mean(truth: Tensor, samples: Tensor) -> Ratio:
    """The squared error of a sample over that of the samples' mean: 2 for an exact sampler.

    ``E|x - s_k|^2 / (E|x - m|^2 / (1 + 1/K))`` with m the mean of the K samples, whose own error is ``1 + 1/K`` times
    the least possible one.

    Args:
        truth: float32 ``(N, *shape)``.
        samples: float32 ``(K, N, *shape)``, K >= 2.

    Raises:
        InputError: The shapes do not go together.

    Source: Blau and Michaeli, "The perception-distortion tradeoff", CVPR 2018, section 4; the factor for K samples
    follows from the variance of a mean.
    """
    require_samples(truth, samples)
    return Ratio(_error(truth, samples), _square(truth - samples.mean(0)) / (1 + 1 / len(samples)))


def error_over_mean(truth: Tensor, samples: Tensor, mean: Tensor) -> Ratio:
    """The squared error of a sample over that of what is to be the mean of p(x given y): 2 if both are right.

    Below 2 the mean is worse than it has to be, above 2 the samples are.

    Args:
        truth: float32 ``(N, *shape)``.
        samples: float32 ``(K, N, *shape)``, K >= 2.
        mean: float32 ``(N, *shape)``.

    Raises:
        InputError: The shapes do not go together.

    Source: Blau and Michaeli, "The perception-distortion tradeoff", CVPR 2018, section 4.
    """
    require_samples(truth, samples)
    if mean.shape != truth.shape:
        raise InputError(f"The mean has the shape {tuple(mean.shape)}, but the truth has {tuple(truth.shape)}.")
    return Ratio(_error(truth, samples), _square(truth - mean))


def variance_by_decile(truth: Tensor, samples: Tensor, exact_std: Tensor | None = None) -> tuple[Decile, ...]:
    """Predicted over observed variance, by decile of the predicted one, all values of all pictures pooled: 1 each.

    Predicted is the samples' unbiased variance, observed ``(x - m)^2 / (1 + 1/K)`` with m their mean. Values that are
    sorted by an estimate, and then measured by the same one, would come out too narrow below and too wide above. So
    half of the samples sort and the other half is measured, both ways; or the exact deviation sorts and all are
    measured. Then the ratio of the expectations is 1 in every decile.

    Args:
        truth: float32 ``(N, *shape)``.
        samples: float32 ``(K, N, *shape)``, K >= 4, or 2 where the exact deviation is known.
        exact_std: float32 ``(N, *shape)``, the standard deviation of p(x given y), where it is known.

    Returns:
        From the least variance to the largest.

    Raises:
        InputError: The shapes do not go together, or there are too few samples.
    """
    require_samples(truth, samples, 4 if exact_std is None else 2)
    x, s = truth.flatten(1).double(), samples.flatten(2).double()
    half = len(s) // 2
    parts = [(s[:half].var(0), s[half:]), (s[half:].var(0), s[:half])]
    if exact_std is not None:
        parts = [(exact_std.flatten(1), s)]
    above, below = (x.new_zeros(len(x), DECILES) for _ in range(2))
    for key, measured in parts:
        decile = _rank(key) * DECILES // key.numel()  # (N, values)
        above.scatter_add_(1, decile, measured.var(0))
        below.scatter_add_(1, decile, (x - measured.mean(0)).square() / (1 + 1 / len(measured)))
    shares = (below.sum(0) / below.sum().clamp_min(1e-30)).tolist()
    return tuple(Decile(i + 1, share, Ratio(above[:, i], below[:, i])) for i, share in enumerate(shares))


def coverage(truth: Tensor, samples: Tensor, exact_std: Tensor | None = None) -> Ratio:
    """How often the span of K samples holds the truth, on uncertain values: ``(K - 1) / (K + 1)``.

    Uncertain is where the exact standard deviation is above `UNCERTAIN`. Where it is not known, that of truth and
    samples taken together decides. The samples' own would not do: it would choose where their span happens to be
    wide, and find too much. Taken together nobody can tell the truth from a sample, so that the choice says nothing
    of where the truth lies among them.

    Args:
        truth: float32 ``(N, *shape)``.
        samples: float32 ``(K, N, *shape)``, K >= 2.
        exact_std: float32 ``(N, *shape)``, the standard deviation of p(x given y), where it is known.

    Raises:
        InputError: The shapes do not go together.
    """
    require_samples(truth, samples)
    spread = torch.cat([samples, truth[None]]).std(0) if exact_std is None else exact_std
    uncertain = (spread > UNCERTAIN).flatten(1).double()  # (N, values)
    x, s = (as_uint8(it) if truth.dim() > 2 else it for it in (truth, samples))  # images as they would be stored
    return Ratio((covered(x, s).flatten(1) * uncertain).sum(1), uncertain.sum(1))


def covered(truth: Tensor, samples: Tensor) -> Tensor:
    """The probability that a value lies strictly inside the samples once all ties are broken by lot.

    Of ``e`` samples equal to the truth, the truth comes first, and last, with probability ``1 / (e + 1)``. It is below
    all samples only if none is smaller, and above all only if none is larger:
    ``1 - [none smaller] / (e + 1) - [none larger] / (e + 1)``. If the truth is one of K + 1 equal draws, its place
    among them is uniform then, and the expectation is ``(K - 1) / (K + 1)`` for every distribution, discrete ones
    too. A tie with one sample counts a half; where all are equal, it is ``(K - 1) / (K + 1)`` itself.

    Args:
        truth: ``(N, *shape)``.
        samples: ``(K, N, *shape)``.

    Returns:
        float64 ``(N, *shape)``, in ``[0, 1]``.

    >>> covered(torch.tensor([2.0, 1.0, 0.0, 1.0]), torch.tensor([1.0, 2.0, 3.0])[:, None].expand(3, 4))
    tensor([1.0000, 0.5000, 0.0000, 0.5000], dtype=torch.float64)
    """
    ties = (samples == truth).sum(0) + 1.0
    ends = (~(samples < truth).any(0)).double() + (~(samples > truth).any(0)).double()
    return 1 - ends / ties


def ideal_coverage(count: int) -> float:
    """``(K - 1) / (K + 1)``: how often the span of K samples holds another draw of the same distribution."""
    return (count - 1) / (count + 1)


def require_samples(truth: Tensor, samples: Tensor, least: int = 2) -> None:
    """Refuse samples that do not belong to these truths.

    Raises:
        InputError: They have another shape, are too few, or are not finite.
    """
    if samples.shape[1:] != truth.shape or len(samples) < least or not len(truth):
        raise InputError(
            f"Samples are held against the truth as (K, N, *shape) beside (N, *shape), with K at least {least}, but "
            f"have the shapes {tuple(samples.shape)} and {tuple(truth.shape)}. Draw more, or stack them first."
        )
    if not samples.isfinite().all():
        broken = int((~samples.flatten(2).isfinite().all(2)).sum())
        raise InputError(f"{broken} of {len(samples) * len(truth)} samples are NaN or infinite. Look at the sampler.")


def _error(truth: Tensor, samples: Tensor) -> Tensor:
    """The mean squared error of a picture's samples, float64 ``(N,)``."""
    return torch.stack([_square(truth - sample) for sample in samples]).mean(0)


def _square(difference: Tensor) -> Tensor:
    return difference.flatten(1).double().square().mean(1)


def _rank(key: Tensor) -> Tensor:
    """The place of each value among all, from 0; equal ones in the order of their positions."""
    order = key.flatten().argsort(stable=True)
    return torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=key.device)).view_as(key)
