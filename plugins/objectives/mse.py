"""Squared error against the clean batch: the denoising autoencoder's own objective (Vincent et al. 2008)."""

from torch import Generator, Tensor, nn
from torch.nn import functional as F

from daecore import Batch, Corruptor, Loss, Objective, Options, comparable, hookimpl

from ..bibliography import cite


class Mse(Options):
    """Mean squared error between the restored and the clean sample."""


def mse(options: Mse, corruptor: Corruptor) -> Loss:
    """The loss ``mean((model(corrupted) - clean)^2)`` over all values of the batch."""

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        restored = model(corruptor(batch.clean, generator).x)
        return F.mse_loss(comparable(restored, batch.clean), batch.clean)

    return loss


@hookimpl
def register_objectives() -> list[Objective]:
    """Ship `mse`."""
    return [Objective(name="mse", options=Mse, function=mse, source=cite("vincent2008"))]
