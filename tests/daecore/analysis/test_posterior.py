"""Likelihoods and exact posteriors, against closed forms, brute force and autograd."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from daecore.analysis.likelihood import CoveredThenNoised, ErasedThenNoised, GaussianNoised, Likelihood
from daecore.analysis.posterior import draw_originals, exact_denoiser, posterior, score
from daecore.corruption.corruptor import Corruptor
from daecore.errors import InputError
from daecore.plugin.spec import spec
from daecore.rng import stream

PAIR = torch.tensor([[0.6, -0.8], [-0.6, 0.8]])


def images(count: int, height: int, width: int) -> Tensor:
    """Half of their pixels are black, as in digits."""
    generator = stream(0, "images")
    values = torch.randint(0, 256, (count, 1, height, width), generator=generator, dtype=torch.uint8)
    return values * (torch.rand(values.shape, generator=generator) < 0.5)


def log_normal(y: Tensor, mean: Tensor, sigma: float) -> Tensor:
    return torch.distributions.Normal(mean.double(), sigma).log_prob(y.double())


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_the_mean_over_two_points_is_a_hyperbolic_tangent(sigma: float) -> None:
    """Of a and -a: ``a tanh(a . y / sigma^2)``, to 1e-5, near and a thousand times farther than the points."""
    y = torch.cat([scale * torch.randn(500, 2, generator=stream(0, "y")) for scale in (0.3, 3.0, 1e3)])
    exact = (y.double() @ PAIR[0].double() / sigma**2).tanh()[:, None] * PAIR[0].double()
    found = posterior(y, PAIR, GaussianNoised(sigma))
    assert (found.mean - exact).abs().max() < 1e-5
    weight = torch.sigmoid(2 * (y.double() @ PAIR[0].double()) / sigma**2)
    entropy = torch.distributions.Bernoulli(probs=weight).entropy()
    assert (found.entropy - entropy).abs().max() < 1e-5
    assert torch.equal(found.candidates[:, 0], (weight < 0.5).long())
    assert (found.weights.sum(1) - 1).abs().max() < 1e-6


def test_the_score_is_the_gradient_of_the_log_density() -> None:
    """Autograd of log q_sigma, the mixture of Gaussians at the originals, agrees with (mean - x) / sigma^2."""
    originals, sigma = torch.randn(50, 3, generator=stream(0, "originals")), 0.4
    x = torch.randn(20, 3, generator=stream(0, "x"), dtype=torch.float64).requires_grad_()
    log_density = GaussianNoised(sigma)(x, originals).logsumexp(1) - math.log(50)
    (gradient,) = torch.autograd.grad(log_density.sum(), x)
    assert torch.allclose(score(x.detach(), originals, sigma), gradient, rtol=1e-5, atol=1e-5)
    found = posterior(x.detach(), originals, GaussianNoised(sigma))
    mixture = torch.distributions.MultivariateNormal(originals.double(), sigma**2 * torch.eye(3).double())
    assert torch.allclose(
        found.log_evidence.double(), mixture.log_prob(x.detach()[:, None]).logsumexp(1) - math.log(50)
    )


def test_far_away_the_mean_is_the_nearest_original() -> None:
    """A million sigma away every number is finite, and the outermost point in that direction is certain."""
    angle = torch.arange(100) * (2 * math.pi / 100)
    circle = torch.stack([angle.cos(), angle.sin()], 1)
    found = posterior(1e5 * circle, circle, GaussianNoised(0.1))
    assert torch.allclose(found.mean, circle, atol=1e-6)
    assert torch.isfinite(found.log_evidence).all()
    assert found.entropy.max() < 1e-6


def test_wide_noise_leaves_all_originals_possible() -> None:
    """The entropy goes to log N, the mean to the mean of all."""
    originals = torch.randn(64, 2, generator=stream(0, "originals"))
    found = posterior(torch.zeros(1, 2), originals, GaussianNoised(1e3))
    assert found.entropy.item() == pytest.approx(math.log(64), abs=1e-5)
    assert torch.allclose(found.mean[0], originals.mean(0), atol=1e-4)


@pytest.mark.parametrize("fill", [0.0, 0.4])
def test_erasure_is_a_mixture_of_two_gaussians_a_pixel(fill: float) -> None:
    """Beside the sum over pixels written out, for more pictures than are looked at together."""
    originals, y = images(30, 4, 5), torch.randn(70, 1, 4, 5, generator=stream(0, "y"))
    p, sigma = 0.7, 0.3
    erased = math.log(p) + log_normal(y[:, None], torch.tensor(fill), sigma)
    kept = math.log(1 - p) + log_normal(y[:, None], originals[None] / 255, sigma)
    exact = torch.logaddexp(erased, kept).flatten(2).sum(2)
    assert torch.allclose(ErasedThenNoised(p, sigma, fill)(y, originals).double(), exact, atol=1e-4)


@pytest.mark.parametrize(("size", "fill"), [(1, 0.0), (3, 0.4), (4, 0.0)])
def test_a_hidden_square_is_summed_over_its_places(size: int, fill: float) -> None:
    """Beside every place tried one by one, on pictures that are not square, up to a square as high as they are."""
    originals, y = images(150, 4, 6), torch.randn(70, 1, 4, 6, generator=stream(0, "y"))
    tried = []
    for row, column in itertools.product(range(4 - size + 1), range(6 - size + 1)):
        covered = originals / 255
        covered[..., row : row + size, column : column + size] = fill
        tried.append(log_normal(y[:, None], covered[None], 0.3).flatten(2).sum(2))
    exact = torch.stack(tried).logsumexp(0) - math.log(len(tried))
    assert torch.allclose(CoveredThenNoised(size, 0.3, fill)(y, originals).double(), exact, atol=2e-4)


CHAINS = [
    ({"erasure": {"p": 0.6}}, ErasedThenNoised(0.6, 0.2)),
    ({"block_mask": {"size": 3}}, CoveredThenNoised(3, 0.2)),
]


@pytest.mark.parametrize(("corruption", "likelihood"), CHAINS, ids=["erasure", "block_mask"])
def test_the_likelihoods_are_those_of_the_corruptions(corruption: dict, likelihood: Likelihood) -> None:
    """Originals are as often the most probable ones, and as surprising, as the posterior itself expects.

    Over draws from the prior the true original's posterior probability has the mean of the sum of squared posterior
    probabilities, and its negative logarithm the mean of the entropy: both only if the likelihood is the corruption's.
    """
    originals, generator = images(40, 4, 4), stream(0, "draws")
    truth = torch.randint(40, (6000,), generator=generator)
    chain = Corruptor([spec("corruption", item) for item in (corruption, {"gaussian_noise": {"sigma": 0.2}})])
    y = chain(originals[truth] / 255, generator).x
    found = posterior(y, originals, likelihood, kept=40)
    weight = torch.where(found.candidates == truth[:, None], found.weights, 0.0).sum(1)
    for surplus in (weight - found.weights.square().sum(1), -weight.clamp(min=1e-30).log() - found.entropy):
        assert abs(surplus.mean()) < 4 * surplus.std() / math.sqrt(len(surplus))


def test_no_answer_has_a_smaller_squared_error_than_the_mean() -> None:
    """On draws from the prior, and an original drawn from the posterior has twice its error."""
    originals = torch.randn(30, 2, generator=stream(0, "originals"))
    clean = originals[torch.randint(30, (20_000,), generator=stream(0, "prior"))]
    y = clean + 0.7 * torch.randn(clean.shape, generator=stream(0, "noise"))
    mean = exact_denoiser(originals, 0.7)(y)
    drawn = originals[draw_originals(y, originals, GaussianNoised(0.7), generator=stream(0, "drawn"))]
    best, shrunk, sampled = ((answer - clean).square().sum(1).mean() for answer in (mean, 0.95 * mean, drawn))
    assert best < shrunk
    assert sampled / best == pytest.approx(2, abs=0.06)


def test_images_of_another_kind_are_refused() -> None:
    """The message says what the likelihood takes, and where to get it."""
    with pytest.raises(InputError, match=r"grey images as they are stored.*torch\.float32 \(3, 1, 4, 4\)"):
        ErasedThenNoised(0.5, 0.1)(torch.zeros(1, 1, 4, 4), torch.zeros(3, 1, 4, 4))


def test_a_square_that_does_not_fit_is_refused() -> None:
    """The message gives both sizes."""
    with pytest.raises(InputError, match=r"side 5 does not fit into pictures of 4 x 4"):
        CoveredThenNoised(5, 0.1)(torch.zeros(1, 1, 4, 4), images(3, 4, 4))
