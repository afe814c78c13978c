"""Drawing: which samples are asked about, and that a sampler is measured on the pairs of every evaluation."""

from typing import Any

import pytest
import torch

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_pairs
from daecore.data.samples import Samples, Splits, as_float
from daecore.evaluation.drawing import DRAWS, evaluate_sampler
from daecore.model.autoencoder import Shapes, initialise
from daecore.model.sampler import Sampler
from daecore.model.sampling import SamplingOptions
from daecore.plugin.spec import spec


def splits(count: int) -> Splits:
    pictures = (torch.arange(count * 64) % 256).to(torch.uint8).view(count, 1, 8, 8)
    samples = Samples(pictures, torch.arange(count) % 2)
    return Splits(train=samples, validation=samples, test=(samples,), classes=2)


def drawn(count: int) -> Any:
    corruptor = Corruptor([spec("corruption", {"gaussian_noise": {"sigma": 0.3}})])
    chosen = spec("architecture", {"unet": {"widths": [4, 4], "sampler": True}})
    model = initialise(chosen, Shapes((1, 8, 8), (1, 8, 8)), 0)
    assert isinstance(model, Sampler)
    found = evaluate_sampler(model, splits(count), corruptor, SamplingOptions(steps=1))
    return found, draw_pairs(splits(count).test[0], corruptor)


@pytest.mark.parametrize(("count", "asked"), [(150, 150), (240, 120), (1_100, 500)])
def test_of_a_small_test_group_half_is_left_to_compare_with(count: int, asked: int) -> None:
    """Realism needs as many other test pictures; of very few none can be spared, and all are asked about."""
    found, _ = drawn(count)
    assert found.report.pictures == asked
    assert found.samples.shape == (DRAWS, asked, 1, 8, 8)
    assert (found.report.measures["label_kept_mean"].value is None) == (count == 150)


def test_what_is_asked_about_is_what_every_evaluation_restores() -> None:
    """The same noise on the same pictures, spread over the group: the mean can be compared with older figures."""
    found, pairs = drawn(240)
    index = torch.linspace(0, 239, 120).long()
    assert torch.equal(found.corrupted, pairs.corrupted[index])
    assert torch.equal(found.clean, as_float(pairs.clean.data[index]))
