"""Facts about the built-in corruptions: moments, shares, areas, means, and the contract they all keep."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from daecore import Corruptor, InputError
from daecore.plugin.spec import Spec, spec
from daecore.rng import stream

NAMES = ["block_mask", "blur", "downscale", "erasure", "gaussian_noise", "salt_pepper", "shot_noise"]
RANDOM = ["block_mask", "erasure", "gaussian_noise", "salt_pepper", "shot_noise"]
SHAPES = [(1, 28, 28), (3, 28, 28), (1, 11, 17), (3, 11, 17)]


def images(shape: tuple[int, ...] = (1, 28, 28), count: int = 64) -> Tensor:
    return torch.rand((count, *shape), generator=stream(0, "images"))


def named(name: str, **options: Any) -> Spec:
    return spec("corruption", {name: options})


def corrupt(x: Tensor, name: str, seed: int = 0, **options: Any) -> tuple[Tensor, Tensor | None]:
    result = Corruptor([named(name, **options)])(x, stream(seed, "noise"))
    return result.x, result.touched


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_the_declared_output_shape_is_what_comes_out(name: str, shape: tuple[int, ...]) -> None:
    options = {"factor": 1} if name == "downscale" and shape[1] % 2 else {}
    corruptor = Corruptor([named(name, **options)])
    result = corruptor(images(shape, 5), stream(0, "noise"))
    assert tuple(result.x.shape[1:]) == corruptor.output_shape(shape)
    assert result.x.dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_the_input_stays_as_it_was(name: str) -> None:
    x = images()
    before = x.clone()
    corrupt(x, name)
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_stream_gives_the_same_bytes_and_the_global_state_stays(name: str) -> None:
    before = torch.get_rng_state()
    assert torch.equal(corrupt(images(), name)[0], corrupt(images(), name)[0])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_changes_exactly_the_random_ones(name: str) -> None:
    same = torch.equal(corrupt(images(), name, seed=0)[0], corrupt(images(), name, seed=1)[0])
    assert same == (name not in RANDOM)
    assert named(name).extension.random == (name in RANDOM)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_happens_at_the_declared_identity(name: str) -> None:
    strength = named(name).extension.strength
    assert strength is not None
    if strength.identity is not None:
        assert torch.equal(corrupt(images(), name, **{strength.option: strength.identity})[0], images())
        assert Corruptor([named(name, **{strength.option: strength.identity})]).unbiased


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_on_the_meta_device(name: str) -> None:
    """No value is read back to the host: that would fail without data."""
    x = torch.empty((4, 1, 28, 28), device="meta")
    assert Corruptor([named(name)])(x, stream(0, "noise", device="meta")).x.device.type == "meta"


@pytest.mark.parametrize("name", NAMES)
def test_autocast_does_not_change_it(name: str) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        mixed, _ = corrupt(images(), name)
    assert torch.equal(mixed, corrupt(images(), name)[0])


@pytest.mark.parametrize("name", ["erasure", "gaussian_noise", "salt_pepper", "blur", "shot_noise"])
def test_a_strength_per_image_acts_as_each_alone(name: str) -> None:
    """Image i of a batch with strengths s is corrupted as by a batch in which all have the strength s[i]."""
    chosen = named(name)
    strength = chosen.extension.strength
    assert chosen.extension.per_image
    assert strength is not None
    values = (strength.low, strength.high)
    x = images(count=2)
    mixed = chosen.options.model_copy(update={strength.option: torch.tensor(values).view(2, 1, 1, 1)})
    function = chosen.extension.function

    def first(options: Any) -> Tensor:
        result = function(x, options, generator=stream(0, "noise"))
        return result[0] if isinstance(result, tuple) else result

    together = first(mixed)
    if name == "shot_noise":  # Poisson sampling draws a varying number of values: only the moments agree
        assert (together - x)[0].std() < (together - x)[1].std()
        return
    for i, value in enumerate(values):
        alone = first(chosen.options.model_copy(update={strength.option: value}))
        torch.testing.assert_close(together[i], alone[i])


@pytest.mark.parametrize(
    ("name", "options"), [("erasure", {"rescale": True}), ("gaussian_noise", {}), ("shot_noise", {})]
)
def test_what_is_declared_unbiased_has_the_mean_of_the_clean_image(name: str, options: dict[str, Any]) -> None:
    """The mean of 40,000 draws lies within five standard errors of the clean value, at every pixel."""
    x = images((1, 3, 4), 1).expand(40_000, 1, 3, 4)
    assert Corruptor([named(name, **options)]).unbiased
    noise = corrupt(x, name, **options)[0] - x
    error = noise.std(0) / 200
    assert (noise.mean(0).abs() < 5 * error).all()


def test_what_changes_the_mean_is_not_declared_unbiased() -> None:
    biased = [
        named("erasure"),
        named("gaussian_noise", clip=True),
        named("salt_pepper"),
        named("block_mask"),
        named("blur"),
    ]
    assert not any(Corruptor([one]).unbiased for one in biased)


def test_gaussian_noise_has_the_standard_deviation_it_was_told() -> None:
    noise = corrupt(torch.zeros(100, 1, 28, 28), "gaussian_noise", sigma=0.3)[0]
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)
    assert noise.min() < 0


def test_gaussian_noise_takes_points() -> None:
    points = torch.zeros(50_000, 2)
    assert Corruptor([named("gaussian_noise")]).output_shape((2,)) == (2,)
    assert corrupt(points, "gaussian_noise", sigma=0.1)[0].std().item() == pytest.approx(0.1, rel=0.02)


def test_clipped_noise_stays_in_range() -> None:
    noisy = corrupt(images(), "gaussian_noise", sigma=1, clip=True)[0]
    assert noisy.min() == 0
    assert noisy.max() == 1


def test_shot_noise_after_another_noise_has_no_bias() -> None:
    """A black pixel that the earlier noise took below zero is not lifted back."""
    dark = torch.zeros(200, 1, 28, 28)
    noisy = corrupt(corrupt(dark, "gaussian_noise", sigma=0.3)[0], "shot_noise", peak=20)[0]
    assert abs(noisy.mean().item()) < 5 * noisy.std().item() / noisy.numel() ** 0.5


def test_shot_noise_has_the_variance_of_a_photon_count() -> None:
    noisy = corrupt(torch.full((100, 1, 28, 28), 0.5), "shot_noise", peak=20)[0]
    assert noisy.var().item() == pytest.approx(0.5 / 20, rel=0.03)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", ["erasure", "salt_pepper"])
def test_the_share_of_touched_pixels_is_p(name: str, p: float) -> None:
    x = images((3, 28, 28), 100)
    y, touched = corrupt(x, name, p=p)
    assert touched is not None
    assert touched.float().mean().item() == pytest.approx(p, abs=0.01)
    assert torch.equal((y != x).any(1, keepdim=True), touched)


def test_erased_pixels_lose_all_their_channels_and_take_the_fill() -> None:
    y, erased = corrupt(images((3, 28, 28)), "erasure", p=0.5, fill=0.25)
    assert erased is not None
    assert (y[erased.expand_as(y)] == 0.25).all()


def test_erasure_takes_batches_of_any_size() -> None:
    """Four pixels share a number drawn; nine pixels are no multiple of four."""
    y, erased = corrupt(torch.ones(1, 1, 3, 3), "erasure", p=0.5)
    assert erased is not None
    assert torch.equal(y == 0, erased)


def test_pixels_that_share_a_number_drawn_are_erased_independently() -> None:
    """Of 200,000 neighbours at any distance below eight, a quarter go dark together, within five standard errors."""
    _, erased = corrupt(torch.ones(200_000 // 784 + 1, 1, 28, 28), "erasure", p=0.5)
    assert erased is not None
    bits = erased.flatten().float()
    for distance in range(1, 9):
        together = (bits[:-distance] * bits[distance:]).mean().item()
        assert together == pytest.approx(0.25, abs=5 * (0.25 * 0.75 / len(bits)) ** 0.5)


def test_everything_is_erased_at_p_one() -> None:
    assert corrupt(images(), "erasure", p=1)[0].count_nonzero() == 0


def test_nothing_is_erased_at_p_zero() -> None:
    assert torch.equal(corrupt(images(), "erasure", p=0)[0], images())


def test_salt_and_pepper_come_in_equal_shares() -> None:
    y, replaced = corrupt(torch.full((100, 1, 28, 28), 0.5), "salt_pepper", p=0.4)
    assert replaced is not None
    assert y[replaced].mean().item() == pytest.approx(0.5, abs=0.01)
    assert set(y.unique().tolist()) == {0.0, 0.5, 1.0}


@pytest.mark.parametrize("size", [1, 10, 16, 28])
def test_a_block_covers_exactly_its_area(size: int) -> None:
    y, covered = corrupt(images((3, 28, 28)), "block_mask", size=size, fill=0.5)
    assert covered is not None
    assert (covered.sum((1, 2, 3)) == size * size).all()
    assert (y[covered.expand_as(y)] == 0.5).all()


def test_blocks_reach_every_place_and_differ_between_images() -> None:
    covered = corrupt(images(count=2000), "block_mask", size=10)[1]
    assert covered is not None
    assert covered.any(0).all()
    corners = covered[:, 0, 0, 0].float().mean().item()
    assert corners == pytest.approx(1 / 19**2, abs=0.005)


def test_several_blocks_cover_at_most_the_sum_of_their_areas() -> None:
    covered = corrupt(images(), "block_mask", size=5, count=3)[1]
    assert covered is not None
    area = covered.sum((1, 2, 3))
    assert (area <= 75).all()
    assert area.max() == 75


@pytest.mark.parametrize(("sigma", "shape"), [(0.5, (1, 28, 28)), (4, (3, 8, 8)), (2, (1, 11, 17)), (16, (1, 5, 5))])
def test_blur_preserves_the_mean(sigma: float, shape: tuple[int, ...]) -> None:
    x = images(shape)
    torch.testing.assert_close(corrupt(x, "blur", sigma=sigma)[0].mean((2, 3)), x.mean((2, 3)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
def test_blur_equals_the_gaussian_filter_of_scipy(sigma: float) -> None:
    from scipy.ndimage import gaussian_filter

    x = images((1, 8, 13), 2)
    expected = gaussian_filter(x.numpy(), sigma=(0, 0, sigma, sigma), mode="reflect", truncate=8)
    torch.testing.assert_close(corrupt(x, "blur", sigma=sigma)[0], torch.from_numpy(expected), rtol=1e-4, atol=1e-5)


def test_downscaling_averages_squares() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert corrupt(x, "downscale")[0].flatten().tolist() == [2.5, 4.5, 10.5, 12.5]


@pytest.mark.parametrize(
    ("name", "options", "shape", "message"),
    [
        ("block_mask", {"size": 29}, (1, 28, 28), "does not fit into 28x28.*at most 28"),
        ("downscale", {"factor": 3}, (1, 28, 28), "not divisible by 3"),
        ("impulse", {}, (2,), "is for images"),
    ],
)
def test_a_shape_it_cannot_take_is_refused(name: str, options: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Corruptor([named(name, **options)]).output_shape(shape)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("erasure", {"p": 1.5}, "less than or equal to 1"),
        ("erasure", {"rescale": True, "fill": 0.5}, "needs fill 0 and p below 1, got fill 0.5"),
        ("erasure", {"rescale": True, "p": 1}, "needs fill 0 and p below 1"),
        ("gaussian_noise", {"sigma": -1}, "greater than or equal to 0"),
        ("gaussian_noise", {"sigma": float("nan")}, "finite|greater than or equal"),
        ("shot_noise", {"peak": 0}, "greater than or equal to 0.1"),
        ("blur", {"radius": 3}, "no option 'radius' here"),
        ("downscale", {"factor": 0}, "greater than or equal to 1"),
    ],
)
def test_wrong_options_are_refused_with_the_limit(name: str, options: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        named(name, **options)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_described_and_has_a_default(name: str) -> None:
    for field in type(named(name).options).model_fields.values():
        assert field.description
        assert not field.is_required()


def test_a_chain_applies_in_order_and_joins_what_was_touched() -> None:
    chain = Corruptor([named("erasure", p=0.3), named("block_mask", size=4)])
    result = chain(images(), stream(0, "noise"))
    assert result.touched is not None
    assert (result.x[result.touched] == 0).all()
    assert Corruptor([named("downscale"), named("block_mask", size=14)]).output_shape((1, 28, 28)) == (1, 14, 14)


@pytest.mark.parametrize("after", ["gaussian_noise", "downscale"])
def test_a_chain_knows_no_mask_where_a_link_has_none(after: str) -> None:
    """After noise on every value, or on a smaller picture, a mask of the first link would be wrong."""
    assert Corruptor([named("erasure"), named(after)])(images(), stream(0, "noise")).touched is None


@pytest.mark.parametrize("name", ["erasure", "salt_pepper"])
def test_the_values_of_a_vector_are_touched_one_by_one(name: str) -> None:
    """Codes (B, F): the share that was asked for, marked where it changed, and each value on its own."""
    codes = 0.25 + 0.5 * torch.rand((400, 100), generator=stream(0, "codes"))
    corrupted, touched = corrupt(codes, name, p=0.25)
    assert Corruptor([named(name)]).output_shape((100,)) == (100,)
    assert touched is not None
    assert torch.equal(corrupted != codes, touched)
    assert touched.float().mean().item() == pytest.approx(0.25, abs=5 * (0.25 * 0.75 / 40_000) ** 0.5)
    assert touched.float().mean(1).std().item() == pytest.approx((0.25 * 0.75 / 100) ** 0.5, rel=0.15)
