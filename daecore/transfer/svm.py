"""SVM: a support vector machine with Gaussian kernel (RBF), the classifier that needs no features.

It stands beside networks on Vincent's problems, and says whether regenerated data are as hard as the published ones.
scikit-learn solves it; its kernel matrices are made here, by matrix products, some ten times faster than entry by
entry. Knows labelled samples. Does not know which dataset they are.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from daecore.data.samples import Samples, Splits, as_float
from daecore.errors import InputError
from daecore.record import Record
from daecore.stats.intervals import wilson

ROWS = 2_000  # of a kernel matrix, made at once
CACHE_MB = 1_000  # for scikit-learn's rows of the kernel
Ranked = tuple[float, tuple[float, float]]  # an error in percent, and the pair (C, gamma) that has it


class SvmOptions(BaseModel):
    """How the penalty and the kernel's width are chosen.

    Attributes:
        penalties: Values of C, the cost of a sample on the wrong side.
        gammas: Values of gamma in ``exp(-gamma ||x - y||^2)``, pixels in [0, 1].
        first: On how many training samples all pairs are tried; 0: on all.
        finalists: How many of the best pairs are tried again on all training samples.
        with_validation: Whether the machine that is tested has learnt from the validation samples too, once they have
            chosen (so did Larochelle et al. 2007).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    penalties: tuple[float, ...] = Field(default=(1.0, 3.0, 10.0, 100.0), min_length=1)
    gammas: tuple[float, ...] = Field(default=(0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1), min_length=1)
    first: int = Field(default=2_500, ge=0)
    finalists: int = Field(default=3, ge=1)
    with_validation: bool = True


class SvmReport(Record):
    """How good a support vector machine is.

    Attributes:
        error_percent: On the test samples, in percent.
        low: Lower end of its 95 % interval over test samples (Wilson), in percent.
        high: Upper end.
        validation_error_percent: Of the pair that was chosen, on the validation samples.
        penalty: The chosen C.
        gamma: The chosen gamma.
        on_border: Whether one of them is the smallest or the largest that was tried.
        support_vectors: How many training samples the machine keeps.
        trained_on: How many it has learnt from.
        tested_on: How many it was tested on.
        seconds: Wall time of all of it.
    """

    error_percent: float
    low: float
    high: float
    validation_error_percent: float
    penalty: float
    gamma: float
    on_border: bool
    support_vectors: int
    trained_on: int
    tested_on: int
    seconds: float


def choose_svm(splits: Splits, options: SvmOptions | None = None) -> SvmReport:
    """Choose C and gamma by the validation samples, then test once.

    Args:
        splits: Labelled samples of one shape.
        options: What is tried.

    Raises:
        InputError: A set has no labels.
    """
    started, options = time.perf_counter(), options or SvmOptions()
    error, (penalty, gamma) = _choose(splits, options)
    known = _join(splits.train, splits.validation) if options.with_validation else splits.train
    machine = Svm(known, penalty, gamma)
    wrong, tested = sum(map(machine.wrong, splits.test)), sum(map(len, splits.test))
    low, high = wilson(wrong, tested)
    return SvmReport(
        error_percent=100 * wrong / tested,
        low=100 * low,
        high=100 * high,
        validation_error_percent=error,
        penalty=penalty,
        gamma=gamma,
        on_border=_on_border(penalty, options.penalties) or _on_border(gamma, options.gammas),
        support_vectors=machine.support_vectors,
        trained_on=len(known),
        tested_on=tested,
        seconds=time.perf_counter() - started,
    )


class Svm:
    """A support vector machine with the kernel ``exp(-gamma ||x - y||^2)``, one against one where classes are many.

    Args:
        samples: Labelled samples to learn from.
        penalty: C, the cost of a sample on the wrong side.
        gamma: The kernel's gamma.
        distances: What `squared_distances` gives for the samples and themselves, where it is known already.
    """

    def __init__(self, samples: Samples, penalty: float, gamma: float, distances: Tensor | None = None) -> None:
        from sklearn.svm import SVC  # slow to import

        self.points, self.gamma = _points(samples), gamma
        known = squared_distances(self.points, self.points) if distances is None else distances
        kernel = known.mul(-gamma).exp_().double().numpy()
        self._machine = SVC(C=penalty, kernel="precomputed", cache_size=CACHE_MB).fit(kernel, _labels(samples))

    @property
    def support_vectors(self) -> int:
        """How many samples it keeps."""
        return len(self._machine.support_)

    def predict(self, samples: Samples) -> Tensor:
        """The classes of samples: int64 ``(N,)``."""
        return torch.cat([self.predict_by(part) for part in self._distances(samples)])

    def predict_by(self, distances: Tensor) -> Tensor:
        """The classes of samples by their squared distances ``(N, K)`` from those that it has learnt from."""
        kernel = distances.mul(-self.gamma).exp_().double().numpy()
        return torch.from_numpy(np.asarray(self._machine.predict(kernel), dtype=np.int64))

    def wrong(self, samples: Samples) -> int:
        """How many samples it takes for another class."""
        return int((self.predict(samples) != torch.from_numpy(_labels(samples))).sum())

    def _distances(self, samples: Samples) -> Iterator[Tensor]:
        for batch in samples.batches(ROWS):
            yield squared_distances(batch.clean.flatten(1), self.points)


def squared_distances(points: Tensor, others: Tensor) -> Tensor:
    """``||x - y||^2 = ||x||^2 + ||y||^2 - 2 x.y`` of all pairs, by one matrix product, in float32.

    Args:
        points: float32 ``(N, F)``.
        others: float32 ``(K, F)``.

    Returns:
        float32 ``(N, K)``, none negative.
    """
    result = torch.addmm(others.square().sum(1).expand(len(points), -1), points, others.T, alpha=-2)
    return result.add_(points.square().sum(1)[:, None]).clamp_min_(0)


def _choose(splits: Splits, options: SvmOptions) -> Ranked:
    """The best pair (C, gamma) with its error on the validation samples: sifted on some samples, chosen on all."""
    pairs = [(penalty, gamma) for gamma in options.gammas for penalty in options.penalties]
    some = splits.train.select(torch.arange(min(options.first or len(splits.train), len(splits.train))))
    best = _rank(some, splits.validation, pairs)[: options.finalists]
    if len(some) < len(splits.train):
        best = _rank(splits.train, splits.validation, [pair for _, pair in best])
    return best[0]


def _rank(known: Samples, evaluated: Samples, pairs: list[tuple[float, float]]) -> list[Ranked]:
    """Every pair with its error in percent on the samples evaluated on, the best first; ties in the order given."""
    points = _points(known)
    within, across = squared_distances(points, points), squared_distances(_points(evaluated), points)
    labels, errors = torch.from_numpy(_labels(evaluated)), []
    for penalty, gamma in pairs:
        found = Svm(known, penalty, gamma, within).predict_by(across)
        errors.append(100 * (found != labels).double().mean().item())
    return sorted(zip(errors, pairs, strict=True), key=lambda item: item[0])


def _on_border(value: float, tried: tuple[float, ...]) -> bool:
    return len(tried) > 1 and value in (min(tried), max(tried))


def _join(first: Samples, second: Samples) -> Samples:
    labels = torch.from_numpy(np.concatenate([_labels(first), _labels(second)]))
    return Samples(torch.cat([first.data, second.data]), labels)


def _points(samples: Samples) -> Tensor:
    return as_float(samples.data).flatten(1)


def _labels(samples: Samples) -> NDArray[np.int64]:
    if samples.labels is None:
        raise InputError(
            "A support vector machine classifies, but these samples have no labels. Choose a dataset with classes."
        )
    labels: NDArray[np.int64] = samples.labels.numpy()
    return labels
