"""Where samples are read from does not matter: memory, a map, a choice and crops give the same weights, resumed too."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from daecore.data.batch_source import BatchSource, Mapped
from daecore.data.crops import Crops
from daecore.data.picture_store import PictureWriter
from daecore.data.sample_store import open_sets, pieces_of, write_pieces
from daecore.data.samples import Batch, Samples, Splits
from daecore.data.source_views import Fetched
from daecore.data.stored_pictures import open_pictures
from daecore.data.value_range import Extent
from daecore.rng import stream
from daecore.training.checkpoint import load_training_state, save_training_state, tensors_digest
from daecore.training.loop import fit
from daecore.training.options import TrainingOptions

OPTIONS = TrainingOptions(epochs=3, batch=16, precision="float32")


def denoising(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
    noise = torch.randn(batch.clean.shape, generator=generator)
    return (model(batch.clean + 0.1 * noise) - batch.clean).square().mean()


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(1, 1, 3, padding=1)


def trained(samples: Samples, validation: Samples, stop: int = 0, kept: Path | None = None) -> str:
    """The digest of the weights; stopped after an epoch and gone on with, if that is asked."""
    model, before = network(), network()
    for epoch in fit(before, denoising, samples, OPTIONS, seed=0, validation=validation):
        if kept is not None and epoch.number == stop:
            save_training_state(kept, epoch.state)
            break
    resume = None if kept is None else load_training_state(kept)
    for _ in fit(model, denoising, samples, OPTIONS, seed=0, validation=validation, resume=resume):
        pass
    return tensors_digest(model.state_dict())


@pytest.fixture(scope="module")
def memory() -> Samples:
    return Samples(torch.randint(0, 256, (50, 1, 8, 8), generator=stream(0, "images"), dtype=torch.uint8))


@pytest.fixture(scope="module")
def mapped(memory: Samples, tmp_path_factory: pytest.TempPathFactory) -> Samples:
    folder = tmp_path_factory.mktemp("kept") / "sets"
    write_pieces(pieces_of(Splits(memory, memory, (memory,)), rows=7), folder, classes=None)
    found = open_sets(folder)
    assert found is not None
    assert isinstance(found.train.source, Mapped)
    return found.train


def test_a_map_gives_the_weights_of_memory(memory: Samples, mapped: Samples, tmp_path: Path) -> None:
    """Also stopped after an epoch and gone on with."""
    expected = trained(memory, memory)
    assert trained(mapped, mapped) == expected
    assert trained(mapped, mapped, stop=2, kept=tmp_path / "state") == expected


def test_a_choice_and_what_is_fetched_give_them_too(memory: Samples, mapped: Samples) -> None:
    """Samples of a device whose memory is too small are brought there batch by batch: here from the CPU to the CPU."""
    index = torch.randperm(50, generator=stream(0, "choice"))[:33]
    expected = trained(memory.select(index), memory)
    assert trained(mapped.select(index), mapped) == expected
    fetched: BatchSource = Fetched(mapped.select(index).source, torch.device("cpu"))
    assert trained(Samples(fetched), mapped) == expected


def test_crops_that_are_cut_when_they_are_read_give_the_weights_of_stored_ones(tmp_path: Path) -> None:
    pictures = torch.randint(0, 256, (6, 1, 14, 11), generator=stream(0, "pictures"), dtype=torch.uint8)
    keys = [bytes([number]) * 16 for number in range(6)]
    with PictureWriter(tmp_path, 1, keys) as writer:
        for key, picture in zip(keys, pictures, strict=True):
            writer.add(key, picture, Extent("uint8", 255, 0, 255))
        writer.finish()
    crops = Samples(Crops(open_pictures(tmp_path, 6, 1)[0], 8, 9, seed=0))
    stored = Samples(crops.data)
    assert trained(crops, crops) == trained(stored, stored)
    assert trained(crops, crops, stop=1, kept=tmp_path / "state") == trained(stored, stored)


LONG_EPOCH = """
import sys
from pathlib import Path
import torch
from daecore.data.samples import Samples
from daecore.training.loop import fit
from daecore.training.options import TrainingOptions

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) // 1000

def loss(model, batch, generator):
    noise = torch.randn(batch.clean.shape, generator=generator)
    return (model(batch.clean + noise) - batch.clean).square().mean()

class Doubled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.Conv2d(4, 1, 3, padding=1))

    def forward(self, x):
        return self.layers(x)

torch.set_num_threads(1)
for steps in (50, 800):
    samples = Samples(torch.zeros((steps * 32, 1, 1, 1), dtype=torch.uint8).expand(-1, 1, 64, 64))
    options = TrainingOptions(epochs=1, batch=32)
    for _ in fit(Doubled(), loss, samples, options, seed=0):
        pass
    print(held())
"""


def test_memory_does_not_grow_with_the_steps_of_an_epoch() -> None:
    """Each step's loss, kept by itself, once pinned as much as a batch: a million pictures of 64 x 64 took 16 GB."""
    done = subprocess.run([sys.executable, "-c", LONG_EPOCH], capture_output=True, text=True, check=True)
    short, long = map(int, done.stdout.split())
    assert long - short < 30  # MB; 100 MB of pictures were seen meanwhile
