"""Walking from noise to samples: the right law, the same samples for the same seed, whole pictures from tiles."""

import pytest
import torch
from torch import Tensor

from daecore import InputError, Sampler, stream
from daecore.model.autoencoder import Shapes, initialise
from daecore.model.picture_sampling import draw_picture
from daecore.model.restorer import Restorer
from daecore.model.sampling import SamplingOptions, draw_noise, draw_samples, walk
from daecore.plugin.spec import spec

MEAN, WIDTH = 0.3, 0.2


def normal(state: Tensor, time: Tensor) -> Tensor:
    """What is expected of a normal sample of this mean and width at a state ``t x + (1 - t) n``."""
    t = time[:, None]
    return MEAN + t * WIDTH**2 / (t**2 * WIDTH**2 + (1 - t) ** 2) * (state - t * MEAN)


def network(name: str = "unet", **options: object) -> Sampler:
    small = {"widths": [4, 8]} if name == "unet" else {}
    built = initialise(spec("architecture", {name: {"sampler": True, **small, **options}}), SHAPES, 0)
    assert isinstance(built, Sampler)
    return built


SHAPES = Shapes((1, 16, 16), (1, 16, 16))
CORRUPTED = torch.rand((3, 1, 16, 16), generator=stream(0, "corrupted"))


@pytest.mark.parametrize(("solver", "steps", "wrong"), [("euler", 400, 0.01), ("multistep", 40, 0.01)])
def test_a_walk_with_what_is_exactly_expected_ends_at_samples(solver: str, steps: int, wrong: float) -> None:
    """For a normal law the walk is known: noise n becomes ``mean + width n``."""
    noise = draw_noise((1000, 1), 0, 0)
    options = SamplingOptions.model_validate({"solver": solver, "steps": steps})
    ended = walk(normal, noise, options, bounded=False)
    assert (ended - (MEAN + WIDTH * noise)).abs().max() < wrong * WIDTH * noise.abs().max()


def test_steps_that_look_back_are_of_second_order() -> None:
    """Four times the steps leave a quarter of Euler's error, and about a sixteenth of theirs; both ask once a step."""
    noise = draw_noise((1000, 1), 0, 0)

    def error(solver: str, steps: int) -> float:
        options = SamplingOptions.model_validate({"solver": solver, "steps": steps})
        return float((walk(normal, noise, options, bounded=False) - (MEAN + WIDTH * noise)).abs().mean())

    assert 3.5 < error("euler", 40) / error("euler", 160) < 4.5
    assert 9 < error("multistep", 40) / error("multistep", 160) < 20
    assert error("multistep", 20) < 0.2 * error("euler", 20)


def test_samples_depend_on_seed_and_number_alone() -> None:
    """Not on the batch, nor on how many are drawn; each number and each seed gives others."""
    model, options = network(), SamplingOptions(steps=3)
    drawn = draw_samples(model, CORRUPTED, 3, options, shape=(1, 16, 16))
    assert drawn.shape == (3, 3, 1, 16, 16)
    again = draw_samples(model, CORRUPTED, 2, options, shape=(1, 16, 16), batch=2)
    torch.testing.assert_close(again, drawn[:2], rtol=0, atol=1e-5)
    other = draw_samples(model, CORRUPTED, 1, SamplingOptions(steps=3, seed=1), shape=(1, 16, 16))
    assert not torch.allclose(drawn[0], drawn[1])
    assert not torch.allclose(drawn[0], other[0])


def test_samples_of_images_lie_between_black_and_white() -> None:
    """Whatever an untrained network expects."""
    drawn = draw_samples(network(), 5 * CORRUPTED, 2, SamplingOptions(steps=4), shape=(1, 16, 16))
    assert 0 <= float(drawn.min()) <= float(drawn.max()) <= 1


def test_drawing_leaves_the_network_in_its_mode() -> None:
    """A network in training goes on training."""
    model = network().train()
    draw_samples(model, CORRUPTED, 1, SamplingOptions(steps=1), shape=(1, 16, 16))
    assert model.training


def test_a_network_for_smaller_images_draws_large_ones() -> None:
    """An image of half the resolution is enlarged before it is looked at."""
    built = initialise(
        spec("architecture", {"unet": {"sampler": True, "widths": [4, 8]}}), Shapes((1, 16, 16), (1, 8, 8)), 0
    )
    assert isinstance(built, Sampler)
    small = CORRUPTED[..., ::2, ::2]
    drawn = draw_samples(built, small, 2, SamplingOptions(steps=2), shape=(1, 16, 16))
    assert drawn.shape == (2, 3, 1, 16, 16)
    restorer = Restorer.of(built, Shapes((1, 16, 16), (1, 8, 8)))
    whole = draw_picture(restorer, small[0], 2, SamplingOptions(steps=2))
    torch.testing.assert_close(
        whole[:, 0],
        draw_samples(built, small[:1], 2, SamplingOptions(steps=2), shape=(1, 16, 16))[:, 0, 0],
        rtol=0,
        atol=1e-5,
    )


class Pointwise(Sampler):
    """Expects half of what is seen and half of the state; so no tile sees too little."""

    def __init__(self) -> None:
        super().__init__(torch.nn.Identity(), torch.nn.Identity())
        self.share = torch.nn.Parameter(torch.tensor(0.5))

    def predict(self, x: Tensor, state: Tensor | None, time: Tensor, hidden: Tensor) -> Tensor:
        return self.share * (x if state is None else x + state)


def test_a_large_picture_is_drawn_as_one() -> None:
    """Tile by tile within each step it becomes what it becomes as a whole: the tiles have one noise, and no seams."""
    picture = torch.rand((1, 96, 160), generator=stream(0, "picture"))
    whole = draw_picture(Restorer.of(Pointwise(), SHAPES), picture, 2, SamplingOptions(steps=5))
    tiled = draw_picture(Restorer.of(Pointwise(), SHAPES, 64), picture, 2, SamplingOptions(steps=5))
    assert tiled.shape == whole.shape == (2, 1, 96, 160)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)
    assert (whole[0] - whole[1]).abs().mean() > 0.01


def test_a_colour_picture_is_drawn_by_a_grey_network() -> None:
    """Channel by channel; a grey picture by a network of three channels as the mean of three."""
    drawn = draw_picture(Restorer.of(network(), SHAPES), torch.rand(3, 16, 16), 2, SamplingOptions(steps=2))
    assert drawn.shape == (2, 3, 16, 16)
    assert not torch.allclose(drawn[:, 0], drawn[:, 1])


def test_a_network_that_only_restores_is_refused() -> None:
    """With what to train in its place."""
    plain = Restorer.of(initialise(spec("architecture", {"unet": {"widths": [4, 8]}}), SHAPES, 0), SHAPES)
    with pytest.raises(InputError, match=r"restores, but cannot draw samples. Train one that can: .* objective=flow"):
        draw_picture(plain, torch.rand(1, 16, 16), 1, SamplingOptions())
