"""World: the processes that train one network together. Alone, it does nothing.

Each process reads the whole batch and draws the corruption of all of it; of every call of the network it computes a
share of the rows, and is given what the others computed. So an objective sees the plain network and the whole batch,
whatever it draws and however it takes its mean, and the weights are those of one process but for rounding. A loss that
looks into the network, and a network that draws (dropout), are the exceptions.

Knows torch's collectives. How the processes come together is `joining`; does not know what is trained.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from daecore.errors import InputError
from daecore.training.shared_rows import SharedCalls

AGREEMENT = 1e-4  # of losses: machines may round differently

log = logging.getLogger("daecore")


@dataclass(frozen=True)
class World:
    """How many processes train together, and which of them this one is.

    Attributes:
        rank: From 0; the first one leads.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    @contextmanager
    def sharing(self, model: nn.Module) -> Iterator[None]:
        """A block in which each call of the network computes this process's rows and gives those of all.

        The first tensor that the network is given says how many rows there are. Every tensor among its arguments that
        has as many is cut; one within a tuple or a mapping is not.

        What is called beside the network (its encoder, its weights) is computed by every process. So is a batch with
        fewer rows than processes, and one for which a gradient is asked: `average_gradients` is right for what is
        shared and for what is not. It is wrong for a loss that holds gradients for weights, or what hooks have seen
        inside of the network: see `require_agreement`.

        Raises:
            InputError: In the block: the network gives something other than a tensor with a row for each of the batch.
        """
        if self.size == 1:
            yield
            return
        shared = SharedCalls(self.rank, self.size)
        hooks = [
            model.register_forward_pre_hook(shared.before, with_kwargs=True),
            model.register_forward_hook(shared.after),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def average_gradients(self, learning: Sequence[nn.Parameter]) -> None:
        """Give every process the mean of all gradients of what learns, in one message."""
        if self.size == 1:
            return
        # One that has none here may have one elsewhere, where other rows went another way through the network.
        found = [torch.zeros_like(p) if p.grad is None else p.grad for p in learning]
        flat = torch.cat([gradient.reshape(-1) for gradient in found])
        distributed.all_reduce(flat)
        flat /= self.size
        parts = flat.split([gradient.numel() for gradient in found])
        means = [part.view_as(gradient) for part, gradient in zip(parts, found, strict=True)]
        torch._foreach_copy_(found, means)
        for p, gradient in zip(learning, found, strict=True):
            if p.grad is None and bool(gradient.any()):
                p.grad = gradient

    def average_statistics(self, *models: nn.Module | None) -> None:
        """Give every process the mean of what networks have counted, as BatchNorm does of its share."""
        if self.size == 1:
            return
        for value in (value for model in models if model is not None for value in model.buffers()):
            if value.is_floating_point():
                distributed.all_reduce(value)
                value.div_(self.size)

    def follow_the_first(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors with the first process's."""
        if self.size == 1:
            return
        with torch.no_grad():
            for value in tensors:
                dense = value.contiguous()  # a copy where it has other strides
                distributed.broadcast(dense, 0)
                value.copy_(dense)

    def require_agreement(self, loss: float, device: torch.device) -> None:
        """Refuse a training whose processes have come to different losses: what they compute is not one training.

        Raises:
            InputError: They differ by more than rounding.
        """
        if self.size == 1:
            return
        both = torch.tensor([loss, -loss], dtype=torch.float64, device=device)
        distributed.all_reduce(both, distributed.ReduceOp.MAX)
        most, least = both[0].item(), -both[1].item()
        if most - least > AGREEMENT * max(abs(most), abs(least)):
            raise InputError(
                f"The {self.size} processes of the training have come to different losses, from {least:g} to {most:g}: "
                "the objective looks at gradients for weights, or at what happens inside of the network, of which each "
                "process sees its share of the batch. Train it with training.devices=1."
            )

    def agree(self, numbers: Sequence[float], device: torch.device) -> list[float]:
        """The first process's numbers, of all kinds of which a float64 is exact."""
        if self.size == 1:
            return list(numbers)
        told = torch.tensor(numbers, dtype=torch.float64, device=device)
        distributed.broadcast(told, 0)
        found: list[float] = told.tolist()
        return found


ALONE = World()
"""A process that trains by itself."""


def tell_of_statistics(model: nn.Module, world: World) -> None:
    """Warn of layers that look at the whole batch and are given a share of it."""
    layers = [name for name, layer in model.named_modules() if isinstance(layer, _BatchNorm)]
    if world.size > 1 and world.leads and layers:
        log.warning(
            "the network normalises over the batch (%s), and each of %d processes sees its share of it: its weights "
            "are not those of one process. GroupNorm and LayerNorm look at single samples.",
            layers[0], world.size,
        )  # fmt: skip
