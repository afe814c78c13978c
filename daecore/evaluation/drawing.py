"""Drawing: a network that draws is asked for samples of some test pairs, and they are measured.

Knows networks that draw and the measures. Does not know how the network was taught, nor where anything is kept.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_pairs
from daecore.data.samples import Samples, Splits, as_float
from daecore.device import Precision
from daecore.evaluation.realism import FEWEST, measure_realism
from daecore.evaluation.sampling import SamplingReport, measure_consistency
from daecore.model.restore import restore
from daecore.model.sampler import Sampler
from daecore.model.sampling import SamplingOptions, draw_samples

PICTURES, DRAWS = 500, 8  # test samples of the first group, spread evenly over it, and samples of each


@dataclass(frozen=True)
class Drawn:
    """What was drawn, and what it is worth; all on the CPU.

    Attributes:
        report: The measures.
        clean: float32 ``(N, *shape)``, the test samples.
        corrupted: float32 ``(N, ...)``, what the network was given.
        mean: float32 ``(N, *shape)``, its mean answer.
        samples: float32 ``(K, N, *shape)``.
    """

    report: SamplingReport
    clean: Tensor
    corrupted: Tensor
    mean: Tensor
    samples: Tensor


def evaluate_sampler(
    model: Sampler, splits: Splits, corruptor: Corruptor, options: SamplingOptions, *, precision: Precision = "float32"
) -> Drawn:
    """Draw several samples of each of some test samples, and measure them beside what exact ones would give.

    Args:
        model: Where the samples lie.
        splits: The dataset; the first test group is asked about.
        corruptor: What was done to it: the very noise that evaluation draws.
        options: How samples are drawn.
        precision: ``float32`` or ``bf16`` autocast, of the network alone.
    """
    group = splits.test[0]
    index = _index(group).to(group.device)
    corrupted = draw_pairs(group, corruptor).asked(index)
    mean = restore(model, corrupted, precision=precision).cpu()
    mean = mean.clamp(0, 1) if len(group.shape) == 3 else mean
    samples = draw_samples(model, corrupted, DRAWS, options, shape=group.shape, precision=precision).cpu()
    clean = as_float(group.read(index)).cpu()
    report = measure_consistency(clean, samples, mean)
    report = report.with_measures(measure_realism(samples, mean, splits.to("cpu"), index.cpu()))
    return Drawn(report, clean, corrupted.cpu(), mean, samples)


def _index(group: Samples) -> Tensor:
    """Which samples are asked about; of a group of few, half: realism compares with as many others."""
    few = 2 * FEWEST <= len(group) < 2 * PICTURES
    return torch.linspace(0, len(group) - 1, len(group) // 2 if few else min(PICTURES, len(group))).long()
