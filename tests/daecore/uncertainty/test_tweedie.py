"""Second-order Tweedie: exact for a linear denoiser, right for the best one, and told where it cannot be had."""

import pytest
import torch
from torch import Tensor, nn

from daecore.analysis.posterior import exact_denoiser
from daecore.errors import InputError
from daecore.rng import stream
from daecore.uncertainty.tweedie import PRODUCTS, derivative, lattice_probes, posterior_moments

SIGMA = 0.5


def noisy(*shape: int) -> Tensor:
    return torch.randn(shape, generator=stream(0, "test", *shape))


class _Linear:
    """A map with a chosen matrix; counts how often it is asked."""

    def __init__(self, matrix: Tensor) -> None:
        self.matrix, self.asked = matrix, 0

    def __call__(self, x: Tensor) -> Tensor:
        self.asked += 1
        return (x.flatten(1) @ self.matrix).view_as(x)


def test_a_diagonal_jacobian_is_read_exactly_with_at_most_twelve_products() -> None:
    """Values that do not depend on each other: each probe shows its own."""
    slopes = torch.linspace(0.1, 0.9, 48)
    denoiser = _Linear(slopes.diag())
    found = posterior_moments(denoiser, noisy(3, 1, 6, 8), SIGMA)
    assert denoiser.asked <= PRODUCTS
    assert torch.allclose(found.variance[0].flatten(), SIGMA**2 * slopes, atol=1e-5)
    assert torch.allclose(found.total, SIGMA**2 * slopes.sum().expand(3), atol=1e-4)


def test_a_jacobian_of_few_directions_is_read_exactly() -> None:
    """What is not local but has fewer directions than there are products: variance, total, direction, eigenvalue."""
    rows = torch.linalg.qr(noisy(100, 3))[0].T  # (3, 100)
    values = torch.tensor([0.9, 0.4, 0.2])
    found = posterior_moments(_Linear(rows.T @ (values[:, None] * rows)), noisy(2, 1, 10, 10), SIGMA, directions=2)
    exact = SIGMA**2 * (values[:, None] * rows.square()).sum(0)
    assert torch.allclose(found.variance.flatten(1), exact.expand(2, -1), atol=1e-4)
    assert torch.allclose(found.eigenvalues, SIGMA**2 * values[:2].expand(2, -1), atol=1e-4)
    assert (found.directions.flatten(2) @ rows[:2].T).diagonal(dim1=1, dim2=2).abs().min() > 0.999
    assert torch.allclose(found.directions.flatten(2).norm(dim=2), torch.ones(2, 2), atol=1e-5)


def test_points_in_the_plane_have_the_variance_of_their_posterior() -> None:
    """Two values, two probes: the covariance of a finite set's posterior is known exactly."""
    originals = noisy(20, 2)
    x = noisy(5, 2)
    found = posterior_moments(exact_denoiser(originals, SIGMA), x, SIGMA, directions=2)
    weights = (-(x[:, None] - originals).square().sum(2) / (2 * SIGMA**2)).softmax(1)
    exact = weights @ originals.square() - (weights @ originals).square()
    assert torch.allclose(found.variance, exact, atol=1e-4)
    assert torch.allclose(found.mean, weights @ originals, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 8, 8), (2, 5, 7), (13, 4, 4), (2,), (40,)])
def test_each_value_is_in_one_probe(shape: tuple[int, ...]) -> None:
    """With a sign; and there are at most twelve probes, whatever the shape."""
    probes = lattice_probes(shape)
    assert len(probes) <= PRODUCTS
    assert probes.shape[1:] == shape
    assert torch.equal(probes.abs().sum(0), torch.ones(shape))
    assert torch.equal(probes, lattice_probes(shape))


def test_the_derivative_is_taken_in_inference_mode_too() -> None:
    """Restoring runs there."""
    with torch.inference_mode():
        value, slope = derivative(torch.square, torch.full((1, 2), 3.0), torch.ones(1, 2))
    assert (value.tolist(), slope.tolist()) == ([[9.0, 9.0]], [[6.0, 6.0]])


def test_a_network_without_a_forward_derivative_is_refused_in_a_paragraph() -> None:
    """It says what to do in its place."""

    class Opaque(torch.autograd.Function):
        @staticmethod
        def forward(context: object, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(context: object, slope: Tensor) -> Tensor:
            return slope * 2

    class Network(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = Opaque.apply(x)
            return found

    with pytest.raises(InputError, match=r"has none that can be taken forwards.* Teach error bars in its place"):
        posterior_moments(Network(), noisy(1, 1, 4, 4), SIGMA)
