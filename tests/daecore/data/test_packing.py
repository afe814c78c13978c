"""Chunks: packed once, fetched when they are needed, compared with their digests; what lies elsewhere is not harmed."""

import json
import os
import socket
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from numcodecs import Zstd

from daecore.data import Batch, ChunkStorage, Header, Samples, Splits, open_packed, pack, packed_set, read_header
from daecore.data.chunked import Chunked
from daecore.errors import DataError, InputError, SamplesError
from daecore.training.loop import fit
from daecore.training.options import TrainingOptions

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
    monkeypatch.setattr(packed_set, "CHUNK_BYTES", 1000)  # many chunks of few samples
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
    return pack(splits, place, bounded=True, advance=lambda done, total: None, **more)


@pytest.mark.parametrize("place", STORED, indirect=True)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_what_was_packed_is_read_again(place, tmp_path, dtype):
    """All sets, types, labels and orders, also of a few samples here and there."""
    given, said = dataset(dtype), []
    pack(given, place, bounded=True, advance=lambda done, total: said.append((done, total)))
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
    get = ChunkStorage.get

    def getting(self, name, most):
        asked.append(name)
        return get(self, name, most)

    monkeypatch.setattr(ChunkStorage, "get", getting)
    rows = header.train.rows
    for _ in range(2):
        train = open_packed(place, tmp_path / "data").train
        train.read(torch.tensor([0, rows - 1, 2 * rows]))
    chunks = [it for it in asked if it.startswith("train-0/")]
    assert sorted(chunks) == ["train-0/c/0/0/0/0", "train-0/c/2/0/0/0"]
    assert len([it for it in asked if it.startswith("train-0.labels/")]) == header.train.chunks
    assert open_packed(place, tmp_path / "data").digest == open_packed(place, tmp_path / "elsewhere").digest


def test_another_chunk_than_the_packed_one_is_never_read(place, tmp_path):
    header = packed(dataset(), place)
    zarr.open_array(place.url, path="train-0", mode="r+")[: header.train.rows] = 7
    train = open_packed(place, tmp_path / "data").train
    with pytest.raises(DataError, match=r"Chunk 0 of train-0 at .* is not the one that was packed"):
        train.read(torch.tensor([1]))
    train.read(torch.tensor([header.train.rows]))
    with pytest.raises(DataError, match="Chunk 0"):
        train.read(torch.tensor([1]))


@pytest.mark.parametrize("shape", [(4, 1, 6, 6), (4, 6)])
def test_values_beyond_their_range_are_refused_when_they_come(place, tmp_path, shape, monkeypatch):
    """Whoever packed them may be a stranger; we would not have."""
    one = Samples(torch.full(shape, 2.0))
    if len(shape) == 4:
        with pytest.raises(SamplesError, match="must have values from 0 to 1"):
            packed(Splits(one, one, (one,)), place)
    monkeypatch.setattr(Splits, "require_values", lambda self: self)
    packed(Splits(one, one, (one,)), place)
    with pytest.raises(DataError, match=r"0 to 1"):
        open_packed(place, tmp_path / "data").train.read(torch.tensor([0]))


def test_other_labels_are_never_used(place, tmp_path):
    packed(dataset(), place)
    zarr.open_array(place.url, path="train-0.labels", mode="r+")[0] = 2
    with pytest.raises(DataError, match=r"Chunk 0 of train-0\.labels at .* is not the one that was packed"):
        open_packed(place, tmp_path / "data")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it["sets"][0].update(count=1 << 39), "more than 4,194,304 chunks"),
        (lambda it: it["sets"][0].update(name="../../etc"), "name"),
        (lambda it: it["sets"][0].update(rows=104, shape=[1, 1 << 20, 1 << 20]), "more than 268,435,456 bytes"),
        (lambda it: it.update(sets=it["sets"][1:]), "one set to train on"),
        (lambda it: it.update(format=9), "format"),
        (lambda it: it.update(classes=1 << 30), "classes"),
        (lambda it: it.update(sets=None), "sets"),
    ],
)
def test_what_a_header_says_is_read_by_rule(place, tmp_path, change, said):
    packed(dataset(), place)
    file = Path(place.url) / "zarr.json"
    content = json.loads(file.read_text())
    change(content["attributes"]["daecore"])
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=f"says of itself what cannot be: .*{said}"):
        open_packed(place, tmp_path / "data")


@pytest.mark.parametrize(
    ("content", "said"),
    [(Zstd().encode(bytes(64 << 20)), "damaged"), (bytes(1 << 20), "bytes, but at most"), (b"no zstd", "damaged"),
     (None, "is missing"), (Zstd().encode(bytes(3)), "is not the one that was packed")],
)  # fmt: skip
def test_a_stranger_s_chunk_takes_no_more_room_than_it_should(place, tmp_path, content, said):
    """A few kB that unfold to much more; an object that is too large; none."""
    packed(dataset(), place)
    chunk = Path(place.url) / "train-0" / "c" / "1" / "0" / "0" / "0"
    chunk.unlink() if content is None else chunk.write_bytes(content)
    train = open_packed(place, tmp_path / "data").train
    train.read(torch.tensor([0]))
    with pytest.raises(DataError, match=said):
        train.data  # noqa: B018 -- reads all


@pytest.mark.parametrize("place", STORED, indirect=True)
def test_nothing_that_lies_there_is_harmed(place, tmp_path):
    """Neither a packed dataset, unless it is to be replaced, nor anything else."""
    first = packed(dataset(), place)
    (Path(place.url) / "notes.txt").write_text("mine") if "://" not in place.url else None
    zarr.open_group(place.made(), mode="r+").create_array("mine", data=np.arange(5))
    with pytest.raises(InputError, match="holds a packed dataset already"):
        packed(dataset(torch.float32), place)
    assert read_header(place) == first
    second = packed(dataset(torch.float32), place, replace=True)
    assert read_header(place) == second != first
    assert open_packed(place, tmp_path / "data").train.data.dtype == torch.float32
    assert zarr.open_group(place.made(), mode="r")["mine"][:].tolist() == [0, 1, 2, 3, 4]
    assert "://" in place.url or (Path(place.url) / "notes.txt").read_text() == "mine"


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

    monkeypatch.setattr("daecore.data.packing._put", killed)
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
        ("s3://bucket/a?v=2", InputError, "An address has no"),
        ("https://anna:secret@host/x", InputError, "keys stand in the environment"),
        ("s3:///", InputError, "an address that begins with s3://"),
        ("http://127.0.0.1:9/x", DataError, "cannot be read from http://127.0.0.1:9/x"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_in_a_paragraph(url, kind, said):
    with pytest.raises(kind, match=said):
        ChunkStorage.at(url, "The option url").attributes()


def test_nothing_packed_is_said_in_a_paragraph(place, tmp_path):
    for where in (place, ChunkStorage.at(str(tmp_path), "DEST")):
        with pytest.raises(DataError, match=r"There is no packed dataset at .* `dae data pack` makes one"):
            read_header(where)


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_who_has_the_file_open_is_not_harmed_when_its_name_is(place, tmp_path, harm):
    """Another process cuts or removes it; the next one makes it anew, and fetches again."""
    packed(dataset(), place)
    expected = dataset().train.data
    before = open_packed(place, tmp_path / "data").train
    before.read(torch.tensor([0]))
    (file,) = (tmp_path / "data" / "chunks").rglob("values")
    if harm == "cut":
        (copy := file.with_name("copy")).write_bytes(file.read_bytes()[:500])
        copy.replace(file)
    else:
        file.unlink()
    after = open_packed(place, tmp_path / "data").train
    for train in (before, after, open_packed(place, tmp_path / "data").train):
        assert torch.equal(train.data, expected)


def test_what_is_here_is_read_from_a_folder_that_may_only_be_read(place, tmp_path, monkeypatch):
    packed(dataset(), place)
    rows = read_header(place).train.rows
    open_packed(place, tmp_path / "data").train.read(torch.tensor([0]))
    opened = os.open

    def only_read(path, mode, *more, **options):
        if mode & (os.O_RDWR | os.O_WRONLY):
            raise PermissionError(30, "Read-only file system")
        return opened(path, mode, *more, **options)

    monkeypatch.setattr(os, "open", only_read)
    monkeypatch.setattr(os, "access", lambda *given: False)
    train = open_packed(place, tmp_path / "data").train
    assert torch.equal(train.read(torch.tensor([0])), dataset().train.data[:1])
    with pytest.raises(DataError, match="Chunks cannot be kept in"):
        train.read(torch.tensor([rows]))


@pytest.mark.parametrize("force", [False, True])
def test_a_dataset_is_never_packed_over_itself(place, tmp_path, force):
    """Its chunks would go before they are read."""
    packed(dataset(), place)
    with pytest.raises(InputError, match="the very dataset" if force else "already"):
        packed(open_packed(place, tmp_path / "data"), place, replace=force)
    packed(open_packed(place, tmp_path / "data"), copy := ChunkStorage.at(str(tmp_path / "copy"), "DEST"))
    if force:  # a header that says what cannot be may go, too
        (tmp_path / "copy" / "zarr.json").write_text(
            '{"attributes": {"daecore": {"sets": 3}}, "node_type": "group", "zarr_format": 3}'
        )
        packed(open_packed(place, tmp_path / "data"), copy, replace=True)
    assert torch.equal(open_packed(place, tmp_path / "new").train.data, dataset().train.data)


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        (
            lambda: Splits(*[Samples(torch.zeros(n, 1, 4, 4)) for n in (0, 1)], (Samples(torch.zeros(1, 1, 4, 4)),)),
            "empty",
        ),
        (lambda: Splits(*[Samples(torch.full((1, 3), torch.nan))] * 2, (Samples(torch.zeros(1, 3)),)), "finite"),
    ],
)
def test_what_cannot_be_packed_is_refused_before_anything_is_written(place, splits, said):
    with pytest.raises(SamplesError, match=said):
        packed(splits(), place)
    assert not Path(place.url).exists()


def test_a_full_disk_keeps_what_is_here(place, tmp_path, monkeypatch):
    packed(dataset(), place)
    train = open_packed(place, tmp_path / "data").train
    first = train.read(torch.tensor([0]))

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("daecore.data.chunk_file.os.pwrite", full)
    with pytest.raises(DataError, match=r"Chunks cannot be kept in .*No space left"):
        train.read(torch.tensor([100]))
    assert torch.equal(train.read(torch.tensor([0])), first)


def test_equal_digests_mean_equal_samples(place, tmp_path):
    """By the digests of the chunks, which are compared when they come."""
    packed(dataset(), place)
    source = open_packed(place, tmp_path / "data").train.source
    assert isinstance(source, Chunked)
    other = source.packed.model_copy(update={"sha256": "0" * 64})
    assert source.digest != other.digest
    zarr.open_array(place.url, path="train-0.digests", mode="r+")[0] = 0
    with pytest.raises(DataError, match=r"The digests of train-0 .* are not those that were packed"):
        source.read(torch.tensor([0]))
