"""Source views: a choice and another device name samples as they were named before."""

from pathlib import Path

import numpy as np
import pytest
import torch

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_pairs
from daecore.data.batch_source import BatchSource, Held, Mapped
from daecore.data.crops import Crops
from daecore.data.mapping import map_file
from daecore.data.picture_rows import ROW
from daecore.data.pictures import Pictures
from daecore.data.samples import Samples
from daecore.data.source_views import Chosen, Fetched, move
from daecore.data.spill import join
from daecore.errors import DataError
from daecore.plugin.spec import spec
from daecore.rng import stream

META = torch.device("meta")
IMAGES = torch.randint(0, 256, (40, 1, 8, 8), generator=stream(0, "images"), dtype=torch.uint8)
LABELS = torch.arange(40) % 3
INDEX = torch.tensor([7, 3, 30])


def crops() -> Crops:
    rows = np.zeros(2, ROW)
    rows["begin"], rows["height"], rows["width"] = (0, 120), 10, 12
    rows["sha256"][:, 0] = (1, 2)
    rows["white"] = 255
    return Crops(Pictures(rows, (IMAGES.flatten(),), 1), 8, 20, seed=0)


@pytest.mark.parametrize("labels", [None, LABELS])
def test_a_choice_from_a_map_has_the_digest_of_one_from_memory(labels: torch.Tensor | None) -> None:
    """So that its noise is the same: a set may be mapped on one machine and not on another."""
    memory, mapped = Samples(IMAGES, labels), Samples(Mapped(IMAGES), labels)
    one, two = (it.select(INDEX) for it in (memory, mapped))
    assert isinstance(two.source, Chosen)
    assert one.digest == two.digest
    assert two.select(torch.tensor([1])).digest == memory.select(INDEX[1:2]).digest
    noisy = Corruptor([spec("corruption", {"gaussian_noise": {"sigma": 0.1}})])
    assert torch.equal(draw_pairs(one, noisy).corrupted, draw_pairs(two, noisy).corrupted)


@pytest.mark.parametrize("labels", [None, LABELS])
def test_on_another_device_samples_have_the_same_digest(labels: torch.Tensor | None) -> None:
    """Whether they fit into its memory or not: streams are named by it."""
    for source in (crops(), Mapped(IMAGES), Chosen(crops(), torch.arange(40))):
        samples = Samples(source, labels)
        moved = samples.to("meta")
        assert moved.device == META
        assert moved.digest == samples.digest
        assert moved.to("meta").digest == samples.digest
    fetched = Fetched(crops(), META)
    assert Samples(fetched, labels).digest == Samples(crops(), labels).digest
    assert fetched.to("cpu").digest == crops().digest


def test_a_choice_moves_alone() -> None:
    moved = move(Chosen(Mapped(IMAGES), INDEX), META)
    assert isinstance(moved, Held)
    assert moved.tensor.shape == (3, 1, 8, 8)
    assert Chosen(Held(IMAGES.to("meta")), INDEX).read(torch.tensor([0])).shape == (1, 1, 8, 8)


def test_a_choice_among_crops_is_read_when_it_is_needed() -> None:
    source: BatchSource = crops()
    chosen = source.select(INDEX).select(torch.tensor([2, 0]))
    assert torch.equal(chosen.read(torch.tensor([0, 1])), source.read(INDEX[[2, 0]]))
    assert chosen.resident_bytes == 0


def test_a_map_takes_no_memory_and_cannot_spoil_its_file(tmp_path: Path) -> None:
    """Not even what the system would set aside for it; a file that is too short is refused."""

    def committed() -> int:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Committed_AS"))

    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 32)
    before = committed()
    mapped = torch.from_numpy(map_file(path, np.uint8, (1 << 32,)))
    assert committed() - before < 1 << 20  # kB: a quarter of what is mapped, as others use the machine, too
    mapped[5] = 7
    with path.open("rb") as file:
        assert file.read(6) == bytes(6)
    with pytest.raises(ValueError, match="length is greater than file size"):
        map_file(path, np.uint8, ((1 << 32) + 1,))
    assert map_file(path, np.float32, (0, 3)).shape == (0, 3)


def test_what_is_too_large_for_memory_is_spilled(monkeypatch, tmp_path) -> None:
    parts = [torch.rand((3, 5), generator=stream(0, "part", number)) for number in range(4)]
    monkeypatch.setattr("daecore.data.spill.HELD_BYTES", 100)
    assert torch.equal(join(iter(parts), 11), torch.cat(parts)[:11])

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(DataError, match=r"kept in a temporary file in .*No space left on device. Make room there"):
        join(iter(parts), 11)
