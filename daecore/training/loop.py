"""The one training loop: permute, slice, loss, backward, step, schedule.

Knows models, objectives and samples. Does not know what is learnt, who watches, or where
checkpoints lie: it yields an `Epoch` after each pass, and the caller logs, saves or breaks.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from daecore.data.samples import Samples
from daecore.device import resolve_device
from daecore.errors import NonFiniteError
from daecore.training.allocator import keep_freed_memory
from daecore.training.loss import Loss
from daecore.training.optimiser import AdamW
from daecore.training.options import TrainingOptions
from daecore.training.passes import Passes
from daecore.training.state import LiveTraining, TrainingState
from daecore.training.trainable import require_trainable
from daecore.training.world import ALONE, World, tell_of_statistics


@dataclass(frozen=True)
class Epoch:
    """What one pass gave.

    Attributes:
        number: From 1.
        loss: The mean training loss.
        validation_loss: The mean loss on the validation set, or None.
        seconds: The pass's duration, validation left out.
        images_per_second: Samples trained on, a second.
        model: The network one would use now: the best so far, averaged, or as trained.
        state: What a checkpoint keeps.
    """

    number: int
    loss: float
    validation_loss: float | None
    seconds: float
    images_per_second: float
    model: nn.Module
    state: TrainingState


def fit(
    model: nn.Module,
    objective: Loss,
    samples: Samples,
    options: TrainingOptions,
    *,
    seed: int,
    validation: Samples | None = None,
    resume: TrainingState | None = None,
    world: World = ALONE,
) -> Iterator[Epoch]:
    """Train ``model`` in place, where the samples lie; after the last epoch it holds the weights to use.

    Every random number comes from a stream named by seed, epoch and step, so that a run resumed after
    any epoch is bit-equal on the CPU to one that never stopped (same machine, versions and threads).
    Within an epoch nothing waits for the device.

    Args:
        model: The network; moved to the samples' device.
        objective: ``(model, batch, generator) -> scalar loss``.
        samples: The training set, whole, on its device.
        options: Epochs, batch, rates, precision.
        seed: Names the streams.
        validation: What is evaluated on after each epoch; needed for ``patience``.
        resume: The state to go on from; of several processes the first one's counts.
        world: The processes that share each batch. All of them call this with the same arguments.

    Raises:
        InputError: The network, or torch's default type, is not float32; samples are none, or hold NaN; a step does
            not fit into the device's memory.
        CheckpointError: The state is of another training.
        NonFiniteError: A loss or a weight was NaN or infinite; the message names epoch and step.
    """
    require_trainable(model, samples, validation, patience=options.patience > 0)
    keep_freed_memory()
    device = samples.device
    precision = resolve_device(device.type, options.precision).precision
    layout = torch.channels_last if len(samples.shape) == 3 else torch.preserve_format
    model.to(device, memory_format=layout)  # type: ignore[call-overload]
    optimiser = AdamW(model, options.weight_decay, layer_decay=options.layer_decay)
    state = LiveTraining(model, optimiser, average=options.average, patience=options.patience)
    if resume is not None:
        state.restore(resume)
    state.follow_the_first(world)
    tell_of_statistics(model, world)
    passes = Passes(state, objective, samples, options, seed, precision, world)

    for number in range(state.epoch + 1, options.epochs + 1):
        if options.patience and state.waited >= options.patience:
            break
        began = time.perf_counter()
        mean = _finite_mean(passes.train(number), optimiser, number)  # the epoch's only wait for the device
        world.require_agreement(mean, device)
        seconds = time.perf_counter() - began
        world.average_statistics(model, state.average)
        held_out = None if validation is None else passes.validate(validation)
        state.finish(number, held_out)
        yield Epoch(number, mean, held_out, seconds, len(samples) / seconds, state.model, state.snapshot())
    if state.model is not model:
        model.load_state_dict(state.model.state_dict())
    model.eval()


def _finite_mean(losses: Tensor, optimiser: AdamW, epoch: int) -> float:
    """The mean of the epoch's losses; the first one that is not finite ends the training, and so does a weight."""
    if losses.device.type == "meta":
        return 0.0
    mean, largest = (float(value) for value in torch.stack([losses.mean(), optimiser.largest_weight]).tolist())
    if math.isfinite(mean) and math.isfinite(largest):
        return mean
    wrong = (~torch.isfinite(losses)).nonzero().flatten().tolist()
    said = (
        f"The loss became {losses[wrong[0]].item()} in epoch {epoch}, step {wrong[0] + 1}."
        if wrong
        else f"A weight became {largest} in the last step of epoch {epoch}."
    )
    raise NonFiniteError(
        f"{said} Training has stopped; the last checkpoint is intact. Lower training.learning_rate, try "
        "training.precision=float32, or look for NaN in the data."
    )
