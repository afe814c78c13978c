"""Measure the referees: tune them on validation pairs, judge them on the same test pairs as every model.

Knows the classical methods, the linear map and the mean image. Does not know models. The cost is bounded:
strengths are chosen on at most `TUNED` validation samples (`SLOW_TUNED` for methods that go image by image),
and those slow methods are judged on a fixed draw of at most `JUDGED` test images, fewer when images are large.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from daecore.classical import METHODS, Method
from daecore.corruption import Corruptor
from daecore.linear import LinearMap, fit_linear
from daecore.metrics import decibel, image_mse, squared_error
from daecore.pairs import draw_pairs, draw_positions
from daecore.referee import Referee, Referees, classical
from daecore.samples import Pairs, Shape, Splits, as_float
from daecore.spec import digest

__all__ = ["Referee", "Referees", "evaluation_digest", "measure"]

TUNED = 200
SLOW_TUNED = 50
JUDGED = 300
SLOW_VALUES = JUDGED * 32 * 32  # slow methods see no more values than 300 small images have
SMALLEST_SIDE = 7  # the widest window of the classical methods
LINEAR_VALUES = 4096  # inputs; beyond, the covariance outgrows memory and minutes
SIZE = 1000

Restorer = Callable[[Tensor, Shape], Tensor]


def evaluation_digest(splits: Splits, corruptor: Corruptor) -> str:
    """SHA-256 that names the test pairs: two runs with one digest were judged on the very same noise."""
    return digest(["evaluation", *(group.digest for group in splits.test), corruptor.digest])


def measure(splits: Splits, corruptor: Corruptor) -> Referees:
    """Tune, fit and judge every referee these samples allow.

    Points have only ``identity`` and ``linear``. What cannot be used is named with its reason in ``skipped``.

    Args:
        splits: The dataset: ``train`` fits, ``validation`` tunes, ``test`` judges.
        corruptor: What is to be undone.

    Returns:
        The referees, scored on exactly the pairs that `draw_pairs` gives for each test group.
    """
    splits = splits.to("cpu")
    bench = _Bench.of(splits, corruptor)
    shapes = {group.shape for group in splits.test}
    images = all(len(shape) == 3 for shape in shapes)
    skipped: dict[str, str] = {}
    learned = _judge_learned(splits, corruptor, bench, skipped)
    judged = _judge_classical(bench, skipped) if images else []
    return replace(learned, referees=(*judged, *learned.referees))


@dataclass(frozen=True)
class _Bench:
    """The pairs that tune and the pairs that judge."""

    validation: Pairs
    test: tuple[Pairs, ...]

    @classmethod
    def of(cls, splits: Splits, corruptor: Corruptor) -> "_Bench":
        positions = draw_positions(len(splits.validation), TUNED, "tuning", splits.validation.digest)
        validation = draw_pairs(splits.validation.select(positions), corruptor)
        return cls(validation, tuple(draw_pairs(group, corruptor) for group in splits.test))

    @property
    def smaller(self) -> bool:
        """Whether the corruption shrinks its images."""
        return any(pairs.corrupted.shape != pairs.clean.data.shape for pairs in self.test)

    @property
    def positions(self) -> Tensor:
        """Where slow methods are judged: int64, ascending, among all test samples."""
        values = max(pairs.clean.data[0].numel() for pairs in self.test)
        wanted = min(JUDGED, max(8, SLOW_VALUES // values))
        return draw_positions(sum(map(len, self.test)), wanted, "judging", *(it.clean.digest for it in self.test))

    def judge(self, name: str, strength: float | None, restore: Restorer, start: float, slow: bool = False) -> Referee:
        """Score a restorer on the test pairs."""
        total = sum(map(len, self.test))
        index = self.positions if slow else torch.arange(total)
        ends = np.cumsum([len(pairs) for pairs in self.test]).tolist()
        parts = []
        for pairs, end in zip(self.test, ends, strict=True):
            first = end - len(pairs)
            parts.append(_errors(pairs, index[(index >= first) & (index < end)] - first, restore))
        mse = torch.cat(parts)
        psnr_db = decibel(mse) if len(self.test[0].clean.shape) == 3 else mse[:0]
        return Referee(name, strength, index.numpy(), psnr_db.numpy(), mse.numpy(), time.perf_counter() - start)


def _judge_classical(bench: _Bench, skipped: dict[str, str]) -> list[Referee]:
    """`bilinear` comes before `identity`: where the corruption shrinks images the two are one, and it names it."""
    methods: dict[str, Method | None] = {"identity": None, **METHODS}
    if bench.smaller:
        methods = {"bilinear": None} | methods
        del methods["identity"]
    side = min(min(pairs.clean.shape[-2:]) for pairs in bench.test)
    referees = []
    for name, method in methods.items():
        start = time.perf_counter()
        if method is not None and side < SMALLEST_SIDE:
            skipped[name] = f"an image is only {side} pixels wide or high, and it needs {SMALLEST_SIDE}"
            continue
        strength = None if method is None else _tune(name, method, bench.validation)
        restore = _restorer(name, strength)
        referees.append(bench.judge(name, strength, restore, start, slow=method is not None and method.slow))
    return referees
