"""Absolute error against the clean batch: its best answer is the median, which outliers do not move."""

from torch import Generator, Tensor, nn
from torch.nn import functional as F

from daecore import Batch, Corruptor, Loss, Objective, Options, comparable, hookimpl

from ..bibliography import cite


class L1(Options):
    """Mean absolute error between the restored and the clean sample."""


def l1(options: L1, corruptor: Corruptor) -> Loss:
    """The loss ``mean(|model(corrupted) - clean|)``; its minimiser is the posterior median of each value.

    Source: Lehtinen et al., "Noise2Noise", ICML 2018, section 2 (which loss has which minimiser) and 3.2.
    """

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        restored = model(corruptor(batch.clean, generator).x)
        return F.l1_loss(comparable(restored, batch.clean), batch.clean)

    return loss


@hookimpl
def register_objectives() -> list[Objective]:
    """Ship `l1`."""
    return [Objective(name="l1", options=L1, function=l1, source=cite("lehtinen2018"))]
