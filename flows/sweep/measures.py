"""What a sweep compares by: which way is better, where the figure stands, and when figures may be compared at all."""

import math
import re
from collections.abc import Iterable

from daecore.data.label_draws import ALL
from daecore.errors import InputError, choices
from daecore.experiment.experiment import Experiment
from daecore.transfer.transfer import NAMES

VALIDATION = "validation_loss"
HIGHER = ("restored_db", "pooled_db", "ssim", "gain_db.mean", "gain_over_linear_db.mean", "gain_mse.mean")
LOSSES = (VALIDATION, "training.loss")
LOWER = (*LOSSES, "mse")
_ERROR = re.compile(r"error_percent\.(?P<initialisation>\w+)\.(?P<labels>\d+)")


def higher_is_better(measure: str) -> bool:
    """Whether more of it is better."""
    return measure in HIGHER


def require_measure(measure: str, base: Experiment) -> None:
    """Refuse a measure that no run of this experiment will have.

    Raises:
        InputError: There is none of this name, or the experiment trains no such classifier.
    """
    match = _ERROR.fullmatch(measure)
    if match is None and measure not in (*HIGHER, *LOWER):
        known = (*LOWER, *HIGHER, "error_percent.probe.100")
        raise InputError(f"No run has the measure {measure!r}. {choices(measure, known)}")
    if match is None:
        return
    if base.transfer is None:
        why = "the experiment's transfer is null"
    elif match["initialisation"] not in NAMES:
        why = choices(match["initialisation"], NAMES).rstrip(".")
    elif int(match["labels"]) not in base.transfer.labels and ALL not in base.transfer.labels:
        why = f"transfer.labels holds {', '.join(map(str, base.transfer.labels))}"
    else:
        return
    raise InputError(f"No run of this experiment has the measure {measure!r}: {why}.")


def comparable(measure: str, paths: Iterable[str]) -> bool:
    """Whether figures of experiments that differ in these places answer one question.

    A loss belongs to its data, corruption and objective; dB and squared errors to data and corruption; a classifier's
    error to the data alone.
    """
    if _ERROR.fullmatch(measure):
        evaluated_on = {"dataset"}
    elif measure in LOSSES:
        evaluated_on = {"dataset", "corruptions", "objective"}
    else:
        evaluated_on = {"dataset", "corruptions"}
    return not any(path.split(".")[0] in evaluated_on for path in paths)


def figure_of(run_id: str, measure: str) -> float:
    """A finished run's figure.

    Raises:
        InputError: The run has none.
    """
    from ..store import tracking

    data = tracking.client().get_run(run_id).data
    if measure == VALIDATION:
        history = tracking.history(data.tags["source_run"], measure)
        value = history[max(history)] if history else None
    else:
        value = data.metrics.get(measure)
    if value is None or not math.isfinite(value):
        known = [name for name in (*LOWER, *HIGHER, *sorted(data.metrics)) if name in data.metrics]
        raise InputError(f"The run {run_id[:12]} has no {measure}. It has: {', '.join(dict.fromkeys(known))}.")
    return float(value)


def caution(measure: str, paths: Iterable[str]) -> str:
    """The sentence that belongs beside a best configuration, or in its place; empty where none is needed."""
    if not comparable(measure, paths):
        return f"No best is told: the space changes the task: {measure} of different tasks cannot be compared."
    if measure in LOSSES:
        return ""
    return (
        f"Chosen by {measure}, a figure of the test set: the best one's figure is optimistic, for it was chosen by the "
        "data it is measured on. Evaluate the choice on other data, or choose by validation_loss."
    )
