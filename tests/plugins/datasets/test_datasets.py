"""The built-in datasets: what they give, and that they give the same to everybody."""

import gzip
import hashlib
import math
import struct

import pytest
import torch
from daecore_plugins.datasets import arc, digits, fashion_mnist, idx, mnist

from daecore import DataError, Dataset, ExpectedFile, local_folder, stream

DATASETS = [module.register_datasets()[0] for module in (arc, digits, fashion_mnist, mnist)]


def points(**options) -> torch.Tensor:
    return arc.arc(arc.Arc(**options), cache=None).train.data


def idx_bytes(array: torch.Tensor) -> bytes:
    return struct.pack(f">BBBB{array.dim()}I", 0, 0, 8, array.dim(), *array.shape) + array.numpy().tobytes()


@pytest.mark.parametrize("extension", DATASETS, ids=lambda extension: extension.name)
def test_what_is_declared_is_complete(extension: Dataset):
    assert extension.summary
    assert extension.takes(extension.sample_shape(extension.options()))


def test_digits_are_three_disjoint_sets_of_full_range(tmp_path):
    splits = digits.digits(digits.Digits(), cache=tmp_path)
    sets = [splits.train, splits.validation, *splits.test]
    assert [len(part) for part in sets] == list(digits.SIZES)
    assert sum(digits.SIZES) == 1797
    assert splits.train.shape == (1, 8, 8)
    assert (splits.train.data.min(), splits.train.data.max()) == (0, 255)
    assert splits.train.labels.unique().tolist() == list(range(10))
    assert splits.digest == digits.digits(digits.Digits(), cache=tmp_path).digest


def test_arc_points_lie_on_the_circle():
    assert torch.allclose(points(radius=2.0).norm(dim=1), torch.tensor(2.0))


def test_arc_thickness_is_the_radial_deviation():
    """4 standard errors of a standard deviation from 20,000 draws."""
    deviation = points(thickness=0.1, train=20_000).norm(dim=1).std().item()
    assert deviation == pytest.approx(0.1, abs=4 * 0.1 / math.sqrt(40_000))


def test_arc_angles_are_uniform_outside_the_gap():
    data = points(turn=0.5, gap=0.5, train=20_000)
    angle = torch.atan2(data[:, 1], data[:, 0]) / math.pi  # the arc is [0, 1)
    assert not ((angle > 0.2501) & (angle < 0.7499)).any()
    counts = torch.histc(angle, bins=8, min=0, max=1)
    assert torch.equal(counts[2:6], torch.zeros(4))
    assert (counts[[0, 1, 6, 7]] - 5_000).abs().max() < 4 * math.sqrt(20_000 * 0.25 * 0.75)


def test_arc_sets_and_seeds_are_independent():
    splits = arc.arc(arc.Arc(train=10, validation=10, test=10), cache=None)
    assert not torch.equal(splits.train.data, splits.test[0].data)
    assert not torch.equal(points(seed=0), points(seed=1))
    assert torch.equal(points(seed=1), points(seed=1))


def test_idx_files_keep_their_shape_and_values(tmp_path):
    array = torch.arange(24, dtype=torch.uint8).reshape(2, 3, 4)
    (tmp_path / "file").write_bytes(idx_bytes(array))
    assert torch.equal(idx.read_idx(tmp_path / "file"), array)


@pytest.mark.parametrize("content", [b"", b"\0\0\x08", b"\0\0\x08\x02\0\0\0\x01", b"\0\0\x0d\x01\0\0\0\x00", b"<html>"])
def test_what_is_not_idx_is_named(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError, match="is not an IDX file"):
        idx.read_idx(tmp_path / "file")


def test_mnist_is_never_silently_something_else(tmp_path, monkeypatch):
    """Files of the right names and form, but other pictures, are refused."""
    for part in mnist.FILES:
        shape = (3, 28, 28) if "images" in part else (3,)
        (tmp_path / f"{part}.gz").write_bytes(gzip.compress(idx_bytes(torch.zeros(shape, dtype=torch.uint8))))
    with pytest.raises(DataError, match="expected 47,040,016 bytes with sha256 ba891046"):
        idx.load_idx(tmp_path / "cache" / "mnist", mnist.FILES, [local_folder(tmp_path)], idx.IdxOptions())


@pytest.fixture
def made(tmp_path):
    """A dataset of 1,000 training images of noise, loaded with options."""
    images = torch.randint(256, (6_000, 28, 28), generator=stream(0, "images"), dtype=torch.uint8)
    labels = torch.arange(6_000).remainder(10).to(torch.uint8)
    parts = {"train-images-idx3": images, "train-labels-idx1": labels, "t10k-images-idx3": images[:20]}
    content = {f"{name}-ubyte": idx_bytes(part) for name, part in parts.items()}
    content["t10k-labels-idx1-ubyte"] = idx_bytes(labels[:20])
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    files = {name: ExpectedFile(hashlib.sha256(data).hexdigest(), len(data)) for name, data in content.items()}

    def loaded(**options):
        return idx.load_idx(tmp_path / "cache" / "made", files, [local_folder(tmp_path)], idx.IdxOptions(**options))

    return loaded


def test_a_smaller_idx_set_lies_within_the_larger_one(made):
    whole, cut = made(), made(train=100, validation=50, test=10)
    assert [len(part) for part in (whole.train, whole.validation, *whole.test)] == [1_000, 5_000, 20]
    for part, size, of in ((cut.train, 100, whole.train), (cut.validation, 50, whole.validation)):
        assert torch.equal(part.data, of.data[:size])
    assert torch.equal(cut.test[0].labels, whole.test[0].labels[:10])


def test_the_halves_of_an_idx_set_are_disjoint_and_make_the_whole(made):
    """And fewer images of a half lie within it: two networks on them have no training image in common."""
    whole, first, second = made(), made(half="a"), made(half="b")
    assert torch.equal(torch.cat([first.train.data, second.train.data]), whole.train.data)
    assert torch.equal(made(half="b", train=7).train.data, second.train.data[:7])
    assert first.validation.digest == second.validation.digest == whole.validation.digest


def test_halves_that_are_apart_share_no_neighbours(made):
    """Those that are left out are the ones that had a neighbour, and no others; checked with another distance."""
    first, second = (made(half=half).train.data.flatten(1).double() / 255 for half in "ab")
    nearest = torch.cdist(first, second).amin(1)
    distance = float(nearest.median()) + 1e-4
    kept = made(half="a", apart=distance).train.data
    assert torch.equal(kept.flatten(1).double() / 255, first[nearest >= distance])
    assert 0 < len(kept) < len(first)
    with pytest.raises(DataError, match="No image of half 'b' is at least 28 away"):
        made(half="b", apart=28)


def test_options_of_halves_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="a half has 27,500 training images, and train asks for 30,000"):
        idx.IdxOptions(half="a", train=30_000)
    with pytest.raises(ValueError, match="apart is a distance between the two halves: give half, a or b, too"):
        idx.IdxOptions(apart=4)
