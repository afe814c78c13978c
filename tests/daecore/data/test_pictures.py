"""Pictures of many sizes: crops are pieces of them, drawn by place; nothing depends on the order of reading."""

import numpy as np
import pytest
import torch

from daecore.data.crops import Crops, by_size
from daecore.data.picture_store import PictureWriter
from daecore.data.pictures import Pictures
from daecore.data.samples import Samples
from daecore.data.stored_pictures import is_finished, open_pictures
from daecore.data.value_range import Extent
from daecore.rng import scatter, stream

SIZES = ((9, 12), (8, 8), (15, 10), (9, 12))


def written(tmp_path, channels=1, deep=()) -> Pictures:
    """Four pictures, in which each value is its position, those of `deep` with floats."""
    tmp_path.mkdir(exist_ok=True)
    keys = [bytes([number]) * 16 for number in range(len(SIZES))]
    with PictureWriter(tmp_path, channels, keys) as writer:
        for number, (size, key) in enumerate(zip(SIZES, keys, strict=True)):
            count = channels * size[0] * size[1]
            values = torch.arange(count).remainder(251).to(torch.uint8).view(channels, *size)
            kind = "float32" if number in deep else "uint8"
            extent = Extent(kind, 1 if number in deep else 255, 0, float(values.max()) / (255 if number in deep else 1))
            writer.add(key, values.float() / 255 if number in deep else values, extent)
        writer.finish()
    assert is_finished(tmp_path, len(SIZES), channels)
    return open_pictures(tmp_path, len(SIZES), channels)[0]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_crop_is_a_piece_of_its_picture(tmp_path, channels):
    """At every place, and each crop at the same one whatever else is read."""
    pictures = written(tmp_path, channels)
    crops = Crops(pictures, 7, 20, seed=0)
    everything = crops.read(torch.arange(len(crops)))
    assert everything.shape == (80, channels, 7, 7)
    for number in range(len(crops)):
        picture = pictures.picture(number // 20)
        pieces = picture.unfold(1, 7, 1).unfold(2, 7, 1).flatten(1, 2).transpose(0, 1)
        assert (pieces == everything[number]).flatten(1).all(1).any()
    order = torch.randperm(len(crops), generator=stream(0, "order"))
    assert torch.equal(crops.read(order), everything[order])
    assert torch.equal(Samples(crops).select(order[:9]).data, everything[order[:9]])


def test_crops_lie_everywhere_alike(tmp_path):
    """Nine places along each side of the largest picture, each with its share."""
    crops = Crops(written(tmp_path), 7, 5000, seed=3)
    corners = crops.read(torch.arange(2 * 5000, 3 * 5000))[:, 0, 0, 0]
    counts = corners.long().bincount()
    counts = counts[counts > 0]
    assert len(counts) == (15 - 6) * (10 - 6)
    expected = 5000 / len(counts)
    assert ((counts - expected).square() / expected).sum() < 70  # chi-squared with 35 degrees: below 66.6 in 99.9 %


def test_another_seed_gives_other_crops(tmp_path):
    pictures = written(tmp_path)
    one, two = (Crops(pictures, 7, 9, seed=seed) for seed in (0, 1))
    assert one.digest != two.digest
    assert not torch.equal(one.read(torch.arange(36)), two.read(torch.arange(36)))


def test_a_set_with_a_deep_picture_is_of_floats(tmp_path):
    """The others keep their values; a choice without it is uint8 again."""
    plain, mixed = written(tmp_path / "plain"), written(tmp_path / "mixed", deep=(1,))
    whole = Crops(mixed, 7, 3, seed=0)
    assert whole.read(torch.arange(12)).dtype == torch.float32
    some = Crops(mixed.select(np.array([0, 2, 3])), 7, 3, seed=0)
    assert torch.equal(
        some.read(torch.arange(9)), Crops(plain.select(np.array([0, 2, 3])), 7, 3, seed=0).read(torch.arange(9))
    )


def test_whole_pictures_come_in_a_group_for_each_size(tmp_path):
    pictures = written(tmp_path)
    groups = by_size(pictures)
    assert [(len(it), it.shape) for it in groups] == [(1, (1, 8, 8)), (2, (1, 9, 12)), (1, (1, 15, 10))]
    assert torch.equal(groups[1].read(torch.tensor([1])), pictures.picture(3)[None])


def test_numbers_by_place_are_the_same_in_any_order_and_lie_below_their_bound():
    place, below = np.arange(1000, dtype=np.uint64), np.full(1000, 7)
    drawn = scatter(0, "test", place=place, below=below)
    assert drawn.min() == 0
    assert drawn.max() == 6
    assert np.array_equal(scatter(0, "test", place=place[::-1], below=below), drawn[::-1])
    assert not np.array_equal(scatter(1, "test", place=place, below=below), drawn)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.1
