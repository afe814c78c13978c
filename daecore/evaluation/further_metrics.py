"""Further metrics of an evaluation: what plugins say of restored samples, sample by sample, beside the corrupted ones.

Knows metrics by their specs, and tensors. Does not know networks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from daecore.corruption.pairs import enlarge
from daecore.errors import InputError, NonFiniteError
from daecore.plugin.kinds import Metric
from daecore.plugin.spec import Spec
from daecore.rng import stream
from daecore.stats.intervals import Interval, bootstrap

COLUMN, BEFORE = "metric.", "corrupted.metric."  # how the columns of scores begin


class MetricScore(BaseModel):
    """What a further metric says.

    Attributes:
        unit: Of its values; empty: they have none.
        higher_is_better: Which of two is the better one.
        restored: Of the restored samples, with its interval over them.
        corrupted: Of the samples as they came, enlarged where they were smaller; None where shapes differ.
        gain: How much better the restored ones are, paired, so that more is better; None likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    unit: str
    higher_is_better: bool
    restored: Interval
    corrupted: Interval | None = None
    gain: Interval | None = None


def measure(metrics: Sequence[Spec[Metric]], corrupted: Tensor, restored: Tensor, clean: Tensor) -> dict[str, Tensor]:
    """What metrics say of one batch, ``(B,)`` each, under ``metric.NAME`` and ``corrupted.metric.NAME``.

    Args:
        metrics: Which.
        corrupted: float32 ``(B, ...)``; images are enlarged to the clean ones' size.
        restored: float32 ``(B, *shape)``.
        clean: float32 ``(B, *shape)``.

    Raises:
        InputError: A metric gives something else than a value for each sample.
        NonFiniteError: A value of a metric is NaN or infinite.
    """
    found = {}
    given = enlarge(corrupted, tuple(clean.shape[1:])) if clean.ndim == 4 else corrupted
    for metric in metrics:
        found[f"{COLUMN}{metric.name}"] = _values(metric, restored, clean)
        if given.shape == clean.shape:
            found[f"{BEFORE}{metric.name}"] = _values(metric, given, clean)
    return found


def summarise(metric: Spec[Metric], scores: Mapping[str, NDArray[Any]]) -> MetricScore:
    """The means of a metric, with intervals over samples.

    Args:
        metric: Which.
        scores: Per sample, ``(N,)`` each, by column.
    """
    extension = metric.extension
    after, before = scores[f"{COLUMN}{metric.name}"], scores.get(f"{BEFORE}{metric.name}")
    sign = 1 if extension.higher_is_better else -1
    return MetricScore(
        unit=extension.unit,
        higher_is_better=extension.higher_is_better,
        restored=_interval(after, metric),
        corrupted=None if before is None else _interval(before, metric),
        gain=None if before is None else _interval(sign * (after - before), metric),
    )


def _interval(values: NDArray[Any], metric: Spec[Metric]) -> Interval:
    return bootstrap(values, generator=stream(0, "bootstrap", metric.name))


def _values(metric: Spec[Metric], restored: Tensor, clean: Tensor) -> Tensor:
    values = metric.extension.function(restored, clean, metric.options)
    if not isinstance(values, Tensor) or values.shape != clean.shape[:1] or not values.is_floating_point():
        came = f"{values.dtype} {tuple(values.shape)}" if isinstance(values, Tensor) else f"a {type(values).__name__}"
        raise InputError(
            f"The metric {metric.name} must give a float for each of {len(clean)} samples, a tensor ({len(clean)},); "
            f"it gave {came}."
        )
    if not values.isfinite().all():
        count = int((~values.isfinite()).sum())
        raise NonFiniteError(f"The metric {metric.name} gave NaN or infinity for {count} of {len(clean)} samples.")
    return values.float()
