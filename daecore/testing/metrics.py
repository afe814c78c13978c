"""Checks of metrics: a finite value for each sample, by itself, best for the sample itself, worse with more noise."""

import torch
from torch import Tensor

from daecore.data.batch_source import Shape
from daecore.plugin.kinds import Metric
from daecore.rng import stream
from daecore.testing.contract import Check, Subject, Violation, tried_shapes
from daecore.testing.globals import leaves_global_state

SAMPLES = 16
SIGMAS = (0.0, 0.05, 0.15, 0.4)  # of noise, from none to much
SAME = 1e-5  # what another order of sums makes of a value


def _clean(shape: Shape) -> Tensor:
    """Smooth images, or points."""
    values = torch.rand((SAMPLES, *shape), generator=stream(0, "contract"))
    if len(shape) != 3:
        return values
    coarse = values[..., ::4, ::4]
    return torch.nn.functional.interpolate(coarse, shape[1:], mode="bilinear", align_corners=True)


def _noisy(clean: Tensor, sigma: float) -> Tensor:
    return clean + sigma * torch.randn(clean.shape, generator=stream(1, "contract"))


def _values(subject: Subject[Metric], restored: Tensor, clean: Tensor) -> Tensor:
    found: Tensor = subject.extension.function(restored, clean, subject.options)
    return found


def _one_each(subject: Subject[Metric]) -> str:
    shapes = tried_shapes(subject)
    for shape in shapes:
        clean = _clean(shape)
        found = _values(subject, _noisy(clean, 0.1), clean)
        if not isinstance(found, Tensor) or tuple(found.shape) != (SAMPLES,) or found.dtype != torch.float32:
            came = (found.dtype, tuple(found.shape)) if isinstance(found, Tensor) else type(found).__name__
            raise Violation(
                f"float32 ({SAMPLES},) for {SAMPLES} samples of shape {shape}",
                f"{came} came",
                "Average over all but the first axis.",
            )
        if not found.isfinite().all():
            raise Violation(f"finite values for samples of shape {shape}", "some were not", "Look for a division.")
    return f"{len(shapes)} shapes"


def _by_itself(subject: Subject[Metric]) -> None:
    for shape in tried_shapes(subject):
        clean = _clean(shape)
        noisy = _noisy(clean, 0.1)
        together = _values(subject, noisy, clean)
        alone = torch.cat([_values(subject, noisy[n : n + 1], clean[n : n + 1]) for n in range(SAMPLES)])
        if not torch.allclose(together, alone, rtol=SAME, atol=SAME):
            raise Violation(
                "each sample's value to be its own", "it changed with what else was in the batch",
                "Take no mean, no extreme and no scale over the batch.",
            )  # fmt: skip


def _ordered(subject: Subject[Metric]) -> str:
    sign = 1 if subject.extension.higher_is_better else -1
    for shape in tried_shapes(subject):
        clean = _clean(shape)
        means = [sign * _values(subject, _noisy(clean, sigma), clean).mean().item() for sigma in SIGMAS]
        if means != sorted(means, reverse=True) or means[0] == means[-1]:
            told = ", ".join(f"{sign * mean:.4g}" for mean in means)
            raise Violation(
                "the best value where nothing is wrong, and a worse one the more noise there is",
                f"with noise of {', '.join(map(str, SIGMAS))} they were {told}",
                "See that higher_is_better says which is better.",
            )
    return "at the sample itself, and worse with noise"


def _keeps(subject: Subject[Metric]) -> None:
    shape = tried_shapes(subject)[0]
    clean = _clean(shape)
    noisy = _noisy(clean, 0.1)
    before = noisy.clone(), clean.clone()
    with leaves_global_state("A metric draws nothing, or from a generator of its own."):
        first = _values(subject, noisy, clean)
    if not (torch.equal(noisy, before[0]) and torch.equal(clean, before[1])):
        raise Violation("its arguments as they were", "it changed them", "Do nothing in place.")
    if not torch.equal(first, _values(subject, noisy, clean)):
        raise Violation("the same values again", "two calls differed", "Draw nothing, or from a generator of its own.")


CHECKS = (
    Check("it gives a finite float for each sample", _one_each),
    Check("a sample's value is its own", _by_itself),
    Check("it is best at the right place", _ordered),
    Check("it gives the same again, and changes nothing", _keeps),
)
