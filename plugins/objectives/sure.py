"""Stein's unbiased risk estimate: the squared error to the clean sample, learnt from one noisy copy of it alone."""

import math

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from daecore import Batch, Corruptor, Loss, Objective, Options, comparable, hookimpl, stream

from ..bibliography import cite

STEP = 0.05  # the probe's length, in sigmas: short beside the noise, long beside a device's rounding
NEAR = 1e-3  # relative; two sigmas that differ by less are one


class Sure(Options):
    """Stein's unbiased estimate of the squared error under Gaussian noise: no clean sample is looked at."""

    sigma: float = Field(
        default=0.0, ge=0, le=10, description="the noise's standard deviation, in units of full intensity; 0: its own"
    )


def sure(options: Sure, corruptor: Corruptor) -> Loss:
    """The loss ``mean((f(y) - y)^2) - sigma^2 + 2 sigma^2 mean(b (f(y + e b) - f(y)) / e)``, b standard normal.

    Over noise and probe its mean is ``mean((f(y) - x)^2)``, which it never sees: the clean batch is only what the
    corruption is applied to. With ``noise: once`` each sample has one noisy copy for ever, while b is drawn anew in
    every epoch. It is computed in float32, as a difference so small has no digits in bf16. The network must give
    one answer to one input (no dropout).

    Source: Stein, Annals of Statistics 9, 1981; the divergence by one random probe: Ramani, Blu and Unser, IEEE TIP
    17(9), 2008, theorem 2; as an objective for networks: Soltanayev and Chun, NeurIPS 2018 (Net-SURE), equation 14.
    """
    sigma = options.sigma or _sigma(corruptor)
    step = STEP * (sigma or 1)

    def loss(model: nn.Module, batch: Batch, generator: Generator) -> Tensor:
        noisy = corruptor(batch.clean, generator).x
        probe = torch.randn(noisy.shape, generator=_fresh(batch, generator), device=noisy.device)
        with torch.autocast(noisy.device.type, enabled=False):
            both = torch.cat((noisy, noisy + step * probe))
            restored, moved = comparable(model(both), both).chunk(2)
            divergence = (probe * (moved - restored)).mean() / step
            risk: Tensor = F.mse_loss(restored, noisy) - sigma**2 + 2 * sigma**2 * divergence
            return risk

    return loss


def demands(options: Sure, corruptor: Corruptor) -> None:
    """Refuse every noise whose risk this does not estimate.

    Raises:
        ValueError: The corruption is not one unclipped Gaussian noise, or one of another sigma.
    """
    names = [spec.name for spec in corruptor.specs]
    if names != ["gaussian_noise"] or getattr(corruptor.specs[0].options, "clip", False):
        raise ValueError(
            "sure holds for one additive Gaussian noise that is not clipped, {gaussian_noise: {sigma: ..., clip: "
            f"false}}}}, and for nothing before or after it, but got: {corruptor}. Change the corruption, or use the "
            "objective noise2self, which needs no clean samples either and only asks for unbiased noise."
        )
    given = _sigma(corruptor)
    if given == 0:
        raise ValueError("sure needs noise, but gaussian_noise has sigma 0. Set corruptions.0.gaussian_noise.sigma.")
    if options.sigma and not math.isclose(options.sigma, given, rel_tol=NEAR):
        raise ValueError(
            f"sure was told sigma {options.sigma:g}, but the noise has sigma {given:g}, and the estimate would be "
            "wrong. Leave the objective's sigma at 0 and it is taken from the corruption."
        )


def _sigma(corruptor: Corruptor) -> float:
    """The noise's own sigma; 0 without noise."""
    return float(getattr(corruptor.specs[0].options, "sigma", 0)) if corruptor.specs else 0.0


def _fresh(batch: Batch, generator: Generator) -> Generator:
    """A stream that differs in every epoch, also where the noise does not: a network could learn one probe by heart."""
    return stream(generator.initial_seed(), "probe", batch.epoch, device=batch.clean.device)


@hookimpl
def register_objectives() -> list[Objective]:
    """Ship `sure`."""
    return [
        Objective(
            name="sure",
            options=Sure,
            function=sure,
            source=cite("stein1981", "ramani2008", "soltanayev2018"),
            demands=demands,
        )
    ]
