"""Whether a corruption that says it is white Gaussian noise is that, measured; error bars rely on it."""

import math

import torch
from torch import Tensor

from daecore.plugin.kinds import Corruption
from daecore.testing.contract import Check, Subject, Violation
from daecore.testing.drawing import apply, pictures, shapes

VALUES = 20_000  # at least so many are drawn: each figure below is then more than five standard errors wide
SCALE, SHAPE, LINKED = 0.03, 0.3, 0.05


def measure_white_noise(noise: Tensor, clean: Tensor, sigma: float) -> dict[str, tuple[float, float]]:
    """Each figure of white Gaussian noise, and how far it may be from zero.

    Args:
        noise: ``(B, *shape)``.
        clean: Likewise; what it was added to.
        sigma: The standard deviation that was declared.
    """
    scaled = (noise / sigma).flatten(1).double()
    values, square = scaled.flatten(), scaled.square()
    return {
        "standard deviation over the declared one, minus 1": (values.std().item() - 1, SCALE),
        "kurtosis minus 3": (((values - values.mean()) / values.std()).pow(4).mean().item() - 3, SHAPE),
        "correlation of neighbours": (_correlate(scaled[:, 1:], scaled[:, :-1]), LINKED),
        "correlation of its square with the clean values": (_correlate(square, clean.flatten(1).double()), LINKED),
    }


def _correlate(one: Tensor, other: Tensor) -> float:
    return torch.corrcoef(torch.stack((one.flatten(), other.flatten())))[0, 1].item()


def _check_white_noise(subject: Subject[Corruption]) -> str:
    declared = subject.extension.gaussian_sigma
    sigma = 0.0 if declared is None else float(declared(subject.options))
    if not sigma:
        return "it declares none"
    clean = pictures(shapes(subject)[0], -(-VALUES // math.prod(shapes(subject)[0])))
    found = measure_white_noise(apply(subject, clean)[0] - clean, clean, sigma)
    for name, (value, most) in found.items():
        if not abs(value) <= most:
            raise Violation(
                f"white Gaussian noise of sigma {sigma:g}, as gaussian_sigma says",
                f"its {name} is {value:.3f}, and may be {most:g}",
                "Leave gaussian_sigma out, or let it give 0 where something else happens.",
            )
    return "; ".join(f"{name}: {value:.3f}" for name, (value, _) in found.items())


CHECK = Check("it is the white Gaussian noise that it declares", _check_white_noise)
