"""Fine-tuning: a classifier trained on few or many labels by the one loop, and what validation makes of it.

Knows modules, labelled samples and the loop. Does not know encoders, draws of labels or the test set.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from daecore.data.samples import Samples
from daecore.device import Precision
from daecore.stats.metrics import error_percent
from daecore.training.checkpoint import tensors_digest
from daecore.training.loop import fit
from daecore.training.loss import Loss, classification
from daecore.training.options import TrainingOptions
from daecore.transfer.classifier import evaluate, moments

PASSES = 10  # over a small set, repeated until it fills a tenth of the steps: an epoch is worth its overhead


@dataclass(frozen=True)
class ValidationCheck:
    """What validation said of the weights that were kept.

    Attributes:
        epoch: The pass after which they were, from 1.
        epochs: How many there were.
        error_percent: The error on the validation set; None where nobody looked.
    """

    epoch: int
    epochs: int
    error_percent: float | None


def train_classifier(
    model: nn.Module,
    samples: Samples,
    training: TrainingOptions,
    *,
    steps: int,
    seed: int,
    objective: Loss = classification,
    validation: Samples | None = None,
    validation_checks: int = 1,
) -> ValidationCheck:
    """Train in place; of the weights that validation has looked at, the latest with the fewest errors stay.

    Args:
        model: ``(B, *shape) -> (B, classes)``.
        samples: Labelled; a small set is repeated within an epoch, so that an epoch is many steps.
        training: Batch and rates; its epochs follow from the steps.
        steps: At least so many; whole passes are made.
        seed: Names the training's streams.
        objective: What is minimised.
        validation: Labelled; None: the last weights stay.
        validation_checks: How often validation is looked at, evenly spread, the last time at the end.
    """
    whole = repeat(samples, math.ceil(steps * training.batch / PASSES))
    epochs = epochs_for(steps, training.batch, len(whole))
    checks = range(1, validation_checks + 1) if validation else ()
    checked_after = {math.ceil(epochs * number / validation_checks) for number in checks}
    best, kept = ValidationCheck(epochs, epochs, None), dict[str, Tensor]()
    precision: Precision = "bf16" if training.precision == "bf16" else "float32"
    for epoch in fit(model, objective, whole, training.model_copy(update={"epochs": epochs}), seed=seed):
        if epoch.number in checked_after and validation is not None:
            error = evaluate(epoch.model, (validation,), precision)
            if best.error_percent is None or error <= best.error_percent:
                best = ValidationCheck(epoch.number, epochs, error)
                kept = {name: value.clone() for name, value in epoch.model.state_dict().items()}
    if kept:
        model.load_state_dict(kept)
    return best


def repeat(samples: Samples, count: int) -> Samples:
    """The samples as often as it takes to come nearest to this many, at least once."""
    times = max(1, round(count / len(samples)))
    return samples if times == 1 else samples.select(torch.arange(len(samples), device=samples.device).repeat(times))


def epochs_for(steps: int, batch: int, count: int) -> int:
    """How many whole passes over ``count`` samples make at least this many steps."""
    return math.ceil(steps / math.ceil(count / batch))


def linear_layer(inputs: int, classes: int, seed: int) -> nn.Linear:
    """A linear layer whose first weights the seed decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Linear(inputs, classes)


def probe_codes(codes: Samples, evaluated: Samples, classes: int, training: TrainingOptions, *, seed: int) -> float:
    """The error in percent, on other codes, of a linear layer trained on standardised codes.

    Args:
        codes: float32 ``(N, F)`` with labels, to train on; centre and scale are theirs.
        evaluated: float32 ``(M, F)`` with labels, to be evaluated on.
        classes: The number of classes.
        training: Its epochs and rate; always in float32.
        seed: Names the training's streams and the layer's first weights.
    """
    centre, scale = moments(codes.data)
    layer = linear_layer(codes.data.shape[1], classes, seed)
    ready, tested = ((it.data - centre) / scale for it in (codes, evaluated))
    options = training.model_copy(update={"precision": "float32"})
    for _ in fit(layer, classification, Samples(ready, codes.labels), options, seed=seed):
        pass
    with torch.inference_mode():
        return error_percent(layer(tested), evaluated.labels).item()  # type: ignore[arg-type]


def weights_digest(model: nn.Module) -> str:
    """SHA-256 of a classifier's weights."""
    return tensors_digest(model.state_dict())
