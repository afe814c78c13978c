"""Budget: which of the training samples may show their labels, as equally many of each class as can be.

Knows labels. Does not know what is trained with them.
"""

from typing import Annotated

import torch
from pydantic import BeforeValidator, Field
from torch import Tensor

from daecore import rng
from daecore.data.samples import Samples
from daecore.errors import InputError

ALL = 0
"""As many labels as the training set has."""
CHOICE = -1
"""The draw that chooses options and is never scored; those from 0 on are scored and choose nothing."""

Labels = Annotated[int, BeforeValidator(lambda value: ALL if value == "all" else value), Field(ge=0)]


def draw_labels(samples: Samples, classes: int, count: int, seed: int, draw: int) -> Tensor:
    """Positions of ``count`` samples, as equally many of each class as can be; int64 ``(count,)``.

    The draws of one seed differ by ``draw``; every initialisation gets the same ones. Within a draw a smaller number
    is part of a larger one. `ALL` takes every sample, balanced or not.

    Raises:
        InputError: A class has too few samples, or there are no labels.
    """
    if samples.labels is None:
        raise InputError("Transfer needs labels, and these samples have none. Set transfer to null.")
    if count == ALL:
        return torch.arange(len(samples), device=samples.device)
    generator = rng.stream(seed, "labels", draw)
    labels = samples.labels.cpu()
    order = torch.randperm(len(samples), generator=generator)
    shares = torch.full((classes,), count // classes)
    shares[torch.randperm(classes, generator=generator)[: count % classes]] += 1
    parts = [order[labels[order] == number][: int(share)] for number, share in enumerate(shares)]
    if sum(map(len, parts)) < count:
        few = min(range(classes), key=lambda number: len(parts[number]))
        raise InputError(
            f"{count} labels need {int(shares[few])} of class {few}, but there are {len(parts[few])}. Ask for fewer."
        )
    return torch.cat(parts).to(samples.device)
