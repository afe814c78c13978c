"""Spreads: bounds widen with the threshold, hold the restoration, and hold the truth exactly from its score on."""

import pytest
import torch
from torch import Tensor

from daecore.rng import stream
from daecore.uncertainty.binned_spread import PER_SIDE, BinnedSpread, bin_of, edges
from daecore.uncertainty.spread import DeviationSpread, Spread

SHAPE = (4, 1, 6, 6)


def uniform(*shape: int) -> Tensor:
    return torch.rand(shape, generator=stream(0, "test", *shape))


def spreads() -> list[Spread]:
    restored = uniform(*SHAPE)
    logits = 3 * torch.randn(*SHAPE, 2 * PER_SIDE + 1, generator=stream(0, "test", "logits"))
    return [
        DeviationSpread(restored, uniform(*SHAPE, 1)[..., 0] / 3 + 0.01),
        BinnedSpread(restored, logits.softmax(-1), 0.9),
    ]


@pytest.mark.parametrize("spread", spreads(), ids=lambda it: type(it).__name__)
def test_bounds_widen_with_the_threshold_and_hold_the_restoration(spread: Spread) -> None:
    """Within [0, 1], so that nothing impossible is said."""
    before = spread.bounds(torch.zeros(SHAPE))
    for threshold in (0.2, 0.5, 0.9, 0.99, 1.0, 3.0):
        low, high = spread.bounds(torch.full(SHAPE, threshold))
        assert (low <= before[0]).all()
        assert (high >= before[1]).all()
        assert (low <= spread.restored).all()
        assert (high >= spread.restored).all()
        assert low.min() >= 0
        assert high.max() <= 1
        before = low, high


@pytest.mark.parametrize("spread", spreads(), ids=lambda it: type(it).__name__)
def test_bounds_hold_the_truth_from_its_score_on(spread: Spread) -> None:
    """Just below its score they do not: so a threshold can be chosen by scores alone."""
    truth = (uniform(*SHAPE, 2)[..., 1] * 255).round() / 255
    score = spread.score(truth)
    low, high = spread.bounds(score + 1e-4)
    assert ((truth >= low - 1e-6) & (truth <= high + 1e-6)).all()
    low, high = spread.bounds((score - 1e-3).clamp_min(0))
    outside = (truth < low - 1e-6) | (truth > high + 1e-6)
    assert outside[score > 1e-2].all()


def test_a_value_that_is_mostly_black_has_bounds_that_reach_black() -> None:
    """Nine in ten are exactly 0: the bounds hold 0 and the restoration, and no white."""
    restored = torch.full((1, 1, 1, 1), 0.1)
    probabilities = torch.zeros(1, 1, 1, 1, 2 * PER_SIDE + 1)
    black, white = (int(bin_of(error)) for error in (torch.tensor(-0.1), torch.tensor(0.9)))
    probabilities[..., black], probabilities[..., white] = 0.92, 0.08
    spread = BinnedSpread(restored, probabilities, 0.9)
    low, high = (bound.item() for bound in spread.bounds(torch.full((1, 1, 1, 1), 0.9)))
    assert low == 0
    assert high < 0.11
    assert spread.score(torch.zeros(1, 1, 1, 1)).item() <= 0.9
    assert spread.std.item() == pytest.approx((0.92 * 0.08) ** 0.5, rel=0.05)


def test_the_bins_cover_every_possible_error() -> None:
    """From -1 to 1, symmetric, each as wide as its inner neighbour or wider."""
    at = edges()
    width = at.diff()
    assert (at[0].item(), at[-1].item()) == (-1, 1)
    assert torch.allclose(at, -at.flip(0))
    assert (width[PER_SIDE + 1 :].diff() > 0).all()
