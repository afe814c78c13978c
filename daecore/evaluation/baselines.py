"""Measure the baselines: tune them on validation pairs, evaluate them on the same test pairs as every model.

Knows the classical methods, the mean image, the linear map and the local posterior. Does not know models. The cost is
bounded: strengths are chosen on at most `TUNED` validation samples (`SLOW_TUNED` for methods that go image by image),
and those slow methods are evaluated on a fixed draw of at most `EVALUATED` test images, fewer when images are large.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_pairs, draw_positions, enlarge, evaluation_digest
from daecore.data.batch_source import Shape
from daecore.data.samples import Pairs, Samples, Splits, as_float
from daecore.evaluation.baseline import Baseline, Baselines, classical
from daecore.evaluation.classical import METHODS
from daecore.evaluation.linear import fit_linear
from daecore.evaluation.local_posterior import unfit_for_local_posterior
from daecore.evaluation.local_posterior_fit import fit_local_posterior
from daecore.stats.metrics import decibel, image_mse, squared_error

__all__ = ["Baseline", "Baselines", "evaluation_digest", "measure"]

TUNED = 200
SLOW_TUNED = 50
EVALUATED = 300
SLOW_VALUES = EVALUATED * 32 * 32  # slow methods see no more values than 300 small images have
SMALLEST_SIDE = 7  # the widest window of the classical methods
LINEAR_VALUES = 4096  # inputs; beyond, the covariance outgrows memory and minutes
SIZE = 1000

Restorer = Callable[[Tensor, Shape], Tensor]


def measure(splits: Splits, corruptor: Corruptor) -> Baselines:
    """Tune, fit and evaluate every baseline these samples allow.

    Points have only ``identity`` and ``linear``; the local posterior is for small, centred, grey pictures. What cannot
    be used is named with its reason in ``skipped``.

    Args:
        splits: The dataset: ``train`` fits, ``validation`` tunes, ``test`` evaluates.
        corruptor: What is to be undone.

    Returns:
        The baselines, scored on exactly the pairs that `draw_pairs` gives for each test group.
    """
    splits = splits.to("cpu")
    bench = _Bench.of(splits, corruptor)
    shape = splits.train.shape
    skipped: dict[str, str] = {}
    baselines = [bench.evaluate("identity", None, enlarge)]
    if len(shape) == 3:
        classical_ones, skipped = _evaluate_classical(bench)
        # Where the corruption shrinks images, doing nothing *is* bilinear enlargement: on ties it gives the name.
        baselines = [*classical_ones, *baselines] if bench.smaller else [*baselines, *classical_ones]
    mean_image, linear = None, None
    if len(shape) == 3 and (reason := _unfit(splits)):
        skipped["mean_image"] = reason
    elif len(shape) == 3:
        mean_image = _mean(splits.train)
        baselines.append(bench.evaluate("mean_image", None, partial(_repeat, mean_image)))
    if reason := _unfit(splits) or _too_large(bench.validation):
        skipped["linear"] = reason
    else:
        linear, ridge = fit_linear(splits.train, bench.validation, corruptor)
        baselines.append(bench.evaluate("linear", ridge, linear))
    local = None
    if reason := _unfit(splits) or unfit_for_local_posterior(splits.train):
        skipped["local_posterior"] = reason
    else:
        local = fit_local_posterior(splits.train, bench.validation, corruptor)
        baselines.append(bench.evaluate("local_posterior", local.window, local, slow=True))
    return Baselines(tuple(baselines), evaluation_digest(bench.test), skipped, linear, mean_image, local)


@dataclass(frozen=True)
class _Bench:
    """The pairs that tune and the pairs that evaluate."""

    validation: Pairs
    test: tuple[Pairs, ...]

    @classmethod
    def of(cls, splits: Splits, corruptor: Corruptor) -> "_Bench":
        chosen = draw_positions(len(splits.validation), TUNED, "tuning", splits.validation.digest)
        validation = draw_pairs(splits.validation.select(chosen), corruptor)
        return cls(validation, tuple(draw_pairs(group, corruptor) for group in splits.test))

    @property
    def smaller(self) -> bool:
        """Whether the corruption shrinks its images."""
        return self.validation.corrupted.shape[1:] != self.validation.clean.shape

    @property
    def subset(self) -> Tensor:
        """Where slow methods are evaluated: int64, ascending, among all test samples."""
        values = max(math.prod(pairs.clean.shape) for pairs in self.test)
        wanted = min(EVALUATED, max(8, SLOW_VALUES // values))
        return draw_positions(sum(map(len, self.test)), wanted, "judging", *(it.clean.digest for it in self.test))

    def evaluate(self, name: str, strength: float | None, restore: Restorer, slow: bool = False) -> Baseline:
        """Score a restorer on the test pairs."""
        index = self.subset if slow else torch.arange(sum(map(len, self.test)))
        first, parts = 0, []
        for pairs in self.test:
            inside = index[(index >= first) & (index < first + len(pairs))] - first
            parts.append(_mse(pairs, inside, restore))
            first += len(pairs)
        mse = torch.cat(parts)
        psnr_db = decibel(mse) if len(self.test[0].clean.shape) == 3 else mse[:0]
        return Baseline(name, strength, index.numpy(), psnr_db.numpy(), mse.numpy())


def _evaluate_classical(bench: _Bench) -> tuple[list[Baseline], dict[str, str]]:
    """The baselines that could be evaluated, and why the others could not."""
    side = min(min(pairs.clean.shape[-2:]) for pairs in (bench.validation, *bench.test))
    if side < SMALLEST_SIDE:
        return [], dict.fromkeys(METHODS, f"an image has a side of {side} pixels, and the methods need {SMALLEST_SIDE}")
    baselines = []
    for name, method in METHODS.items():
        strength = _tune(name, bench.validation)
        restore = partial(_classical, name, strength)
        baselines.append(bench.evaluate(name, strength, restore, slow=method.slow))
    return baselines, {}


def _tune(name: str, validation: Pairs) -> float:
    """The strength of highest mean PSNR on validation pairs."""
    method, count = METHODS[name], len(validation)
    index = torch.arange(min(count, SLOW_TUNED) if method.slow else count)  # in random order already

    def mean_db(strength: float) -> float:
        return decibel(_mse(validation, index, partial(_classical, name, strength))).mean().item()

    return max(method.strengths, key=mean_db)


def _mse(pairs: Pairs, index: Tensor, restore: Restorer) -> Tensor:
    """A restorer's error on each chosen pair, ``(K,)``: clipped for images, as it is for points."""
    shape = pairs.clean.shape
    error = image_mse if len(shape) == 3 else squared_error
    parts = [
        error(restore(pairs.corrupted[some], shape), as_float(pairs.clean.read(some))) for some in index.split(SIZE)
    ]
    return torch.cat(parts)


def _classical(name: str, strength: float, x: Tensor, shape: Shape) -> Tensor:
    return classical(name, x, strength, shape)


def _repeat(mean_image: Tensor, x: Tensor, shape: Shape) -> Tensor:
    return mean_image.expand(len(x), *shape)


def _mean(train: Samples) -> Tensor:
    """The mean sample, float32, summed in float64."""
    total = sum(batch.clean.double().sum(0) for batch in train.batches(SIZE))
    return (torch.as_tensor(total) / len(train)).float()


def _unfit(splits: Splits) -> str:
    """Why nothing learned from the training set fits the test samples; empty if it does."""
    others = sorted({group.shape for group in splits.test} - {splits.train.shape})
    return f"training samples are {splits.train.shape}, but test samples are {others}" if others else ""


def _too_large(pairs: Pairs) -> str:
    """Why the linear map would not fit in memory and minutes; empty if it does."""
    values = pairs.corrupted[0].numel()
    return f"a corrupted sample has {values} values, more than {LINEAR_VALUES}" if values > LINEAR_VALUES else ""
