"""The exact flow over a finite set, against the posterior, the definition, and a closed form."""

import pytest
import torch

from daecore.analysis.flow import exact_flow_denoiser
from daecore.analysis.likelihood import GaussianNoised
from daecore.analysis.posterior import posterior
from daecore.errors import InputError
from daecore.model.sampling import SamplingOptions, walk
from daecore.rng import stream

PAIR = torch.tensor([[0.6, -0.8], [-0.6, 0.8]])


def test_at_the_start_it_is_the_posterior_mean() -> None:
    """At t = 0 the state is noise and says nothing: the network of the denoising autoencoder."""
    originals, y = torch.randn(50, 3, generator=stream(0, "x")), torch.randn(20, 3, generator=stream(0, "y"))
    likelihood = GaussianNoised(0.7)
    state = torch.randn(60, 3, generator=stream(0, "z"))
    found = exact_flow_denoiser(originals, likelihood, y)(state, torch.zeros(60))
    assert torch.allclose(found, posterior(y, originals, likelihood).mean.repeat(3, 1), atol=1e-6)


def test_it_is_the_mean_over_originals_by_bayes() -> None:
    """By the definition, densities of y and of the state multiplied, one pair after the other."""
    originals, y = torch.randn(9, 2, generator=stream(1, "x")), torch.randn(4, 2, generator=stream(1, "y"))
    state, time = torch.randn(8, 2, generator=stream(1, "z")), torch.linspace(0.05, 0.9, 8)
    found = exact_flow_denoiser(originals, GaussianNoised(0.5), y)(state, time)
    for i, (z, t) in enumerate(zip(state.double(), time.double(), strict=True)):
        normal = torch.distributions.Normal
        seen = normal(originals.double(), 0.5).log_prob(y[i % 4].double()).sum(1)
        on_the_way = normal(t * originals.double(), 1 - t).log_prob(z).sum(1)
        weights = (seen + on_the_way).exp()
        assert torch.allclose(found[i].double(), weights @ originals.double() / weights.sum(), atol=1e-5)


def test_without_an_observation_two_points_are_a_hyperbolic_tangent() -> None:
    """Of a and -a: ``a tanh(t a . z / (1 - t)^2)``."""
    state, t = torch.randn(30, 2, generator=stream(2, "z")), 0.4
    found = exact_flow_denoiser(PAIR, None, torch.zeros(30, 2))(state, torch.tensor(t))
    exact = (t * (state @ PAIR[0]) / (1 - t) ** 2).tanh()[:, None] * PAIR[0]
    assert torch.allclose(found, exact, atol=1e-5)


def test_at_the_end_it_is_the_original_itself() -> None:
    found = exact_flow_denoiser(PAIR, None, torch.zeros(2, 2))(PAIR, torch.ones(2))
    assert torch.allclose(found, PAIR)


def test_one_step_is_the_mean_and_many_end_at_the_originals() -> None:
    """Half of the walkers at each of two points that are equally likely."""
    predict = exact_flow_denoiser(PAIR, None, torch.zeros(1, 2))
    start = torch.randn(4000, 2, generator=stream(3, "start"))
    assert walk(predict, start, SamplingOptions(steps=1), bounded=False).abs().max() < 1e-6
    ends = walk(predict, start, SamplingOptions(steps=50), bounded=False)
    assert (torch.cdist(ends, PAIR).amin(1) < 1e-3).float().mean() > 0.99
    assert ((ends @ PAIR[0]) > 0).float().mean().item() == pytest.approx(0.5, abs=0.03)


def test_another_number_of_states_is_refused() -> None:
    with pytest.raises(InputError, match="made for 3 observations and takes so many states or a multiple"):
        exact_flow_denoiser(PAIR, None, torch.zeros(3, 2))(torch.zeros(4, 2), torch.zeros(4))
