"""Sample store: what was in memory comes back mapped, with the same digests; what fails leaves nothing."""

import pytest
import torch

from daecore.data.batch_source import Mapped
from daecore.data.sample_store import Piece, open_sets, pieces_of, write_pieces
from daecore.data.samples import Samples, Splits
from daecore.errors import DataError, SamplesError
from daecore.rng import stream


def samples(count: int, *shape: int, name: str = "a", labels: bool = True) -> Samples:
    data = torch.randint(0, 256, (count, *shape), generator=stream(0, name), dtype=torch.uint8)
    return Samples(data, torch.arange(count) % 3 if labels else None)


SPLITS = Splits(
    samples(50, 1, 6, 6), samples(20, 1, 6, 6, name="b"),
    (samples(12, 1, 6, 6, name="c"), samples(5, 1, 7, 9, name="d")), 3,
)  # fmt: skip


def test_sets_come_back_mapped_with_the_same_digests(tmp_path):
    """Labels, groups and classes, too; and digests are known without a look at values."""
    write_pieces(pieces_of(SPLITS, rows=7), tmp_path / "kept", classes=3)
    found = open_sets(tmp_path / "kept")
    assert found is not None
    assert found.digest == SPLITS.digest
    assert found.classes == 3
    for (_, mine), (_, theirs) in zip(SPLITS.sets, found.sets, strict=True):
        assert isinstance(theirs.source, Mapped)
        assert torch.equal(mine.data, theirs.data)
        assert torch.equal(mine.labels, theirs.labels)
        index = torch.tensor([3, 0, 4])
        assert theirs.select(index).source.resident_bytes == 0
        assert torch.equal(theirs.select(index).data, mine.select(index).data)
        assert torch.equal(theirs.select(index).labels, mine.select(index).labels)


def test_points_are_kept_too(tmp_path):
    points = Samples(torch.randn(30, 2, generator=stream(0, "points")))
    splits = Splits(points, points, (points,))
    write_pieces(pieces_of(splits), tmp_path / "kept", classes=None)
    found = open_sets(tmp_path / "kept")
    assert found is not None
    assert found.digest == splits.digest


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([Piece("train", samples(3, 1, 6, 6))], "yields no samples for validation, test"),
        (
            [Piece("train", samples(3, 1, 6, 6)), Piece("train", samples(3, 1, 6, 7))],
            r"have the shapes \(1, 6, 6\) and",
        ),
        ([Piece("train", samples(3, 1, 6, 6)), Piece("train", samples(3, 1, 6, 6, labels=False))], "type or labels"),
    ],
)
def test_what_is_no_dataset_is_refused_and_leaves_nothing(tmp_path, pieces, said):
    with pytest.raises(SamplesError, match=said):
        write_pieces(pieces, tmp_path / "kept", classes=3)
    assert list(tmp_path.iterdir()) == []


def test_a_generator_that_fails_leaves_nothing(tmp_path):
    def failing():
        yield Piece("train", samples(3, 1, 6, 6))
        raise DataError("the source is gone")

    with pytest.raises(DataError, match="the source is gone"):
        write_pieces(failing(), tmp_path / "kept", classes=3)
    assert open_sets(tmp_path / "kept") is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_store_is_none(tmp_path):
    assert open_sets(tmp_path) is None
    (tmp_path / "header.json").write_text("{}")
    assert open_sets(tmp_path) is None
