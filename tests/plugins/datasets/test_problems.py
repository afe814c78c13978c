"""Vincent's problems: drawn by the published rules, balanced, disjoint, and the same for everybody."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from daecore_plugins.datasets import backgrounds, convex, digit_problems, problem, rectangles
from scipy import stats
from skimage.morphology import convex_hull_image
from torch.nn import functional as F

from daecore import DataError, Dataset, Samples, Splits, stream

MODULES = (digit_problems, rectangles, convex)
PROBLEMS = {one.name: one for module in MODULES for one in module.register_datasets()}
SHAPES = ["rectangles", "rectangles_img", "convex"]  # which need no MNIST
CACHE = Path(os.environ.get("DAE_DATA", "~/.cache/daecore")).expanduser()
DIGESTS = {
    "mnist_basic": "4b5d91d63ee263f2edde1162eec081e5cd133ab6c4bc55cda00987600c6dd267",
    "mnist_rot": "56cf444059046466b4129f6d76472e123762c582f69fe5b230450d030c181dd6",
    "mnist_bg_rand": "221a94d08ffbe42e3aa44017434f1ea49755cae510c2992969b39df1e2797c2a",
    "mnist_bg_img": "0ee00d236f6f8f527fe02fe46574f8ec5583633dafa5992bb88949aaa61e067a",
    "mnist_bg_img_rot": "c1bdeac5d1918ee2c80ffa02cdd3ee85f47902f6f6becf3f0832a973dec2f8c1",
    "rectangles": "f5c704254c62df845368db7ca55fe8b7957dadfd6bc7ccb3031565708eb989b6",
    "rectangles_img": "8d4da74a74850ed5cc584ca30351dba5b7a11e13e71a98e058d9ad13cd870aff",
    "convex": "626aab5035531cba4b8e618a9085c012fffad4ccc80fef7040bc353635213880",
}
SMALL_DIGESTS = {
    "rectangles": "cc0062fb29f9c7da7fa75ed0683ac06deed9f826530ee388c85b98d24d2484ee",
    "rectangles_img": "5db32cebc5c0914a2b8c03bbdf5f47c13314e93e3b6e467c2762f15da5f08ef6",
    "convex": "561f4dccba750ea0979dfb0c02120f2e7e42708a080689589d183f4b499126ad",
}
SURE = 1e-4  # a true fact of randomness fails its test this rarely; the seeds are fixed besides


def load(name: str, **options: int) -> Splits:
    extension = PROBLEMS[name]
    return extension.function(extension.options(**options), cache=CACHE)


def sets(splits: Splits) -> list[Samples]:
    return [splits.train, splits.validation, *splits.test]


def numbered() -> Samples:
    """70,000 black pictures but for the first two pixels, which say their number."""
    data = torch.zeros(70_000, 1, 28, 28, dtype=torch.uint8)
    number = torch.arange(70_000)
    data[:, 0, 0, 0], data[:, 0, 0, 1], data[:, 0, 0, 2] = number // 65_536, number // 256 % 256, number % 256
    return Samples(data, number % 10)


def numbers(samples: Samples) -> torch.Tensor:
    pixels = samples.data[:, 0, 0, :3].long()
    return pixels @ torch.tensor([65_536, 256, 1])


@pytest.mark.parametrize("extension", PROBLEMS.values(), ids=PROBLEMS)
def test_every_problem_is_declared(extension: Dataset) -> None:
    """Eight problems of 10,000 / 2,000 / 50,000 samples, 28 x 28."""
    assert len(PROBLEMS) == 8
    assert extension.sample_shape(extension.options()) == (1, 28, 28)
    assert extension.options().sizes == {"train": 10_000, "validation": 2_000, "test": 50_000}
    assert extension.classes == (10 if extension.name.startswith("mnist") else 2)


def test_no_digit_is_in_two_sets() -> None:
    """62,000 different digits of the 70,000, with their labels."""
    splits = digit_problems.digit_problem(
        "x", numbered(), digit_problems.DigitProblem(), lambda digits, generator: digits
    )
    drawn = torch.cat([numbers(part) for part in sets(splits)])
    assert [len(part) for part in sets(splits)] == [10_000, 2_000, 50_000]
    assert len(drawn.unique()) == len(drawn)
    assert all(torch.equal(numbers(part) % 10, part.labels) for part in sets(splits))


def test_fewer_digits_are_the_first_ones() -> None:
    """Whatever is drawn for them stays the same, also in the middle of a chunk."""
    digits = numbered()
    many, few = (
        digit_problems.digit_problem(
            "x", digits, digit_problems.DigitProblem(train=train, validation=40, test=test), digit_problems.before_noise
        )
        for train, test in ((2_500, 1_200), (1_300, 70))
    )
    for large, small in zip(sets(many), sets(few), strict=True):
        assert torch.equal(large.data[: len(small)], small.data)
        assert torch.equal(large.labels[: len(small)], small.labels)


@pytest.mark.parametrize("name", SHAPES)
def test_fewer_shapes_are_the_first_ones(name: str) -> None:
    """A smaller set lies within a larger one."""
    many, few = load(name, train=61, validation=11, test=900), load(name, train=40, validation=10, test=33)
    for large, small in zip(sets(many), sets(few), strict=True):
        assert torch.equal(large.data[: len(small)], small.data)
        assert torch.equal(large.labels[: len(small)], small.labels)


@pytest.mark.parametrize("name", SHAPES)
def test_two_classes_are_balanced_and_their_sets_disjoint(name: str) -> None:
    """No picture is in two sets, though few rectangles exist; each set has as many of both classes."""
    splits = load(name, train=100, validation=20, test=700)
    found = [{image.numpy().tobytes() for image in part.data} for part in sets(splits)]
    assert len(found[0] | found[1] | found[2]) == sum(map(len, found))
    assert [part.labels.bincount().tolist() for part in sets(splits)] == [[50, 50], [10, 10], [350, 350]]


def test_pictures_are_shared_out_by_the_sizes_of_the_sets() -> None:
    """5 : 1 : 25, by chance alone."""
    images = torch.randint(256, (20_000, 1, 28, 28), generator=stream(0, "test"), dtype=torch.uint8)
    counts = problem.parts_of(images).bincount(minlength=3).numpy()
    assert stats.chisquare(counts, 20_000 * np.array([5, 1, 25]) / 31).pvalue > SURE


def test_a_quarter_turn_is_exact() -> None:
    """Counter-clockwise, about the centre between the four middle pixels; no turn changes nothing."""
    images = torch.randint(256, (4, 28, 28), generator=stream(0, "test"), dtype=torch.uint8)
    angles = torch.arange(4).double() * torch.pi / 2
    for turned, image, quarter in zip(digit_problems.rotate(images, angles), images, range(4), strict=True):
        assert torch.equal(turned, image.rot90(quarter))


def test_turning_agrees_with_grid_sample() -> None:
    """Within what positions rounded to a 256th of a pixel can make, and a rounding, on smooth pictures."""
    x = torch.linspace(-3, 3, 28)
    images = (255 * torch.exp(-(x[:, None] ** 2) - (x - 0.7) ** 2 / 3)).round().to(torch.uint8).expand(50, -1, -1)
    angles = torch.linspace(0, 6, 50, dtype=torch.float64)
    turn = torch.stack([angles.cos(), -angles.sin(), 0 * angles, angles.sin(), angles.cos(), 0 * angles], 1)
    grid = F.affine_grid(turn.reshape(50, 2, 3), [50, 1, 28, 28], align_corners=True)
    expected = F.grid_sample(images.double()[:, None], grid, align_corners=True)[:, 0]
    steepest = images.float().diff(dim=1).abs().max() + images.float().diff(dim=2).abs().max()
    error = (digit_problems.rotate(images, angles).double() - expected).abs().max()
    assert error <= 0.5 + steepest / 256 + 1e-6


def test_angles_are_uniform() -> None:
    """A dot that is turned lies in any direction alike (Kolmogorov and Smirnov)."""
    dot = torch.zeros(4_000, 28, 28, dtype=torch.uint8)
    dot[:, 13:15, 22:24] = 255
    turned = digit_problems.turn(dot, stream(0, "test")).double()
    centred = torch.arange(28).double() - 13.5
    angle = torch.atan2(-(turned.sum(2) @ centred), turned.sum(1) @ centred)
    assert stats.kstest(angle.numpy(), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > SURE


def test_noise_is_uniform_over_all_grey_levels() -> None:
    """Where a digit is black, each of 256 levels is as likely (chi squared)."""
    noise = digit_problems.before_noise(torch.zeros(500, 28, 28, dtype=torch.uint8), stream(0, "test"))
    assert stats.chisquare(noise.flatten().bincount(minlength=256).numpy()).pvalue > SURE


@pytest.mark.parametrize("before", ["noise", "photographs"])
def test_the_larger_value_is_seen(before: str) -> None:
    """A digit hides what is darker, and is hidden by what is brighter."""
    vary = digit_problems.before_noise if before == "noise" else digit_problems.before_photographs()
    black = torch.zeros(50, 28, 28, dtype=torch.uint8)
    grey = black.clone()
    grey[:, 10:20, 5:9] = 120
    background, seen = (vary(digits, stream(0, "test")) for digits in (black, grey))
    assert torch.equal(seen, torch.maximum(background, grey))
    assert 0 < (seen[:, 10:20, 5:9] == 120).float().mean() < 1


def test_backgrounds_are_not_turned() -> None:
    """What a turned digit stands before is an upright piece of a photograph: its first row is found in one."""
    source = backgrounds.photographs()
    ends = source.shapes.prod(1).cumsum(0).tolist()
    images = [
        part.view(*shape) for part, shape in zip(source.pixels.tensor_split(ends[:-1]), source.shapes, strict=True)
    ]
    for patch in digit_problems.before_photographs()(torch.zeros(3, 28, 28, dtype=torch.uint8), stream(0, "test")):
        assert any((image.unfold(1, 28, 1) == patch[0]).all(2).any() for image in images)


def test_dull_patches_are_not_taken() -> None:
    """A standard deviation of 25 grey levels at least, as NumPy computes it."""
    patches = backgrounds.photographs().patches(500, stream(0, "test"))
    assert patches.numpy().reshape(500, -1).std(1).min() >= backgrounds.DULL
    ramp = torch.arange(40).expand(1, 40, 40)
    scale = torch.tensor([1.0, 2, 2.15, 2.2, 3])[:, None, None]
    mixed = (ramp * scale).to(torch.uint8)
    deviation = mixed.numpy().reshape(5, -1).std(1)
    assert backgrounds.is_dull(mixed).tolist() == (deviation < backgrounds.DULL).tolist()
    assert 0 < backgrounds.is_dull(mixed).sum() < 5


def test_other_photographs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem before other photographs is another problem."""
    monkeypatch.setitem(backgrounds.PHOTOGRAPHS, "moon.png", "0" * 64)
    with pytest.raises(DataError, match=r"moon\.png with sha256 000.*has 7873.*install scikit-image"):
        backgrounds.photographs()


def test_rectangles_are_outlines_and_as_labelled() -> None:
    """One pixel thick; height and width differ by three at least, and the label says which is larger."""
    splits = load("rectangles", train=2_000)
    white = splits.train.data[:, 0] == 255
    assert torch.equal(white, splits.train.data[:, 0] > 0)
    height, width = white.any(2).sum(1), white.any(1).sum(1)
    assert (height - width).abs().min() == rectangles.LEAST_DIFFERENCE
    assert torch.equal(splits.train.labels == 1, width > height)
    thin = torch.minimum(height, width) == 1
    border = torch.where(thin, height * width, 2 * (height + width) - 4)
    assert torch.equal(white.flatten(1).sum(1), border)


def test_every_pair_of_sides_is_as_likely() -> None:
    """Uniform over the pairs that differ enough (chi squared), and every place where the rectangle fits is used."""
    height, width = (
        torch.cat(both)
        for both in zip(
            *(rectangles.sides(stream(0, number), least=20, difference=3) for number in range(40)), strict=True
        )
    )
    counts = (height * 100 + width).unique(return_counts=True)[1]
    assert len(counts) == 6 * 7
    assert stats.chisquare(counts.numpy()).pvalue > SURE
    whole, _ = rectangles.areas(torch.full((4_000,), 26), torch.full((4_000,), 27), stream(0, "test"))
    corners = whole.any(2).int().argmax(1) * 2 + whole.any(1).int().argmax(1)
    assert stats.chisquare(corners.bincount(minlength=6).numpy()).pvalue > SURE


def test_filled_rectangles_keep_their_bounds() -> None:
    """Sides of 10 pixels at least that differ by 5 at least; 25 to 75 % of the picture."""
    for label in (0, 1):
        areas = rectangles.fill(label, stream(0, "test"))
        height, width = areas.any(2).sum(1), areas.any(1).sum(1)
        assert torch.equal(areas.flatten(1).sum(1), height * width)
        assert torch.minimum(height, width).min() >= 10
        assert (width - height if label else height - width).min() >= 5
        assert (height * width).min() >= 0.25 * 784
        assert (height * width).max() <= 0.75 * 784


def convex_by_definition(region: np.ndarray) -> bool:
    """No other pixel is within all supporting half-planes, whose normals may be any vector of the grid's size."""
    side = len(region)
    normals = np.array([(i, j) for i in range(-side, side + 1) for j in range(-side, side + 1) if i or j])
    pixels = np.argwhere(np.ones_like(region))
    if not region.any():
        return True
    reach = (normals @ np.argwhere(region).T).max(1)
    hull = (normals @ pixels.T <= reach[:, None]).all(0)
    return bool(hull.sum() == region.sum())


def test_convexity_is_exact() -> None:
    """Against the definition, on pictures of a few pixels, of any kind: dots, gaps, slanted and broken lines, hulls."""
    generator = stream(0, "test")
    few = torch.rand(600, 6, 6, generator=generator) < torch.rand(600, 1, 1, generator=generator) * 0.25
    large = convex.intersections(300, 1, 0.2, 6, generator)[:200, 10:16, 8:14]
    nearly = large ^ (torch.rand(large.shape, generator=generator) < 0.02)
    regions = torch.cat([few, large, nearly])
    expected = [convex_by_definition(region.numpy()) for region in regions]
    assert convex.is_convex(regions).tolist() == expected
    assert 100 < sum(expected) < len(expected) - 100


def test_convexity_agrees_with_scikit_image() -> None:
    """Regions of the full size are convex where their hull adds no pixel."""
    generator = stream(0, "test")
    unions = convex.intersections(800, 1, 0.1, 10, generator)
    regions = torch.cat([unions[0::2][:60] | unions[1::2][:60], unions[:40]])
    same = [bool((convex_hull_image(region, offset_coordinates=False) == region).all()) for region in regions.numpy()]
    assert convex.is_convex(regions).tolist() == same


def test_convex_regions_are_as_labelled() -> None:
    """Half of the regions are convex and have 19 pixels at least; all are white on black."""
    splits = load("convex", train=50, validation=10, test=250)
    regions = splits.test[0].data[:, 0] == 255
    assert torch.equal(regions, splits.test[0].data[:, 0] > 0)
    assert torch.equal(convex.is_convex(regions), splits.test[0].labels == 1)
    assert regions[1::2].flatten(1).sum(1).min() >= 19


def test_half_planes_are_numbered_geometrically() -> None:
    """After each one from the f-th on it was the last with the same probability p; so says how much is left.

    Each holds a pixel with probability 1/2: left are sum_k p (1 - p)^(k - f) 2^-k = 2^(1 - f) p / (1 + p) of them.
    """
    for fewest, stop in ((1, 0.2), (1, 0.5), (3, 0.2)):
        left = convex.intersections(10_000, fewest, stop, 0, stream(0, "test")).flatten(1).double().mean(1)
        expected = 2 ** (1 - fewest) * stop / (1 + stop)
        assert left.mean().item() == pytest.approx(expected, abs=4 * left.std().item() / len(left) ** 0.5)


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_the_same_for_everybody(name: str) -> None:
    """SHA-256 of a small cut, at one thread and at two."""
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            assert load(name, train=20, validation=10, test=100).digest == SMALL_DIGESTS[name]
    finally:
        torch.set_num_threads(before)


@pytest.mark.long
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_whole_problem_is_the_same_for_everybody(name: str) -> None:
    """SHA-256 of all 62,000 samples."""
    assert load(name).digest == DIGESTS[name]
