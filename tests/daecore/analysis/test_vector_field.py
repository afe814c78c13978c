"""Fields of displacements compared as wholes, and the bootstrap of a function of means."""

import math

import pytest
import torch

from daecore.analysis.vector_field import agreement
from daecore.rng import stream
from daecore.stats.intervals import bootstrap, bootstrap_of_means


def test_a_field_agrees_with_itself() -> None:
    """Cosine and magnitude 1, error 0, whatever is drawn again."""
    field = torch.randn(200, 2, generator=stream(0, "field"))
    found = agreement(field, field, generator=stream(0, "bootstrap"))
    assert found.cosine.low == pytest.approx(1)
    assert found.magnitude_ratio.high == pytest.approx(1)
    assert found.relative_error.high == 0


def test_length_and_direction_are_told_apart() -> None:
    """Half as long: cosine 1, magnitude 1/2, error 1/2. Turned by 60 degrees: cosine 1/2, magnitude 1, error 1."""
    exact = torch.randn(200, 2, generator=stream(0, "field"))
    half = agreement(exact / 2, exact, generator=stream(0, "bootstrap"))
    angle = torch.tensor(math.pi / 3)
    turn = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    turned = agreement(exact @ turn, exact, generator=stream(0, "bootstrap"))
    assert [half.cosine.mean, half.magnitude_ratio.mean, half.relative_error.mean] == pytest.approx([1, 0.5, 0.5])
    assert [turned.cosine.mean, turned.magnitude_ratio.mean, turned.relative_error.mean] == pytest.approx([0.5, 1, 1])


def test_long_displacements_weigh_more_than_many_short_ones() -> None:
    """Where the exact field is about zero, the direction of what is left hardly counts; a mean of cosines drops."""
    exact = torch.cat([torch.full((100, 2), 1.0), torch.full((900, 2), 1e-4)])
    noise = 1e-3 * torch.randn(1000, 2, generator=stream(0, "noise"))
    found = agreement(exact + noise, exact, generator=stream(0, "bootstrap"))
    each = torch.nn.functional.cosine_similarity(exact + noise, exact).mean()
    assert found.cosine.mean > 0.999
    assert each < 0.5


def test_the_bootstrap_of_one_mean_is_the_bootstrap_of_the_mean() -> None:
    """The same numbers drawn again, the same interval."""
    values = torch.randn(300, generator=stream(0, "values"))
    plain = bootstrap(values, generator=stream(0, "bootstrap"))
    general = bootstrap_of_means(values[:, None], lambda means: means[..., 0], generator=stream(0, "bootstrap"))
    assert [general.low, general.high] == pytest.approx([plain.low, plain.high], abs=1e-9)


def test_the_interval_of_a_ratio_covers_it_as_often_as_it_says() -> None:
    """Of 200 sets of pairs with a known ratio of means, about 95 % of the intervals hold it."""
    held = 0
    for number in range(200):
        generator = stream(0, "pairs", number)
        reference = 1 + torch.rand(150, generator=generator)
        pairs = torch.stack([2 * reference + torch.randn(150, generator=generator), reference], 1)
        found = bootstrap_of_means(pairs, lambda m: m[..., 0] / m[..., 1], generator=generator, draws=200)
        held += found.low < 2 < found.high
    assert 0.89 <= held / 200 <= 0.99
