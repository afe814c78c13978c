"""Scan lines: every n-th row goes dark, as on a picture tube filmed by a camera; the first dark row is random."""

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Corruption, Options, Strength, hookimpl


class Scan(Options):
    """Every n-th row goes dark."""

    period: int = Field(default=4, ge=2, le=14, description="rows from one dark row to the next")


def scan(x: Tensor, options: Scan, *, generator: Generator) -> tuple[Tensor, Tensor]:
    """Darken rows: images ``(B, C, H, W)`` to the same shape, and the dark rows, bool ``(B, 1, H, 1)``."""
    first = torch.randint(options.period, (x.shape[0], 1, 1, 1), generator=generator, device=x.device)
    row = torch.arange(x.shape[-2], device=x.device)[:, None]
    dark = (row - first) % options.period == 0
    return x.masked_fill(dark, 0), dark


@hookimpl
def register_corruptions() -> list[Corruption]:
    """Ship `scan`."""
    strength = Strength("period", identity=None, low=14, high=2)  # fewer rows between dark ones, stronger
    return [Corruption(name="scan", options=Scan, function=scan, shapes="images", random=True, strength=strength)]
