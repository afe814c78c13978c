"""Squared error with a penalty on the weights: the regularised autoencoder that denoising is compared with.

The penalty stands in the loss. AdamW's own `training.weight_decay` is another thing: it shrinks weights beside the
gradient, by as much where the loss is steep as where it is flat.
"""

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from daecore import Batch, Corruptor, Loss, Objective, Options, comparable, hookimpl

from ..bibliography import cite


class WeightDecay(Options):
    """Mean squared error, plus the sum of all squared weights times a strength (L2 penalty)."""

    strength: float = Field(
        default=1e-4, ge=0, le=10, description="what a squared weight costs, in units of the mean squared error"
    )


def weight_decay(options: WeightDecay, corruptor: Corruptor) -> Loss:
    """The loss ``mean((model(x) - clean)^2) + strength * sum(W^2)``; x is corrupted as the experiment says.

    Only weights count, not biases: parameters with two dimensions or more. Shared (tied) weights count once.

    Source: Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, section 5.1.
    """

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        restored = model(corruptor(batch.clean, generator).x)
        penalty = torch.zeros((), device=batch.clean.device)
        for weight in (parameter for parameter in model.parameters() if parameter.dim() > 1):
            penalty = penalty + weight.float().square().sum()
        return F.mse_loss(comparable(restored, batch.clean), batch.clean) + options.strength * penalty

    return loss


@hookimpl
def register_objectives() -> list[Objective]:
    """Ship `weight_decay`."""
    return [Objective(name="weight_decay", options=WeightDecay, function=weight_decay, source=cite("vincent2010"))]
