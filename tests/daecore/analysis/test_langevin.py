"""Walks with a denoiser, against priors whose posteriors are known."""

import math

import pytest
import torch
from torch import Tensor

from daecore.analysis.langevin import Level, Observation, langevin, last_state
from daecore.analysis.posterior import Denoiser, exact_denoiser
from daecore.errors import InputError
from daecore.rng import stream

WIDTH = 1.0  # of the Gaussian prior, around 0
SIGMAS = (0.5, 0.25, 0.1)


def shrinks(sigma: float) -> Denoiser:
    """The best denoiser of a Gaussian prior."""
    return lambda x: x * (WIDTH**2 / (WIDTH**2 + sigma**2))


def moments(x: Tensor) -> tuple[float, float]:
    return x.mean().item(), x.std().item()


LEVELS = [Level(sigma, shrinks(sigma)) for sigma in SIGMAS]


def test_a_walk_samples_the_prior() -> None:
    """Started far from it, it ends with the moments of a Gaussian prior (denoised at the end)."""
    walk = langevin(torch.full((20_000, 1), 3.0), LEVELS[:1], generator=stream(0, "walk"), steps=300)
    mean, deviation = moments(last_state(walk))
    final = shrinks(SIGMAS[0])(torch.tensor(math.sqrt(WIDTH**2 + SIGMAS[0] ** 2))).item()
    assert mean == pytest.approx(0, abs=0.03)
    assert deviation == pytest.approx(final, rel=0.03)


def test_a_walk_with_an_observation_samples_the_posterior() -> None:
    """Of a Gaussian prior, seen through noise: the mean and the width of the posterior, at every level."""
    noise, seen = 0.8, 1.5
    y = torch.full((20_000, 1), seen)
    walk = langevin(y, LEVELS, generator=stream(0, "walk"), steps=400, observed=Observation(y, noise))
    states = list(walk)
    for number, sigma in enumerate(SIGMAS, start=1):
        prior, rest = WIDTH**2 + sigma**2, noise**2 - sigma**2
        mean, deviation = moments(states[400 * number - 1])
        assert mean == pytest.approx(seen * prior / (prior + rest), abs=0.03)
        assert deviation == pytest.approx(math.sqrt(prior * rest / (prior + rest)), rel=0.05)
    assert len(states) == 1201


def test_walks_from_the_middle_end_at_either_point() -> None:
    """Two points, seen in the middle: the mean is between them, the walks end at one or the other, equally often."""
    pair = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    y = torch.zeros(2_000, 2)
    levels = [Level(sigma, exact_denoiser(pair, sigma)) for sigma in (0.7, 0.45, 0.3, 0.2, 0.1)]
    ends = last_state(langevin(y, levels, generator=stream(0, "walk"), steps=40, observed=Observation(y, 1.0)))
    assert exact_denoiser(pair, 1.0)(y[:1]).norm() < 1e-6
    assert (torch.cdist(ends, pair).amin(1) < 1e-3).all()
    assert (ends[:, 0] > 0).float().mean().item() == pytest.approx(0.5, abs=0.045)


def test_the_same_stream_walks_the_same_way() -> None:
    """A walk is a pure function of its arguments."""
    first, second = (last_state(langevin(torch.zeros(3, 2), LEVELS, generator=stream(0, "walk"))) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(("sigmas", "noise"), [((0.1, 0.5), 1.0), ((0.5, 0.1), 0.5), ((), 1.0)])
def test_levels_that_do_not_fall_are_refused(sigmas: tuple[float, ...], noise: float) -> None:
    """At once, not at the first step; the message shows them."""
    x = torch.zeros(1, 2)
    levels = [Level(sigma, shrinks(sigma)) for sigma in sigmas]
    with pytest.raises(InputError, match=r"from wide to narrow noise.*Sort them"):
        langevin(x, levels, generator=stream(0, "walk"), observed=Observation(x, noise))
