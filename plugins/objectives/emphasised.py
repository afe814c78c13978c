"""An error that weighs what was damaged differently from what was not (Vincent et al. 2010)."""

from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor, nn

from daecore import Batch, Corruptor, InputError, Loss, Objective, Options, hookimpl, stream

from ..bibliography import cite
from .reconstruction import Measure, needs_bounds, value_errors

TRIED = ((1, 64, 64), (64,))  # shapes of the samples on which a corruption shows whether it marks what it touches


class Emphasised(Options):
    """Squared error or cross-entropy, weighted by a where the corruption touched a value and by b elsewhere."""

    a: float = Field(default=1.0, ge=0, le=100, description="weight of the values that the corruption touched")
    b: float = Field(default=0.5, ge=0, le=100, description="weight of the others; 0: full emphasis")
    loss: Measure = Field(default="squared", description="error of each value; cross-entropy needs values in [0, 1]")

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if self.a == self.b == 0:
            raise ValueError("a and b are both 0, and nothing would be learnt; full emphasis is a 1, b 0")
        return self


def emphasised(options: Emphasised, corruptor: Corruptor) -> Loss:
    """The loss ``mean(w (model(corrupted) - clean)^2)``, w = a where touched, else b; a = b = 1 is `mse`.

    With the cross-entropy in place of the squared error a = b = 1 is `cross_entropy`.

    Source: Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, section 4.4.
    """

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        corrupted = corruptor(batch.clean, generator)
        error = value_errors(model(corrupted.x), batch.clean, options.loss)
        if corrupted.touched is None and corruptor.specs:
            raise InputError(_refusal(corruptor))
        weight = options.b if corrupted.touched is None else torch.where(corrupted.touched, options.a, options.b)
        weighted: Tensor = error * weight
        return weighted.mean()

    return loss


def demands(options: Emphasised, corruptor: Corruptor) -> None:
    """Refuse a corruption that does not say what it touched.

    Raises:
        ValueError: It does not, at least on samples of a usual shape.
    """
    if not any(_marks(corruptor, shape) for shape in TRIED):
        raise ValueError(_refusal(corruptor))


def _marks(corruptor: Corruptor, shape: tuple[int, ...]) -> bool:
    """Whether a draw comes with the mask of what was touched, in the shape of the clean sample."""
    try:
        same = corruptor.output_shape(shape) == shape
    except InputError:
        return False
    return same and corruptor(torch.full((1, *shape), 0.5), stream(0, "touched")).touched is not None


def _refusal(corruptor: Corruptor) -> str:
    return (
        f"emphasised weighs what a corruption touched, and {corruptor} does not say what it touched. Use one that "
        "does and keeps the size (erasure, block_mask, salt_pepper, impulse), or the objective mse."
    )


@hookimpl
def register_objectives() -> list[Objective]:
    """Ship `emphasised`."""
    return [
        Objective(
            name="emphasised",
            options=Emphasised,
            function=emphasised,
            source=cite("vincent2010"),
            demands=demands,
            bounded=needs_bounds,
        )
    ]
