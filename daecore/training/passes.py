"""Passes over the samples: permute, slice, loss, backward, step, schedule; and the loss on samples that are held out.

Knows models, objectives, samples and the processes that share a batch. Does not know which pass is the last one, nor
what is kept of them: that is `daecore.training.loop`.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from daecore import rng
from daecore.data.samples import Batch, Samples
from daecore.device import autocast
from daecore.errors import NonFiniteError
from daecore.training.loss import Loss
from daecore.training.optimiser import trained_parameters
from daecore.training.options import TrainingOptions
from daecore.training.room import name_a_batch_that_fits
from daecore.training.schedule import rate
from daecore.training.state import LiveTraining
from daecore.training.world import World


class Passes:
    """One pass over the samples, and what it is worth on others.

    Args:
        state: Of the training; steps change it.
        objective: What is minimised.
        samples: The training set.
        options: How it is trained.
        seed: Names the streams.
        precision: In which the network computes.
        world: The processes that share each batch.
    """

    def __init__(
        self, state: LiveTraining, objective: Loss, samples: Samples, options: TrainingOptions, seed: int,
        precision: str, world: World,
    ) -> None:  # fmt: skip
        self.state, self.objective, self.samples, self.options = state, objective, samples, options
        self.seed, self.precision, self.world, self.device = seed, precision, world, samples.device
        model = state.raw
        self.model: nn.Module = torch.compile(model) if options.compile else model  # type: ignore[assignment]
        self.learning = list(trained_parameters(model).values())
        self.steps = math.ceil(len(samples) / options.batch)

    def train(self, number: int) -> Tensor:
        """The losses of its steps, float32 ``(steps,)``; nothing waits for the device."""
        options, world = self.options, self.world
        self.state.raw.train()
        losses = torch.empty(self.steps, device=self.device)  # kept one by one, they leave holes in memory
        most = min(options.batch, len(self.samples))
        with (
            name_a_batch_that_fits(self.state.raw, most, world.size, self._try_step),
            world.sharing(self.model),
        ):
            for step, (name, index) in enumerate(_batches(self.samples, options, self.seed, number)):
                batch = self.samples.batch(index, number)
                losses[step] = self._backward(batch, rng.stream(self.seed, "noise", *name, device=self.device))
                world.average_gradients(self.learning)
                before = (number - 1) * self.steps + step  # steps of the whole training
                part = before / (options.epochs * self.steps)
                self.state.step(rate(options.schedule, options.learning_rate, part), before)
        return losses

    @torch.no_grad()
    def validate(self, validation: Samples) -> float:
        """The mean loss on other samples, with the same noise after every epoch; of several processes the first's.

        Raises:
            NonFiniteError: It is not finite.
        """
        model, total = self.state.candidate.eval(), torch.zeros((), device=validation.device)
        with self.world.sharing(model):
            for number, batch in enumerate(validation.batches(self.options.batch)):
                generator = rng.stream(self.seed, "validation", number, device=validation.device)
                with autocast(validation.device, self.precision):
                    total += self.objective(model, batch, generator) * len(batch.index)
        mean = 0.0 if total.device.type == "meta" else total.item() / len(validation)
        if not math.isfinite(mean):
            raise NonFiniteError(
                f"The validation loss became {mean}. Training has stopped; the last checkpoint is intact. Lower "
                "training.learning_rate, or try training.precision=float32."
            )
        return self.world.agree([mean], self.device)[0]

    def _backward(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """The loss of a batch, whose gradients are added to the network's."""
        with autocast(self.device, self.precision):
            loss = self.objective(self.model, batch, generator)
        loss.backward()
        return loss.detach()

    def _try_step(self, count: int) -> None:
        batch = self.samples.batch(torch.arange(count, device=self.samples.source.home))
        self._backward(batch, rng.stream(self.seed, "room", device=self.device))


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
