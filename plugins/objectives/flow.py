"""Conditional flow matching: one network that restores at time 0 and draws beyond (Lipman et al. 2023)."""

import torch
from pydantic import Field
from torch import Generator, Tensor, nn

from daecore import Batch, Corruptor, Loss, Objective, Options, comparable, hookimpl

from ..bibliography import cite

LAST = 0.05  # the weight of a time grows until so much before 1
VELOCITY = 0.25  # of a velocity's squared error beside that of the mean: it has noise of variance 1 in it


class Flow(Options):
    """Squared error along the way from noise to the clean sample: teaches a network that draws what could have been."""

    mean_share: float = Field(
        default=0.5, ge=0, le=1, description="share of each batch at time 0, where the answer is the mean"
    )
    hidden_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of each batch whose corrupted sample is hidden: draws from nothing",
    )


def flow(options: Flow, corruptor: Corruptor) -> Loss:
    """The loss ``mean(w |model(c(x), state, t) - x|^2)`` over the values of the clean batch x and its times t.

    The state is ``t x + (1 - t) n``, n standard normal. At time 0 the weight w is 1, and the loss that of the objective
    mse. Beyond, it is ``0.25 / max(1 - t, 0.05)^2``: the network predicts the sample, and divided by 1 - t its error is
    that of the velocity; the quarter stands against the noise of variance 1 that is in a velocity. A share of the batch
    has time 0; the times of the others are logit-normal, one from each of equally probable parts. Of another share the
    corrupted sample is hidden: there the network learns to draw from what it was trained on.

    Source: Lipman et al., "Flow matching for generative modeling", ICLR 2023, equation 9; that the sample is predicted:
    Li and He, "Back to basics", 2025; logit-normal times: Esser et al., ICML 2024, section 3.1.
    """

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        clean = batch.clean
        corrupted = corruptor(clean, generator).x
        time = _draw_times(len(clean), options.mean_share, generator, clean.device)
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        hidden = torch.rand(len(clean), generator=generator, device=clean.device) < options.hidden_share
        t = time.view(-1, *[1] * (clean.dim() - 1))
        predicted = comparable(
            model(corrupted, torch.lerp(noise, clean, t), time, hidden.view(-1, *[1] * (corrupted.dim() - 1))), clean
        )
        weight = torch.where(time == 0, 1, VELOCITY / (1 - time).clamp_min(LAST).square())
        return (weight * (predicted - clean).square().flatten(1).mean(1)).mean()

    return loss


def _draw_times(count: int, mean_share: float, generator: Generator, device: torch.device) -> Tensor:
    """float32 ``(count,)``: 0 for the first ones, then logit-normal, one from each of equally probable parts."""
    first = round(mean_share * count)
    rest = count - first
    place = (torch.arange(rest, device=device) + torch.rand(rest, generator=generator, device=device)) / max(1, rest)
    drawn = torch.special.ndtri(place.clamp(1e-6, 1 - 1e-6)).sigmoid()
    return torch.cat((drawn.new_zeros(first), drawn))


@hookimpl
def register_objectives() -> list[Objective]:
    """Ship `flow`."""
    return [
        Objective(name="flow", options=Flow, function=flow, source=cite("lipman2023", "lu2022", "li2025"), draws=True)
    ]
