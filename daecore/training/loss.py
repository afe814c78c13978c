"""Loss: what training minimises: a callable from model, batch and generator to a scalar.

The loop never learns which noise or which loss is used; the loss draws its own corruption. Does not know the plugins
that make losses: those are objectives (`daecore.plugin.kinds.Objective`).
"""

from dataclasses import replace
from typing import Protocol

from torch import Generator, Tensor, nn
from torch.nn import functional as F

from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import Batch
from daecore.errors import InputError


class Loss(Protocol):
    """``loss(model, batch, generator)`` is a finite, differentiable scalar."""

    def __call__(self, model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        """The loss of one batch."""
        ...


def comparable(restored: Tensor, target: Tensor) -> Tensor:
    """What a network restores, as float32, to be compared with a target value by value.

    Args:
        restored: ``(B, *shape)``, of any float type.
        target: ``(B, *shape)``.

    Raises:
        InputError: Their shapes differ: torch would repeat the one along the other, and give a loss all the same.
    """
    if restored.shape != target.shape:
        raise InputError(
            f"The objective compares what the network restores, {tuple(restored.shape)}, with a target of "
            f"shape {tuple(target.shape)}. Take a network that restores the target's shape."
        )
    return restored.float()


def classification(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
    """Cross-entropy of ``model(clean)`` ``(B, classes)`` against the labels, in nats."""
    labels = batch.labels
    if labels is None:
        raise InputError("A classifier learns from labels, and these samples have none: Samples(data, labels).")
    return F.cross_entropy(model(batch.clean).float(), labels)


def augmented_classification(augmentation: Corruptor) -> Loss:
    """`classification` of samples that are changed anew in each training step, and left as they are in evaluation.

    Args:
        augmentation: What changes them without changing their labels; the empty chain changes nothing.
    """

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        if not model.training:
            return classification(model, batch, generator)
        return classification(model, replace(batch, clean=augmentation(batch.clean, generator).x), generator)

    return loss if augmentation.specs else classification
