"""Samples of what users have: arrays, torch's datasets and loaders, folders; or one sentence why not."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, SubsetRandomSampler, TensorDataset

from daecore.data.samples import Samples, as_float
from daecore.errors import DataError, InputError, SamplesError

GREY = np.random.default_rng(0).integers(0, 256, (20, 9, 8), np.uint8)


def test_arrays_get_their_channels_in_front():
    assert Samples.of(GREY).shape == (1, 9, 8)
    assert Samples.of(np.stack([GREY] * 3, 3)).shape == (3, 9, 8)
    assert Samples.of(torch.rand(5, 2, dtype=torch.float64)).data.dtype == torch.float32
    labelled = Samples.of(GREY, np.arange(20, dtype=np.int32))
    assert labelled.labels is not None
    assert labelled.labels.dtype == torch.int64


class Pictures(Dataset):
    """As torchvision's: a picture of Pillow's and a class."""

    def __init__(self) -> None:
        self.asked = 0

    def __len__(self) -> int:
        return len(GREY)

    def __getitem__(self, number: int) -> tuple[Image.Image, int]:
        self.asked += 1
        return Image.fromarray(GREY[number]), number % 4


def test_a_dataset_is_read_by_the_batch():
    """Its labels once, its pictures when they are needed."""
    given = Pictures()
    samples = Samples.of(given)
    before = given.asked
    batch = samples.batch(torch.tensor([4, 2]))
    assert given.asked == before + 2
    assert torch.equal(batch.clean[0, 0], as_float(torch.from_numpy(GREY[4])))
    assert batch.labels is not None
    assert batch.labels.tolist() == [0, 2]
    assert samples.digest == Samples.of(Pictures()).digest


class Stream(IterableDataset):
    def __iter__(self):
        return iter((torch.from_numpy(it), 1) for it in GREY)


def test_loaders_and_streams_give_what_they_hold():
    """In the order of the set: a training draws its own."""
    tensors = TensorDataset(torch.from_numpy(GREY)[:, None], torch.arange(20))
    loaded = Samples.of(DataLoader(tensors, batch_size=3, shuffle=True))
    assert torch.equal(loaded.data, torch.from_numpy(GREY)[:, None])
    streamed = Samples.of(DataLoader(Stream(), batch_size=3))
    assert torch.equal(streamed.data, loaded.data)


def test_a_folder_of_one_size_is_mapped(tmp_path):
    (tmp_path / "in").mkdir()
    for number, picture in enumerate(GREY):
        Image.fromarray(picture).save(tmp_path / "in" / f"{number:02}.png")
    samples = Samples.of(tmp_path / "in", cache=tmp_path / "data")
    assert torch.equal(samples.data, torch.from_numpy(GREY)[:, None])
    assert samples.source.resident_bytes == 0
    assert Samples.of(tmp_path / "in", colour=True, cache=tmp_path / "data").shape == (3, 9, 8)
    Image.new("L", (5, 5)).save(tmp_path / "in" / "small.png")
    with pytest.raises(DataError, match=r"have 2 sizes \(5 x 5, 9 x 8\)"):
        Samples.of(tmp_path / "in", cache=tmp_path / "data")


class Uneven(Dataset):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, number: int) -> torch.Tensor:
        return torch.zeros(1, 4 + number, 4, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (3, SamplesError, "takes an array, a torch Dataset or DataLoader, or a folder"),
        ("/nowhere/at/all", InputError, "no such folder"),
        (np.zeros((2, 5, 5), np.int32), SamplesError, "int32"),
        (TensorDataset(torch.zeros(0, 2)), SamplesError, "is empty"),
        (np.array([object()]), SamplesError, "cannot make a tensor of what it got"),
        (
            DataLoader(TensorDataset(torch.zeros(4, 2)), sampler=SubsetRandomSampler([1])),
            SamplesError,
            "only some of its",
        ),
        (DataLoader(TensorDataset(torch.zeros(4, 2)), collate_fn=list), SamplesError, "a collate_fn of its own"),
        (TensorDataset(torch.zeros(4, 2), torch.zeros(4, 2)), SamplesError, "is its class number"),
    ],
)
def test_what_cannot_be_samples_is_said(given, error, said):
    with pytest.raises(error, match=said):
        Samples.of(given)


def test_labels_are_refused_where_they_would_be_lost(tmp_path):
    for given in (tmp_path, Pictures(), DataLoader(Pictures())):
        with pytest.raises(SamplesError, match="takes labels beside an array"):
            Samples.of(given, np.arange(20))


def test_labels_that_a_dataset_changes_are_those_that_it_gives():
    """As torchvision's with a target_transform: the targets alone would be others."""
    given = Pictures()
    given.targets, given.target_transform = list(range(20)), lambda label: label % 4
    samples = Samples.of(given)
    assert samples.labels is not None
    assert samples.labels.tolist() == [number % 4 for number in range(20)]


def test_an_array_that_may_not_be_written_is_taken():
    fixed = GREY.copy()
    fixed.flags.writeable = False
    assert torch.equal(Samples.of(fixed).data, Samples.of(GREY).data)
    assert torch.equal(Samples.of(GREY[::-1]).data, Samples.of(GREY).data.flip(0))


def test_items_that_differ_are_said_when_they_are_read():
    with pytest.raises(SamplesError, match=r"one is torch.uint8 \(1, 5, 4\)"):
        Samples.of(Uneven()).data  # noqa: B018
