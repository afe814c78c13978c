"""Facts about `affine` and `elastic`: how far, how much and how smoothly pictures are warped."""

import math

import pytest
import torch
from daecore_plugins.corruptions.elastic import smooth_field
from torch import Tensor

from daecore import Corruptor
from daecore.plugin.spec import spec
from daecore.rng import stream

STILL = {"rotation": 0, "shift": 0, "scale": 0, "shear": 0}


@pytest.fixture(autouse=True)
def _one_thread():
    """Pictures this small gain nothing from threads, and lose much on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def spot(height: int, width: int, right: float, down: float, count: int) -> Tensor:
    """A round blot, so many pixels right of the middle and below it: ``(count, 1, height, width)``."""
    rows = torch.arange(height)[:, None] - (height - 1) / 2 - down
    columns = torch.arange(width)[None, :] - (width - 1) / 2 - right
    return (-0.5 * (rows.square() + columns.square()) / 1.5**2).exp().expand(count, 1, height, width)


def middles(x: Tensor) -> Tensor:
    """Where the light of each picture lies, right of the middle and below it, in pixels: ``(B, 2)``."""
    height, width = x.shape[2:]
    light = x[:, 0] / x.sum((1, 2, 3))[:, None, None]
    columns = (light.sum(1) * (torch.arange(width) - (width - 1) / 2)).sum(1)
    rows = (light.sum(2) * (torch.arange(height) - (height - 1) / 2)).sum(1)
    return torch.stack((columns, rows), 1)


def warped(x: Tensor, name: str, **options: float) -> Tensor:
    return Corruptor([spec("corruption", {name: options})])(x, stream(0, "warps")).x


def test_a_shift_is_uniform_within_its_range() -> None:
    """Along each axis on its own: mean 0, variance a third of the range squared, never beyond it."""
    found = middles(warped(spot(29, 37, 0, 0, 4000), "affine", **STILL | {"shift": 3.0}))
    assert found.abs().max() <= 3.01
    torch.testing.assert_close(found.mean(0), torch.zeros(2), rtol=0, atol=0.12)
    torch.testing.assert_close(found.var(0), torch.full((2,), 3.0), rtol=0, atol=0.15)
    assert abs(torch.corrcoef(found.T)[0, 1]) < 0.06


def test_a_rotation_keeps_the_distance_from_the_middle() -> None:
    """In pictures that are no squares too; with 180 degrees every direction is as likely."""
    found = middles(warped(spot(31, 45, 6, 4, 4000), "affine", **STILL | {"rotation": 180.0}))
    torch.testing.assert_close(found.norm(dim=1), torch.full((4000,), math.hypot(6, 4)), rtol=0, atol=0.05)
    angles = torch.atan2(found[:, 1], found[:, 0])
    assert torch.stack((angles.cos(), angles.sin())).mean(1).abs().max() < 0.06


def test_a_scale_multiplies_the_distance() -> None:
    """By e to a uniform number: its logarithm has mean 0 and the range's variance."""
    found = middles(warped(spot(45, 45, 5, 0, 4000), "affine", **STILL | {"scale": 0.5}))
    factor = (found[:, 0] / 5).log()
    assert factor.abs().max() < 0.52
    assert factor.mean().abs() < 0.03
    assert factor.var().item() == pytest.approx(0.25 / 3, rel=0.1)
    assert found[:, 1].abs().max() < 0.05


def test_a_shear_moves_rows_by_their_height() -> None:
    """What stands two rows above moves twice as far as what stands one above; nothing moves up or down."""
    near, far = (middles(warped(spot(45, 45, 0, down, 500), "affine", **STILL | {"shear": 0.4})) for down in (4, 8))
    torch.testing.assert_close(far[:, 0], 2 * near[:, 0], rtol=0, atol=0.05)
    torch.testing.assert_close(near[:, 1], torch.full((500,), 4.0), rtol=0, atol=0.05)


def test_the_amount_multiplies_every_range() -> None:
    """Half of it is half of each range, drawn by the same stream."""
    x = spot(29, 29, 5, 3, 50)
    half = {"rotation": 7.5, "shift": 1.0, "scale": 0.05, "shear": 0.05}
    torch.testing.assert_close(warped(x, "affine", amount=0.5), warped(x, "affine", **half))


def test_a_field_has_unit_variance_and_the_correlation_of_its_blur() -> None:
    """White noise blurred by a Gaussian of sigma correlates as exp(-d^2 / 4 sigma^2), at the borders too."""
    field = smooth_field((2000, 2, 20, 24), 3.0, stream(0, "field"), torch.device("cpu"))
    torch.testing.assert_close(field.var((0, 1)), torch.ones(20, 24), rtol=0, atol=0.15)
    assert field.mean().abs() < 0.02
    for distance in (2, 5):
        together = (field[..., distance:] * field[..., :-distance]).mean().item()
        assert together == pytest.approx(math.exp(-(distance**2) / (4 * 3.0**2)), abs=0.02)


def test_a_warp_moves_pixels_as_far_as_its_displacement_says() -> None:
    """A blot smaller than the field's waves moves by the field at its place: rms as asked, along each axis."""
    found = middles(warped(spot(45, 45, 0, 0, 3000), "elastic", displacement=1.5, sigma=8.0))
    torch.testing.assert_close(found.square().mean(0).sqrt(), torch.full((2,), 1.5), rtol=0.08, atol=0)
