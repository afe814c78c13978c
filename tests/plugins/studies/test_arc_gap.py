"""The pure parts of the studies of the arc and of the gap."""

import math

import pytest
import torch
from daecore_plugins.studies.lecture import arc
from daecore_plugins.studies.lecture.gap import digits, points
from daecore_plugins.studies.lecture.gap import study as gap

from daecore.analysis.langevin import Level
from daecore.analysis.likelihood import CoveredThenNoised, ErasedThenNoised
from daecore.analysis.posterior import exact_denoiser
from daecore.data.samples import Samples
from daecore.experiment.experiment import parse


def circle(share: float = 1.0, count: int = 400) -> torch.Tensor:
    """An arc whose gap is on the left."""
    angle = torch.linspace(-math.pi * share, math.pi * share, count)
    return torch.stack([angle.cos(), angle.sin()], 1)


def test_the_exact_denoiser_agrees_with_itself_and_a_copier_does_not() -> None:
    """The figures are 1, 1 and 0 for the closed form itself; a network that moves nothing is off by its whole size."""
    data = Samples(circle())
    exact = arc.compare(exact_denoiser(data.data, 0.1), data, 0.1)
    assert [exact.cosine.mean, exact.magnitude_ratio.mean] == pytest.approx([1, 1])
    assert exact.relative_error.high < 1e-6
    still = arc.compare(lambda x: 0.99999 * x, data, 0.1)
    assert still.relative_error.mean == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("turns", [1.0, 0.5])
def test_turns_are_counted_in_either_direction(turns: float) -> None:
    """Of an open arc, a circle and a circle run backwards; a fold takes back what it gave."""
    curve = circle(turns)
    assert arc.turns(curve) == pytest.approx(turns, abs=1e-4)
    assert arc.turns(curve.flip(0)) == pytest.approx(turns, abs=1e-4)
    assert arc.turns(torch.cat([curve, curve.flip(0)])) == pytest.approx(0, abs=1e-4)


def test_the_two_point_error_is_a_rounding_error() -> None:
    """What the study reports of it."""
    assert 0 < gap.two_point_error() < 1e-5


def test_means_leave_the_arc_and_walks_end_on_it() -> None:
    """With the closed form as the denoiser: the control of what the study shows of networks."""
    data = circle(0.7)
    levels = tuple(Level(sigma, exact_denoiser(data, sigma)) for sigma in points.WALKED)
    exact = points.Gap(data, exact_denoiser(data, points.SIGMA), levels)
    starts = points.starts_in_the_gap(100)
    ends = points.walk_down(exact, starts, "test")
    distances = [torch.cdist(points, data).amin(1) for points in (starts, exact.denoiser(starts), ends)]
    on_arc = [float((distance < points.NEAR).float().mean()) for distance in distances]
    assert on_arc == [0, 0, 1]


def test_the_likelihood_is_read_from_the_recipe() -> None:
    """With the corruption's own options, other values than the defaults included."""
    noise = {"gaussian_noise": {"sigma": 0.3}}
    erased = parse({"corruptions": [{"erasure": {"p": 0.9, "fill": 0.5}}, noise]})
    assert digits.likelihood_of(erased) == ErasedThenNoised(0.9, 0.3, 0.5)
    covered = parse({"corruptions": [{"block_mask": {"size": 12}}, noise]})
    assert digits.likelihood_of(covered) == CoveredThenNoised(12, 0.3)
