"""Chunks: packed once, fetched when they are needed, compared with their digests; what lies elsewhere is not harmed."""

import json
import socket
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr

from daecore.data import Batch, ChunkStorage, Header, Samples, Splits, open_packed, pack
from daecore.data import packing as packing_module
from daecore.data.chunked import Chunked
from daecore.data.packed_set import PackedSamples
from daecore.errors import DataError, InputError
from daecore.training.loop import TrainingOptions, fit

STORED = ("folder", "s3")


@pytest.fixture(scope="module")
def server():
    """The address of an S3 server."""
    from moto.server import ThreadedMotoServer

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = ThreadedMotoServer("127.0.0.1", port)
    running.start()
    yield f"http://127.0.0.1:{port}"
    running.stop()


@pytest.fixture
def place(request, tmp_path, monkeypatch):
    """An empty place for chunks: a folder, or a bucket."""
    monkeypatch.setattr(packing_module, "CHUNK_BYTES", 1000)  # many chunks of few samples
    if getattr(request, "param", "folder") == "folder":
        return ChunkStorage.at(str(tmp_path / "packed"), "DEST")
    endpoint = request.getfixturevalue("server")
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    bucket = tmp_path.name.replace("_", "-")
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{bucket}", method="PUT")).close()
    return ChunkStorage.at(f"s3://{bucket}/some/set", "DEST")


def dataset(dtype=torch.uint8) -> Splits:
    drawn = torch.Generator().manual_seed(0)
    sets = []
    for count, side in ((103, 8), (40, 8), (30, 8), (20, 6)):
        values = torch.randint(256, (count, 1, side, side), generator=drawn, dtype=torch.uint8)
        labels = torch.arange(count) % 3
        sets.append(Samples(values if dtype == torch.uint8 else values.float() / 255, labels))
    return Splits(sets[0], sets[1], tuple(sets[2:]), 3)


def packed(splits: Splits, place: ChunkStorage, **more) -> Header:
    return pack(splits, place, bounded=True, told=lambda done, total: None, **more)


@pytest.mark.parametrize("place", STORED, indirect=True)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_what_was_packed_is_read_again(place, tmp_path, dtype):
    """All sets, types, labels and orders, also of a few samples here and there."""
    given, said = dataset(dtype), []
    pack(given, place, bounded=True, told=lambda done, total: said.append((done, total)))
    found = open_packed(place, tmp_path / "data")
    assert said[-1] == (193, 193)
    assert said == sorted(said)
    assert found.classes == 3
    for (name, before), (_, after) in zip(given.sets, found.sets, strict=True):
        index = torch.tensor([len(before) - 1, 0, 17, 3])
        assert torch.equal(after.read(index), before.read(index)), name
        assert torch.equal(after.data, before.data)
        assert torch.equal(after.labels, before.labels)


def loss(model, batch: Batch, generator):
    noise = torch.randn(batch.clean.shape, generator=generator)
    return (model(batch.clean + noise) - batch.clean).square().mean()


def test_weights_are_those_of_memory(place, tmp_path):
    packed(dataset(), place)
    weights = []
    for train in (dataset().train, open_packed(place, tmp_path / "data").train):
        torch.manual_seed(0)
        model = torch.nn.Conv2d(1, 1, 3, padding=1)
        for _ in fit(model, loss, train, TrainingOptions(epochs=2, batch=16), seed=0):
            pass
        weights.append(model.weight.detach())
    assert torch.equal(*weights)


def test_a_chunk_is_fetched_when_it_is_needed_and_once(place, tmp_path, monkeypatch):
    """Not again by another process, which opens the same files."""
    header, asked = packed(dataset(), place), []
    read = ChunkStorage.read

    def reading(self, array, first, end):
        if array.ndim > 1:
            asked.append((first, end))
        return read(self, array, first, end)

    monkeypatch.setattr(ChunkStorage, "read", reading)
    rows = header.train.rows
    for _ in range(2):
        train = open_packed(place, tmp_path / "data").train
        train.read(torch.tensor([0, rows - 1, 2 * rows]))
    assert sorted(asked) == [(0, rows), (2 * rows, 3 * rows)]
    assert open_packed(place, tmp_path / "data").digest == open_packed(place, tmp_path / "elsewhere").digest
    assert len(asked) == 2


def test_another_chunk_than_the_packed_one_is_never_read(place, tmp_path):
    header = packed(dataset(), place)
    zarr.open_array(place.url, path="train-0", mode="r+")[: header.train.rows] = 7
    train = open_packed(place, tmp_path / "data").train
    with pytest.raises(DataError, match="Chunk 0 of train-0 is not the one that was packed"):
        train.read(torch.tensor([1]))
    train.read(torch.tensor([header.train.rows]))
    with pytest.raises(DataError, match="Chunk 0"):
        train.read(torch.tensor([1]))


def test_values_beyond_their_range_are_refused_when_they_come(place, tmp_path):
    """Whoever packed them may be a stranger."""
    one = Samples(torch.full((4, 1, 6, 6), 2.0))
    packed(Splits(one, one, (one,)), place)
    with pytest.raises(DataError, match="must have values from 0 to 1"):
        open_packed(place, tmp_path / "data").train.read(torch.tensor([0]))


def test_other_labels_are_never_used(place, tmp_path):
    packed(dataset(), place)
    zarr.open_array(place.url, path="train-0.labels", mode="r+")[0] = 2
    with pytest.raises(DataError, match="labels of train-0"):
        open_packed(place, tmp_path / "data")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it["sets"][0].update(count=1 << 39), "digests"),
        (lambda it: it["sets"][0].update(name="../../etc"), "pattern"),
        (lambda it: it["sets"][0].update(rows=104, shape=[1, 1 << 20, 1 << 20], sha256=["0" * 64]), "more than"),
        (lambda it: it.update(sets=it["sets"][1:]), "one set to train on"),
        (lambda it: it.update(format=9), "format"),
        (lambda it: it["sets"][0].update(shape=[1, 4, 16]), None),
    ],
)
def test_what_a_header_says_is_not_believed(place, tmp_path, change, said):
    """The last one fits all rules, but not the array."""
    packed(dataset(), place)
    file = Path(place.url) / "zarr.json"
    content = json.loads(file.read_text())
    change(content["attributes"]["daecore"])
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=(said and "says of itself what cannot be.*") or "what lies there is"):
        open_packed(place, tmp_path / "data")


@pytest.mark.parametrize("place", STORED, indirect=True)
def test_nothing_that_lies_there_is_harmed(place, tmp_path):
    """Neither a packed dataset, unless it is to be replaced, nor anything else."""
    first = packed(dataset(), place)
    with pytest.raises(InputError, match="holds a packed dataset already"):
        packed(dataset(torch.float32), place)
    assert place.header() == first
    second = packed(dataset(torch.float32), place, replace=True)
    assert place.header() == second != first
    assert open_packed(place, tmp_path / "data").train.data.dtype == torch.float32


@pytest.mark.parametrize("kind", ["file", "zarr"])
def test_other_things_are_never_written_over(place, kind):
    """Not even where a packed dataset may be."""
    if kind == "file":
        Path(place.url).mkdir()
        (Path(place.url) / "thesis.tex").write_text("years")
    else:
        zarr.open_group(place.url, mode="w").create_array("mine", data=np.arange(5))
    before = sorted(Path(place.url).rglob("*"))
    with pytest.raises(InputError, match="Name an empty place"):
        packed(dataset(), place, replace=True)
    assert sorted(Path(place.url).rglob("*")) == before


def test_a_packing_that_was_killed_can_be_made_again(place, tmp_path, monkeypatch):
    """Until then there is no dataset."""

    def killed(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(ChunkStorage, "finish", killed)
    with pytest.raises(KeyboardInterrupt):
        packed(dataset(), place)
    with pytest.raises(DataError, match="begun, and not finished"):
        open_packed(place, tmp_path / "data")
    monkeypatch.undo()
    packed(dataset(), place)
    assert len(open_packed(place, tmp_path / "data").train) == 103


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        ("", InputError, "is empty"),
        ("ftp://host/x", InputError, "s3://"),
        ("s3:///", InputError, "an address that begins with s3://"),
        ("http://127.0.0.1:9/x", DataError, "cannot be read from http://127.0.0.1:9/x"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_in_a_paragraph(url, kind, said):
    with pytest.raises(kind, match=said):
        ChunkStorage.at(url, "The option url").header()


def test_nothing_packed_is_said_in_a_paragraph(place, tmp_path):
    for where in (place, ChunkStorage.at(str(tmp_path), "DEST")):
        with pytest.raises(DataError, match=r"There is no packed dataset at .* `dae data pack` makes one"):
            where.header()


@pytest.mark.parametrize("harm", ["short", "no flags"])
def test_a_damaged_file_of_what_was_fetched_is_fetched_again(place, tmp_path, harm):
    packed(dataset(), place)
    before = open_packed(place, tmp_path / "data").train.data
    (file,) = (tmp_path / "data" / "chunks").rglob("train-0.values")
    if harm == "short":
        file.write_bytes(file.read_bytes()[:500])
    else:
        file.with_suffix(".here").unlink()
    assert torch.equal(open_packed(place, tmp_path / "data").train.data, before)


def test_a_full_disk_keeps_what_is_here(place, tmp_path, monkeypatch):
    packed(dataset(), place)
    train = open_packed(place, tmp_path / "data").train
    first = train.read(torch.tensor([0]))

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("daecore.data.chunked.os.pwrite", full)
    with pytest.raises(DataError, match=r"Chunks cannot be kept in .*No space left"):
        train.read(torch.tensor([100]))
    assert torch.equal(train.read(torch.tensor([0])), first)


def test_equal_digests_mean_equal_samples(place, tmp_path):
    """By the digests of the chunks, which are compared when they come."""
    told = packed(dataset(), place).train
    other = told.model_copy(update={"sha256": ("0" * 64, *told.sha256[1:])})
    assert told.digest != other.digest
    assert isinstance(open_packed(place, tmp_path / "data").train.source, Chunked)
    assert PackedSamples.model_validate(told.model_dump()) == told
