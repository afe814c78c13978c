"""The one training loop: permute, slice, loss, backward, step, schedule.

Knows models, objectives and samples. Does not know what is learnt, who watches, or where
checkpoints lie: it yields an `Epoch` after each pass, and the caller logs, saves or breaks.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from daecore import rng
from daecore.data.samples import Batch, Samples
from daecore.device import autocast, resolve_device
from daecore.errors import NonFiniteError
from daecore.plugin.options import Options
from daecore.training.allocator import keep_freed_memory
from daecore.training.loss import Loss
from daecore.training.optimiser import AdamW
from daecore.training.room import name_a_batch_that_fits
from daecore.training.schedule import Schedule, rate
from daecore.training.state import LiveTraining, TrainingState
from daecore.training.trainable import require_trainable
from daecore.training.world import ALONE, World, tell_of_statistics


class TrainingOptions(Options):
    """How a network is trained."""

    epochs: int = Field(default=5, ge=1, le=10_000, description="passes over the training set")
    batch: int = Field(default=128, ge=1, le=65_536, description="samples a step")
    learning_rate: float = Field(default=2e-3, gt=0, le=10, description="AdamW's highest learning rate")
    weight_decay: float = Field(default=1e-4, ge=0, le=10, description="AdamW's decoupled weight decay")
    schedule: Schedule = Field(
        default="one_cycle", description="learning rate over the steps: warm-up and cosine, cosine alone, or constant"
    )
    layer_decay: float = Field(
        default=1, gt=0, le=1, description="the rate of each layer beside that of the next one; 1: all learn alike"
    )
    noise: Literal["fresh", "once"] = Field(
        default="fresh", description="a new corruption in each epoch, or one per sample for ever"
    )
    average: float = Field(default=0, ge=0, lt=1, description="decay of the weight average (EMA) a step; 0: none")
    patience: int = Field(default=0, ge=0, le=10_000, description="epochs without a better validation loss; 0: all run")
    precision: Literal["auto", "float32", "bf16"] = Field(default="auto", description="bf16 autocast or float32")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where the training runs")
    threads: int = Field(default=0, ge=0, le=1024, description="CPU threads; 0: as many as pay and are free")
    devices: int = Field(default=1, ge=1, le=1024, description="processes that share each batch: one a GPU, or on CPUs")
    compile: bool = Field(default=False, description="torch.compile the model; pays on a GPU and long runs")


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
    step_model: nn.Module = torch.compile(model) if options.compile else model  # type: ignore[assignment]
    steps, most = math.ceil(len(samples) / options.batch), min(options.batch, len(samples))

    def try_step(count: int) -> None:
        batch = samples.batch(torch.arange(count, device=samples.source.home))
        _backward(objective, step_model, batch, rng.stream(seed, "room", device=device), precision)

    for number in range(state.epoch + 1, options.epochs + 1):
        if options.patience and state.waited >= options.patience:
            break
        began = time.perf_counter()
        model.train()
        losses = torch.empty(steps, device=device)  # one tensor: kept one by one, they leave holes in memory
        with name_a_batch_that_fits(model, most, world.size, try_step), world.sharing(step_model):
            for step, (name, index) in enumerate(_batches(samples, options, seed, number)):
                batch = samples.batch(index, number)
                generator = rng.stream(seed, "noise", *name, device=device)
                losses[step] = _backward(objective, step_model, batch, generator, precision)
                world.average_gradients(model)
                before = (number - 1) * steps + step  # steps of the whole training
                state.step(rate(options.schedule, options.learning_rate, before / (options.epochs * steps)), before)
        mean = _finite_mean(losses, optimiser, number)  # the epoch's only wait for the device
        world.require_agreement(mean, device)
        seconds = time.perf_counter() - began
        world.average_statistics(model, state.average)
        held_out = None
        if validation is not None:
            with world.sharing(state.candidate):
                held_out = _validate(state.candidate, objective, validation, options, seed, precision)
            [held_out] = world.agree([held_out], device)
        state.finish(number, held_out)
        yield Epoch(number, mean, held_out, seconds, len(samples) / seconds, state.model, state.snapshot())
    if state.model is not model:
        model.load_state_dict(state.model.state_dict())
    model.eval()


def _backward(objective: Loss, model: nn.Module, batch: Batch, generator: torch.Generator, precision: str) -> Tensor:
    """The loss of a batch, whose gradients are added to the network's."""
    with autocast(batch.clean.device, precision):
        loss = objective(model, batch, generator)
    loss.backward()
    return loss.detach()


def _batches(
    samples: Samples, options: TrainingOptions, seed: int, epoch: int
) -> Iterator[tuple[tuple[int, int], Tensor]]:
    """The epoch's batches: the name of each one's noise stream, and its positions, where samples are looked up.

    With ``noise: once`` the same batches come in another order, each with its own noise for ever.
    """
    fixed = options.noise == "once"
    order = rng.stream(seed, "order", 0 if fixed else epoch, device=samples.device)
    parts = _permutation(len(samples), order, samples.device).to(samples.source.home).split(options.batch)
    if not fixed:
        yield from (((epoch, step), part) for step, part in enumerate(parts))
        return
    for index in torch.randperm(len(parts), generator=rng.stream(seed, "batches", epoch)).tolist():
        yield (0, index), parts[index]


def _permutation(count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    # The meta device has no generator of its own: draw on the CPU, then move.
    return torch.randperm(count, generator=generator, device=generator.device).to(device)


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


@torch.no_grad()
def _validate(
    model: nn.Module, objective: Loss, validation: Samples, options: TrainingOptions, seed: int, precision: str
) -> float:
    """The mean loss on the validation set, with the same noise after every epoch."""
    model.eval()
    total = torch.zeros((), device=validation.device)
    for number, batch in enumerate(validation.batches(options.batch)):
        generator = rng.stream(seed, "validation", number, device=validation.device)
        with autocast(validation.device, precision):
            total += objective(model, batch, generator) * len(batch.index)
    mean = 0.0 if total.device.type == "meta" else total.item() / len(validation)
    if not math.isfinite(mean):
        raise NonFiniteError(
            f"The validation loss became {mean}. Training has stopped; the last checkpoint is intact. Lower "
            "training.learning_rate, or try training.precision=float32."
        )
    return mean
