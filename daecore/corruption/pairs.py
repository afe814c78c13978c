"""The evaluation's corruption: drawn once for each set of samples, the same for every model and machine.

Knows Samples and Corruptor. Does not score.
"""

from collections.abc import Sequence
from itertools import islice

import torch
from torch import Tensor
from torch.nn import functional as F

from daecore.corruption.corruptor import Corruptor
from daecore.data.batch_source import Shape
from daecore.data.samples import Pairs, Samples
from daecore.data.spill import join
from daecore.plugin.spec import digest
from daecore.rng import stream


def evaluation_digest(pairs: Sequence[Pairs]) -> str:
    """SHA-256 of the test pairs: two runs with one digest were evaluated on the very same noise."""
    return digest(["evaluation", *(group.digest for group in pairs)])


SIZE = 1000


def draw_pairs(samples: Samples, corruptor: Corruptor, first: int | None = None) -> Pairs:
    """Corrupt samples once, from a stream named by their digest and the corruption's, not by any seed.

    It is drawn on the CPU wherever the samples lie, so that a network is evaluated on the very same noise on a GPU.

    Args:
        samples: N samples.
        corruptor: What is done to them.
        first: Only so many, from the beginning: with the very noise they have among all.

    Returns:
        The pairs, on the samples' device; of samples that are read by the batch the corrupted ones lie on the CPU.
    """
    generator = stream(0, "evaluation", samples.digest, corruptor.digest)
    count = len(samples) if first is None else min(first, len(samples))
    batches = islice(samples.to("cpu").batches(SIZE), -(-count // SIZE))
    corrupted = join((corruptor(batch.clean, generator).x for batch in batches), count)
    kept = samples if count == len(samples) else samples.select(torch.arange(count, device=samples.device))
    return Pairs(kept, corrupted.to(samples.source.home))


def draw_positions(count: int, wanted: int, *names: str) -> Tensor:
    """A fixed choice of at most ``wanted`` of ``count`` positions, sorted; int64, on the CPU.

    Args:
        count: How many there are.
        wanted: How many are needed.
        names: What for: they name the stream.
    """
    return torch.randperm(count, generator=stream(0, "positions", *names))[:wanted].sort().values


def enlarge(x: Tensor, shape: Shape) -> Tensor:
    """A corrupted batch in the shape of the clean one: enlarged bilinearly where it is a smaller image.

    Args:
        x: float32 ``(B, *any shape)``.
        shape: One clean sample's shape.

    Returns:
        float32 ``(B, *shape)``; ``x`` itself where it has that shape already.
    """
    same = tuple(x.shape[1:]) == tuple(shape)
    return x if same else F.interpolate(x, size=shape[-2:], mode="bilinear", align_corners=False)
