"""What tiles guarantee: a picture of any size, no seam, and of an exact fit only what the network makes of it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from daecore.errors import InputError, NonFiniteError
from daecore.model.autoencoder import Shapes, build
from daecore.model.restorer import Restorer, takes_any_size
from daecore.model.tiling import PIXELS, Side, restore_tiled, tile_count
from daecore.plugin.spec import spec

SIDES = st.integers(1, 70)


def picture(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def enlarged(scale: int) -> nn.Module:
    return nn.Upsample(scale_factor=scale)


class Sized(nn.Module):
    """A network that takes one size only, and adds up what it is given: no tile may be of another."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape) * self.factor if x[0].shape == self.shape else x[:, :0]


@settings(max_examples=60, deadline=None)
@given(height=SIDES, width=SIDES, tile=st.tuples(st.integers(2, 40), st.integers(2, 40)), data=st.data())
def test_an_identity_gives_the_picture_back(
    height: int, width: int, tile: tuple[int, int], data: st.DataObject
) -> None:
    """Whatever size, tile and overlap: every pixel is covered and weights sum to one."""
    overlap = tuple(data.draw(st.integers(0, side - 1)) for side in tile)
    images = picture(2, 1, height, width)
    restored = restore_tiled(nn.Identity(), images, tile, overlap=overlap)
    assert (restored - images).abs().max() < 1e-6


@settings(max_examples=30, deadline=None)
@given(height=SIDES, width=SIDES, value=st.floats(0, 1))
def test_a_constant_picture_stays_constant(height: int, width: int, value: float) -> None:
    """Where every tile says the same, so does the whole."""
    restored = restore_tiled(nn.Identity(), torch.full((1, 3, height, width), value), (28, 28))
    assert (restored - value).abs().max() < 1e-6


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(5, 9), (14, 14), (15, 33), (61, 40)])
def test_a_network_that_enlarges_gives_a_larger_picture(scale: int, size: tuple[int, int]) -> None:
    """Tiles of 14 become tiles of 28 or 56, each in its place."""
    images = picture(1, 1, *size)
    restored = restore_tiled(enlarged(scale), images, (14, 14), scale=scale)
    assert (restored - enlarged(scale)(images)).abs().max() < 1e-6


def test_no_seam_is_left_by_convolutions() -> None:
    """Tiles equal the whole picture, but within the receptive field of its border, where tiles see reflections."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 5, padding=2))
    images = picture(1, 1, 90, 130)
    with torch.no_grad():
        whole = network(images)
    tiled = restore_tiled(network, images, (32, 32))  # margins of 4 pixels, and a receptive field of 3
    assert (tiled - whole)[..., 4:-4, 4:-4].abs().max() < 1e-6


def test_a_unet_in_tiles_is_the_unet_on_the_whole() -> None:
    """Its pooling grid stays in place, for tiles of k * 64 pixels begin at multiples of 16."""
    torch.manual_seed(0)
    unet = build(spec("architecture", "unet"), Shapes((1, 40, 40), (1, 40, 40))).eval()
    images = picture(1, 1, 300, 200)
    with torch.inference_mode():
        whole = unet(images)
    tiled = restore_tiled(unet, images, (128, 128), overlap=(96, 96))
    assert (tiled - whole)[..., 32:-32, 32:-32].abs().max() < 1e-5


def test_a_picture_of_the_tile_s_size_is_what_the_network_makes_of_it() -> None:
    """No reflection and no weight enters."""
    torch.manual_seed(0)
    network = nn.Conv2d(1, 1, 3, padding=1)
    images = picture(3, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(restore_tiled(network, images, (28, 28)), network(images))


def test_reflections_continue_a_picture_and_repeat_no_border() -> None:
    """Also where the picture is much smaller than its tile."""
    assert Side(3, 8, 4).positions.tolist() == [2, 1, 0, 1, 2, 1, 0, 1]
    assert Side(1, 4, 2).positions.tolist() == [0, 0, 0, 0]
    assert tile_count((28, 28), (28, 28), (14, 14)) == 1
    assert tile_count((29, 28), (28, 28), (14, 14)) == 2


def test_a_tile_of_another_shape_is_refused() -> None:
    """And so is an overlap that leaves no step."""
    with pytest.raises(InputError, match=r"turns tiles of shape \(1, 8, 8\) into \(1, 16, 16\)"):
        restore_tiled(enlarged(2), picture(1, 1, 9, 9), (8, 8))
    with pytest.raises(InputError, match="below the tile"):
        restore_tiled(nn.Identity(), picture(1, 1, 9, 9), (8, 8), overlap=(8, 0))


def test_what_is_not_finite_is_refused() -> None:
    """A picture with holes is not handed out."""
    with pytest.raises(NonFiniteError, match="NaN or infinite"):
        restore_tiled(nn.Identity(), torch.full((1, 1, 9, 9), torch.nan), (8, 8))


@pytest.mark.parametrize(("name", "free"), [("unet", True), ("conv", False), ("dense", False)])
def test_which_networks_take_any_size_is_found_by_trying(name: str, free: bool) -> None:
    """Without computing, on the meta device."""
    assert takes_any_size(build(spec("architecture", name), Shapes((1, 28, 28), (1, 28, 28))), (1, 28, 28)) == free


@pytest.mark.parametrize(("trained", "given"), [(1, 1), (1, 3), (3, 3), (3, 1)])
def test_grey_and_colour_networks_restore_grey_and_colour(trained: int, given: int) -> None:
    """Channel by channel, or the mean of three; the picture keeps its channels."""
    shape = (trained, 8, 8)
    image = picture(given, 21, 13)
    restored = Restorer.of(Sized(*shape), Shapes(shape, shape))(image)
    assert restored.shape == image.shape
    assert (restored - image).abs().max() < 1e-6


def test_a_network_for_other_channels_is_refused() -> None:
    with pytest.raises(InputError, match="restores 4 channels"):
        Restorer.of(Sized(4, 8, 8), Shapes((4, 8, 8), (4, 8, 8)))(picture(3, 20, 20))


@pytest.mark.parametrize(("before", "after"), [((2,), (2,)), ((1, 9, 9), (1, 28, 28)), ((1, 8, 8), (3, 8, 8))])
def test_a_network_that_maps_no_pictures_is_refused(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    """Points, an uneven enlargement, other channels."""
    with pytest.raises(InputError, match="whole k"):
        Restorer.of(nn.Identity(), Shapes(after, before))


def test_a_network_of_any_size_takes_pictures_whole_while_they_are_not_too_large() -> None:
    """Then in tiles; a side may be chosen; smaller ones than it was trained on are reflected up to that size."""
    shape = (1, 40, 40)
    free = Restorer.of(nn.Conv2d(1, 1, 3, padding=1), Shapes(shape, shape))
    assert free.tiling(300, 200) == ((300, 200), (0, 0))
    assert free.tiling(10, 200) == ((40, 200), (0, 0))
    assert free.tiling(100, PIXELS) == ((100, 512), (0, 128))
    chosen = Restorer.of(free.model, Shapes(shape, shape), 64)
    assert chosen.tiling(300, 50) == ((64, 50), (16, 0))
    with pytest.raises(InputError, match="tiles of 8x8 pixels only"):
        Restorer.of(Sized(1, 8, 8), Shapes((1, 8, 8), (1, 8, 8)), 64)
