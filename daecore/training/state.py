"""Training state: what changes while a network is trained, and all that a training needs to go on exactly.

Knows weights, an optimiser, the weight average and the best so far, and whether what was saved is of this training.
Does not train, and writes no file.
"""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from daecore.errors import CheckpointError
from daecore.model.weights import misfit, non_finite
from daecore.training.optimiser import AdamW
from daecore.training.world import World

NEVER_NEGATIVE = (".exp_avg_sq", ".step")  # of the optimiser's moments


@dataclass
class TrainingState:
    """All that a training needs to go on exactly: weights, optimiser, averages, and what was best.

    Tensors are live: save them before the loop goes on.
    """

    epoch: int
    weights: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    average: dict[str, Tensor]
    best: dict[str, Tensor]
    best_loss: float
    waited: int


class LiveTraining:
    """What changes while training: the optimiser's moments, the weight average, and the best weights so far.

    Args:
        model: Trained in place.
        optimiser: Of the same model.
        average: The decay of the weight average a step; 0: none.
        patience: Above 0, the best weights are kept.
    """

    def __init__(self, model: nn.Module, optimiser: AdamW, *, average: float, patience: int) -> None:
        self.raw, self.optimiser, self.decay = model, optimiser, average
        self.average = copy.deepcopy(model) if average else None
        self.best = copy.deepcopy(model) if patience else None
        self.epoch, self.waited, self.best_loss = 0, 0, math.inf

    @property
    def model(self) -> nn.Module:
        """The network one would use now."""
        return self.best or self.candidate

    @property
    def candidate(self) -> nn.Module:
        """The network as this epoch leaves it: what is evaluated on the validation samples."""
        return self.average or self.raw

    def step(self, rate: float, before: int) -> None:
        """One update of the weights and of their average.

        The average's decay grows to its value, as ``(1 + n) / (10 + n)`` after n steps: else the first weights, which
        are random, would weigh most in a training that is short beside ``1 / (1 - decay)`` steps.

        Args:
            rate: The learning rate.
            before: How many steps there were before this one.
        """
        self.optimiser.step(rate)
        if self.average is not None:
            decay = min(self.decay, (1 + before) / (10 + before))
            with torch.no_grad():
                averaged: list[Tensor] = list(self.average.parameters())
                torch._foreach_lerp_(averaged, list(self.raw.parameters()), 1 - decay)
                for ours, theirs in zip(self.average.buffers(), self.raw.buffers(), strict=True):
                    ours.copy_(theirs)  # statistics, such as BatchNorm's, are averages already

    def finish(self, epoch: int, held_out: float | None) -> None:
        """Note the epoch, and keep the weights if they are the best so far."""
        self.epoch = epoch
        if self.best is None or held_out is None:
            return
        self.waited = 0 if held_out < self.best_loss else self.waited + 1
        if self.waited == 0:
            self.best_loss = held_out
            self.best.load_state_dict(self.candidate.state_dict())

    def snapshot(self) -> TrainingState:
        """All of it, by name."""
        weights = [{} if model is None else model.state_dict() for model in (self.raw, self.average, self.best)]
        return TrainingState(
            self.epoch, weights[0], self.optimiser.moments, weights[1], weights[2], self.best_loss, self.waited
        )

    def restore(self, saved: TrainingState) -> None:
        """Go on from there.

        Raises:
            CheckpointError: It is of another training; nothing was changed.
        """
        require_same_training(saved, self.raw, average=self.average is not None, best=self.best is not None)
        models = ((self.raw, saved.weights), (self.average, saved.average), (self.best, saved.best))
        for model, weights in models:
            if model is not None:
                model.load_state_dict(weights)
        self.optimiser.restore(saved.optimiser)
        self.epoch, self.waited, self.best_loss = saved.epoch, saved.waited, saved.best_loss

    def follow_the_first(self, world: World) -> None:
        """Of several processes: begin, or go on, where the first one does."""
        models = [model for model in (self.raw, self.average, self.best) if model is not None]
        device = next(self.raw.parameters()).device
        world.follow_the_first(value for model in models for value in model.state_dict().values())
        world.follow_the_first(self.optimiser.moments.values())
        epoch, waited, self.best_loss = world.agree([self.epoch, self.waited, self.best_loss], device)
        self.epoch, self.waited = int(epoch), int(waited)


def require_same_training(saved: TrainingState, model: nn.Module, *, average: bool, best: bool) -> None:
    """Refuse a state that a training of this network cannot have left.

    Args:
        saved: As it came from a file.
        model: What is trained.
        average: Whether the training averages weights.
        best: Whether it keeps the best weights.

    Raises:
        CheckpointError: Names, shapes, types or values are others.
    """
    own: dict[str, Tensor] = model.state_dict()
    parts = {
        "weights": (saved.weights, own),
        "optimiser": (saved.optimiser, AdamW(model, 0).moments),
        "averaged weights": (saved.average, own if average else {}),
        "best weights": (saved.best, own if best else {}),
    }
    for what, (found, expected) in parts.items():
        wrong = misfit(found, expected) or _wrong_value(found, expected)
        if wrong:
            raise CheckpointError(f"The checkpoint is not of this training: of its tensors ({what}) {wrong}.")


def _wrong_value(found: dict[str, Tensor], expected: dict[str, Tensor]) -> str:
    name = non_finite(found, expected)
    if name:
        return f"{name!r} holds NaN or infinity"
    below = [name for name, value in found.items() if name.endswith(NEVER_NEGATIVE) and bool((value < 0).any())]
    return f"{below[0]!r} is negative" if below else ""
