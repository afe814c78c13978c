"""What training minimises: a callable from model, batch and generator to a scalar loss.

The loop never learns which noise or which loss is used; the objective draws its own corruption.
"""

from typing import Protocol

from torch import Generator, Tensor, nn
from torch.nn import functional as F

from daecore.samples import Batch


class Objective(Protocol):
    """``objective(model, batch, generator)`` is a scalar, finite, differentiable loss."""

    def __call__(self, model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        """The loss of one batch."""
        ...


def classification(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
    """Cross-entropy of ``model(clean)`` ``(B, classes)`` against the labels, in nats."""
    labels = batch.labels
    if labels is None:
        raise ValueError("classification needs labels, and these samples have none")
    return F.cross_entropy(model(batch.clean).float(), labels)
