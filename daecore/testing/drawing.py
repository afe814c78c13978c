"""What corruptions are checked on, and one draw of them: smooth pictures or points, with fixed seeds."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from daecore.data.batch_source import Shape
from daecore.errors import InputError
from daecore.plugin.kinds import Corruption
from daecore.rng import stream
from daecore.testing.contract import Subject, Violation, tried_shapes


def pictures(shape: Shape, count: int) -> Tensor:
    """Smooth pictures with black, white and everything between, or points: float32 ``(count, *shape)``."""
    generator = stream(0, "contract", *shape)
    if len(shape) == 1:
        return torch.randn((count, *shape), generator=generator)
    channels, height, width = shape
    coarse = torch.rand((count, channels, 5, 5), generator=generator)
    fine = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False)
    return fine.sub(0.2).mul(1.6).clamp(0, 1).mul(255).round().div(255)


def apply(
    subject: Subject[Corruption], x: Tensor, changes: Mapping[str, Any] | None = None, *, seed: int = 0
) -> tuple[Tensor, Tensor | None]:
    """Corrupt with the subject's options, some of them changed."""
    options = subject.options.model_copy(update=changes or {})
    result = subject.extension.function(x, options, generator=stream(seed, "contract", device=x.device))
    return result if isinstance(result, tuple) else (result, None)


def shapes(subject: Subject[Corruption]) -> list[Shape]:
    """The shapes it takes with these options.

    Raises:
        Violation: None of those that are tried.
    """
    taken = [shape for shape in tried_shapes(subject) if declared_shape(subject, shape) is not None]
    if not taken:
        raise Violation(
            f"a corruption of {subject.extension.shapes} to take one of {tried_shapes(subject)}",
            "output_shape refused them all",
            "Let output_shape raise ValueError only for shapes that cannot be taken.",
        )
    return taken


def declared_shape(subject: Subject[Corruption], shape: Shape) -> Shape | None:
    """The shape it says it gives; None if it says that it cannot take this one."""
    try:
        change = subject.extension.output_shape
        return tuple(change(shape, subject.options)) if change else shape
    except (ValueError, InputError):
        return None
