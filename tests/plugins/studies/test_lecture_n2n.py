"""The study of noisy targets: its closed forms, its losses, and what it says of what it found."""

import numpy as np
import pytest
import torch
from daecore_flows.studies.laboratory import read_recipe
from daecore_plugins.studies.lecture.n2n import STUDY
from daecore_plugins.studies.lecture.n2n.clipping import clipped_mean
from daecore_plugins.studies.lecture.n2n.digits import describe_difference, shrinks, slope_weights
from daecore_plugins.studies.lecture.n2n.losses import POWER, gap_ratios, gaps
from torch import nn

from daecore.corruption.corruptor import Corruptor
from daecore.data.samples import Samples
from daecore.experiment.feasibility import check
from daecore.plugin.spec import spec
from daecore.rng import stream
from daecore.stats.intervals import Interval, student

NOISES = [{"gaussian_noise": {"sigma": 0.5}}, {"shot_noise": {"peak": 5}}, {"erasure": {"p": 0.5, "rescale": True}}]


def images(count: int = 100) -> Samples:
    return Samples(torch.randint(0, 256, (count, 1, 12, 12), generator=stream(0, "images"), dtype=torch.uint8))


@pytest.mark.parametrize("noise", NOISES, ids=str)
def test_the_power_of_each_noise_is_the_closed_form(noise: dict[str, dict[str, float]]) -> None:
    """E d^2 of a value, against the mean square of many draws."""
    one = spec("corruption", noise)
    x = torch.rand((200_000, 1, 2, 2), generator=stream(1, "x"))
    drawn = (Corruptor([one])(x, stream(2, "draw")).x - x).square().mean()
    assert drawn.item() == pytest.approx(POWER[one.name](one.options, x).mean().item(), rel=0.01)


@pytest.mark.parametrize("noise", NOISES, ids=str)
def test_the_losses_of_any_network_differ_by_the_power_of_the_targets_noise(noise: dict[str, dict[str, float]]) -> None:
    """Also of one that was never trained, whose input has other noise than its target."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(144, 144), nn.Unflatten(1, (1, 12, 12))).requires_grad_(False)
    found = student(
        gap_ratios(network, Corruptor([spec("corruption", "impulse")]), spec("corruption", noise), images())
    )
    assert found.mean == pytest.approx(1, rel=0.02)
    assert found.high - found.low < 0.05


def test_masked_targets_leave_no_difference_to_a_network_that_errs_everywhere_alike() -> None:
    """Nothing is restored of grey images: every value is wrong by the same, masked or not."""
    grey = Samples(torch.full((100, 1, 12, 12), 51, dtype=torch.uint8))
    erasure = spec("corruption", {"erasure": {"p": 0.5}})
    nothing = nn.Threshold(2.0, 0.0)
    assert gaps(nothing, Corruptor([erasure]), erasure, grey) == pytest.approx([0.0] * 20, abs=1e-7)


@pytest.mark.parametrize(("x", "sigma"), [(0.0, 0.5), (1.0, 0.5), (0.3, 0.2), (0.5, 1.0)])
def test_the_mean_of_clipped_noise_is_the_closed_form(x: float, sigma: float) -> None:
    """Against the mean of two million draws, whose standard error is below 0.0004."""
    clipped = spec("corruption", {"gaussian_noise": {"sigma": sigma, "clip": True}})
    drawn = Corruptor([clipped])(torch.full((2_000_000, 1), x), stream(0, "clip")).x.mean().item()
    assert clipped_mean(x, sigma) == pytest.approx(drawn, abs=0.0015)


def test_clipping_turns_black_grey_and_leaves_the_middle() -> None:
    assert clipped_mean(0.0, 0.5) == pytest.approx(0.195, abs=0.001)
    assert clipped_mean(0.5, 0.5) == pytest.approx(0.5)
    assert clipped_mean(0.0, 1e-9) == pytest.approx(0.0, abs=1e-8)


def test_both_ways_to_spend_the_captures_cost_the_same() -> None:
    """1,024 digits with an input and a target worth 19 captures; 10,240 with two; as many steps; noise drawn once."""
    few, many = (read_recipe(f"lecture/n2n-{name}") for name in ("few-clean", "many-noisy"))
    assert few.dataset.options.train * 20 == many.dataset.options.train * 2
    steps = [each.training.epochs * each.dataset.options.train // each.training.batch for each in (few, many)]
    assert steps[0] == steps[1]
    assert {few.training.noise, many.training.noise} == {"once"}


@pytest.mark.parametrize("name", STUDY.recipes)
def test_the_studys_recipes_can_be_run(name: str) -> None:
    check(read_recipe(name))


def test_clean_and_noisy_targets_differ_in_the_objective_alone() -> None:
    natural, clean = (
        read_recipe(f"lecture/{name}").model_dump(mode="json") for name in ("n2n-natural", "n2n-natural-clean")
    )
    assert {key for key in natural if natural[key] != clean[key]} == {"objective"}


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        (-0.1, 0.1, "no difference is claimed"),
        (-0.19, -0.1, "end below clean ones, -0.145 dB [-0.190, -0.100] over 5 seeds; the interval lies within 0.2 dB"),
        (-0.3, -0.1, "the interval reaches farther than 0.2 dB"),
        (0.1, 0.3, "end above clean ones, +0.200 dB [+0.100, +0.300] over 5 seeds; the interval reaches farther"),
    ],
)
def test_what_is_said_of_a_difference_follows_from_its_interval(low: float, high: float, sentence: str) -> None:
    assert sentence in describe_difference("noise", Interval(mean=(low + high) / 2, low=low, high=high, n=5), 1_720)


def test_shrinking_is_claimed_only_where_the_interval_says_so() -> None:
    assert "is one of time" in shrinks(Interval(mean=0.2, low=0.1, high=0.3, n=5), 1, 4)
    assert "is not decided here" in shrinks(Interval(mean=0.2, low=-0.1, high=0.5, n=5), 1, 4)


def test_a_slope_is_that_of_least_squares() -> None:
    """Beside NumPy's fit of a straight line."""
    x, y = np.arange(4.0), np.array([0.3, -0.2, 0.5, 0.9])
    assert np.dot(slope_weights(x.tolist()), y) == pytest.approx(np.polyfit(x, y, 1)[0])
