"""The law of distortion and perception, fitted to what was measured.

Knows numbers alone. Does not know what was restored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daecore.stats import Interval, student


@dataclass(frozen=True)
class MeasuredEstimator:
    """An estimator on the plane of distortion and perception, once for each set of samples.

    Attributes:
        perception: How far its answers are from the data, as sets; 0 or the floor of finite sets: not told apart.
        distortion: Its squared error over that of the mean.
    """

    perception: Sequence[float]
    distortion: Sequence[float]

    @property
    def intervals(self) -> tuple[Interval, Interval]:
        """Both with their intervals over sets."""
        return student(self.perception), student(self.distortion)


@dataclass(frozen=True)
class Law:
    """``D = 1 + curvature (P_mean - P)^2``, D over the mean's squared error.

    Attributes:
        perception: ``P_mean``, the mean's.
        curvature: The one number that is fitted. Where perception is the Wasserstein distance over the root of the
            mean's squared error, it is 1 for the best estimators.
        r2: The share of D's scatter that the law explains.
    """

    perception: float
    curvature: float
    r2: float

    def __call__(self, perception: NDArray[np.float64]) -> NDArray[np.float64]:
        """The distortion at perceptions."""
        return 1 + self.curvature * (self.perception - perception) ** 2


def fit_law(perception: Sequence[float], distortion: Sequence[float]) -> Law:
    """The least-squares curvature, through the mean.

    Args:
        perception: Of the mean, then of estimators on the way from it to samples; at least three.
        distortion: Likewise.

    Source: Freirich, Michaeli and Meir, "A theory of the distortion-perception tradeoff in Wasserstein space", NeurIPS
    2021, theorem 3.

    >>> fit_law([2.0, 1.0, 0.0], [1.0, 1.5, 3.0])
    Law(perception=2.0, curvature=0.5, r2=1.0)
    """
    way = (perception[0] - np.asarray(perception)) ** 2
    rise = np.asarray(distortion) - 1
    curvature = float(way @ rise / max(float(way @ way), 1e-30))
    left = float(((rise - curvature * way) ** 2).sum())
    return Law(perception[0], curvature, 1 - left / max(float(((rise - rise.mean()) ** 2).sum()), 1e-30))


def fit_laws(way: Mapping[str, MeasuredEstimator]) -> list[Law]:
    """A law for each set, through the estimators of one way from the mean, which is the first."""
    measured = [*way.values()]
    sets = range(len(measured[0].perception))
    return [fit_law([it.perception[k] for it in measured], [it.distortion[k] for it in measured]) for k in sets]
