"""The constant between the two losses: of one network, on the same inputs, with noisy and with clean targets.

``E (f - x - d)^2 - E (f - x)^2 = E d^2`` whatever the network, as long as ``d`` has mean zero and is independent of
what the network was given.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from daecore import CorruptionSpec, spec, stream
from daecore.corruption import Corruptor
from daecore.data import Batch, Samples
from daecore.stats import student
from daecore.study import Measured
from daecore.training import Loss

from .trained import Networks

DRAWS, IMAGES = 20, 500  # so many times, on other images each time

POWER: dict[str, Callable[[Any, Tensor], Tensor]] = {  # E d^2 of each value x under an unbiased noise, in closed form
    "gaussian_noise": lambda options, x: torch.full_like(x, options.sigma**2),
    "shot_noise": lambda options, x: x / options.peak,
    "erasure": lambda options, x: x.square() * options.p / (1 - options.p),
}


def measure(networks: Mapping[str, Networks]) -> dict[str, Measured]:
    """What the losses of the first seed's network differ by, by noise: over ``E d^2``, which is one.

    An erased target is asked twice: rescaled, which makes it unbiased, and masked, where nothing is to differ.
    """
    found = {}
    for noise, trained in networks.items():
        network, corruptor, samples = trained.trained[0].network, trained.corruptor, trained.splits.test[0]
        [target] = corruptor.specs
        if target.name == "erasure":
            found[f"loss_gap.{noise}_masked"] = _measure(gaps(network, corruptor, target, samples))
            target = spec("corruption", {target.name: {**target.options.model_dump(), "rescale": True}})
        found[f"loss_gap_ratio.{noise}"] = _measure(gap_ratios(network, corruptor, target, samples))
    return found


def gap_ratios(network: nn.Module, corruptor: Corruptor, target: CorruptionSpec, samples: Samples) -> list[float]:
    """Per draw: the difference of the losses over ``E d^2`` on the same images."""
    powers = [POWER[target.name](target.options, batch.clean).mean().item() for batch in _batches(samples)]
    return [gap / power for gap, power in zip(gaps(network, corruptor, target, samples), powers, strict=True)]


def gaps(network: nn.Module, corruptor: Corruptor, target: CorruptionSpec, samples: Samples) -> list[float]:
    """Per draw: the loss with noisy targets minus the loss with clean ones, on the same inputs.

    Args:
        network: Whatever it is.
        corruptor: Of its input.
        target: The corruption of the target.
        samples: Images.
    """
    noisy = _objective({"noise2noise": {"target": [target.dump()]}}, corruptor)
    clean = _objective("mse", corruptor)
    with torch.inference_mode():
        losses = [
            [loss(network, batch, stream(0, "loss gap", number)).item() for loss in (noisy, clean)]
            for number, batch in enumerate(_batches(samples))
        ]
    return [with_noise - without for with_noise, without in losses]


def _batches(samples: Samples) -> list[Batch]:
    """As many as there are draws, each of other images while there are enough."""
    indices = torch.arange(DRAWS * IMAGES).remainder(len(samples)).view(DRAWS, IMAGES)
    return [samples.batch(index) for index in indices]


def _objective(value: object, corruptor: Corruptor) -> Loss:
    chosen = spec("objective", value)
    made: Loss = chosen.extension.function(chosen.options, corruptor)
    return made


def _measure(values: list[float]) -> Measured:
    return Measured.of(student(values))
