"""Cross-entropy against the clean batch, each value taken as a probability (Vincent et al. 2008 and 2010)."""

from torch import Generator, Tensor, nn

from daecore import Batch, Corruptor, Loss, Objective, Options, hookimpl

from ..bibliography import cite
from .reconstruction import value_errors


class CrossEntropy(Options):
    """Mean cross-entropy between the clean and the restored values, which must lie in [0, 1]."""


def cross_entropy(options: CrossEntropy, corruptor: Corruptor) -> Loss:
    """The loss ``mean(-x log y - (1 - x) log(1 - y))`` in nats, y = model(corrupted), over all values of the batch.

    It is least at ``y = x``, where the entropy of x remains: it does not fall to 0 for grey values.

    Source: Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, section 2.2, equation 4.
    """

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        restored = model(corruptor(batch.clean, generator).x)
        return value_errors(restored, batch.clean, "cross_entropy").mean()

    return loss


@hookimpl
def register_objectives() -> list[Objective]:
    """Ship `cross_entropy`."""
    return [
        Objective(
            name="cross_entropy",
            options=CrossEntropy,
            function=cross_entropy,
            source=cite("vincent2008", "vincent2010"),
            bounded=True,
        )
    ]
