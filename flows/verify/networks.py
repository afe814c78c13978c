"""Networks that were trained again, beside those of the run: their weights, and the loss of each epoch."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from daecore.trained.model_file import ModelHeader
from daecore.training.checkpoint import load_tensors

from ..store import tracking
from ..store.model_ref import ModelRef
from ..store.store import Store
from .again import Again, Trained
from .comparison import compare_arrays, compare_weights, tolerance_of
from .kept import Kept
from .record import Compared


def compare_networks(kept: Kept, again: Again, store: Store) -> Iterator[Compared]:
    """Each network that was trained again, the run's own first, then its control; of a stack layer by layer."""
    for control, whole in ((False, kept.model), (True, kept.control())):
        trained = [one for one in again.trained if ("control" in one.name) == control]
        for one, ref in zip(trained, _counterparts(kept, whole, len(trained)), strict=True):
            if ref is not None:
                yield from _compare(one, ref, kept, again, store)


def _counterparts(kept: Kept, whole: ModelRef | None, count: int) -> Sequence[ModelRef | None]:
    """The run's networks in the order of those that were trained again; None for each that is not known."""
    layers = kept.layers(whole) if count > 1 else []
    below = layers if len(layers) == count - 1 else [None] * (count - 1)
    return [*below, whole][:count]


def _compare(one: Trained, ref: ModelRef, kept: Kept, again: Again, store: Store) -> Iterator[Compared]:
    intact = ref.weights.intact(store)
    before = load_tensors(ref.weights.absolute(store), ModelHeader)[0] if intact else None
    near = tolerance_of(kept.computed(one.name), again.computed.get(one.name, {}))
    digests = (ref.summary.weights_sha256, one.sha256)
    yield compare_weights(f"weights.{one.name}", before, one.weights, digests, near)
    history = tracking.history(ref.run_id, "loss") if one.losses else {}
    if history:
        then, now = np.array([history[step] for step in sorted(history)]), np.array(one.losses)
        (found,) = compare_arrays({one.name: then}, {one.name: now}, "loss", near)
        yield found.model_copy(update={"remark": _first_epoch(then, now)})


def _first_epoch(then: NDArray[np.float64], now: NDArray[np.float64]) -> str:
    """From which epoch on two trainings differ."""
    if len(then) != len(now):
        return f"{len(then)} epochs then, {len(now)} now"
    unequal = np.flatnonzero(then != now)
    return f"equal up to epoch {unequal[0]} of {len(then)}" if len(unequal) else ""
