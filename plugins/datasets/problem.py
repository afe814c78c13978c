"""Problem: what Vincent's problems have in common: how large they are, and how their sets are drawn.

The problems are those of Larochelle et al. (2007), on which Vincent et al. (2010) compare denoising autoencoders. Their
files are not downloaded: each problem is drawn anew from named streams, the same for everybody. All have 10,000
samples to train, 2,000 to validate and 50,000 to test; of the originals, `rectangles` had 1,000 and 200 and `convex`
6,000 and 2,000 beside the 50,000 (cut with the options ``train`` and ``validation`` for a like comparison).

Knows samples and their order. Does not know what is drawn.
"""

from collections.abc import Callable, Iterator

import torch
from pydantic import Field
from torch import Generator, Tensor

from daecore import Options, Samples, Splits, stream

SHAPE = (1, 28, 28)
SIDE = 28
SHARES = {"train": 5, "validation": 1, "test": 25}  # 10,000 : 2,000 : 50,000


class Problem(Options):
    """How many of the samples are used: the first ones, so that a smaller set lies within every larger one."""

    train: int = Field(default=10_000, ge=1, le=10_000, description="samples to train on")
    validation: int = Field(default=2_000, ge=1, le=2_000, description="samples to validate on")
    test: int = Field(default=50_000, ge=1, le=50_000, description="samples to test on")

    @property
    def sizes(self) -> dict[str, int]:
        """How many samples each set has."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def two_classes(name: str, options: Problem, draw: Callable[[int, Generator], Tensor]) -> Splits:
    """A problem of two classes, whose labels alternate: every set is balanced.

    A picture's own pixels say which set it belongs to, so that none is in two of them however few there are (some
    outlines of rectangles can lie in four places only). Samples of one class are drawn in rounds, each from the stream
    ``(0, name, class, round)``, until every set has enough.

    Args:
        name: The problem's.
        options: How many samples are wanted.
        draw: ``(label, generator) -> uint8 (M, 1, 28, 28)``: pictures of one class, one round of them, M > 0.
    """
    drawn = [_sort_out(name, label, options, draw) for label in (0, 1)]
    sets = []
    for part, count in options.sizes.items():
        both = torch.stack([images[part] for images in drawn], dim=1)  # (half, class, 1, 28, 28)
        sets.append(Samples(both.flatten(0, 1)[:count].contiguous(), torch.arange(count) % 2))
    return Splits(sets[0], sets[1], (sets[2],), classes=2)


def parts_of(images: Tensor) -> Tensor:
    """Which set pictures belong to, by their pixels: int64 ``(N,)``, positions in `SHARES`.

    A sum of the pixels, weighted by whole numbers below 2^32, modulo 31: it stays below 2^53, so float64 is exact.
    """
    weights = torch.randint(2**32, (images[0].numel(),), generator=stream(0, "problem", "parts")).double()
    rest = (images.flatten(1).double() @ weights).long() % sum(SHARES.values())
    ends = torch.tensor(list(SHARES.values())).cumsum(0)
    return torch.bucketize(rest, ends, right=True)


def _sort_out(name: str, label: int, options: Problem, draw: Callable[[int, Generator], Tensor]) -> dict[str, Tensor]:
    """Of one class, as many as half of each set takes: uint8 ``(half, 1, 28, 28)`` by the set's name."""
    wanted = {part: (count + 1) // 2 for part, count in options.sizes.items()}
    found: dict[str, list[Tensor]] = {part: [] for part in wanted}
    rounds = _rounds(name, label, draw)
    while any(sum(map(len, found[part])) < count for part, count in wanted.items()):
        images = next(rounds)
        parts = parts_of(images)
        for position, part in enumerate(wanted):
            found[part].append(images[parts == position])
    return {part: torch.cat(found[part])[:count] for part, count in wanted.items()}


def _rounds(name: str, label: int, draw: Callable[[int, Generator], Tensor]) -> Iterator[Tensor]:
    number = 0
    while True:
        yield draw(label, stream(0, name, label, number))
        number += 1
