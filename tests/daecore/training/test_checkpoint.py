"""What a checkpoint guarantees: whole or absent, checked when read, never pickle."""

import pickle

import pytest
import torch
from torch import nn

from daecore.data.samples import Batch, Samples
from daecore.errors import CheckpointError
from daecore.training.checkpoint import (
    Header,
    load_tensors,
    load_training_state,
    save_tensors,
    save_training_state,
    tensors_digest,
)
from daecore.training.loop import fit
from daecore.training.options import TrainingOptions
from daecore.training.state import TrainingState


class Noted(Header):
    """A header of this test's own."""

    epoch: int = 0
    name: str = ""


TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(3, dtype=torch.bfloat16), "step": torch.tensor(3.0)}


def test_what_is_written_is_read(tmp_path):
    """Values, types, shapes and the header come back as they were."""
    save_tensors(tmp_path / "new" / "file", TENSORS, Noted(epoch=3, name="ä"))
    tensors, header = load_tensors(tmp_path / "new" / "file", Noted)
    assert header == Noted(epoch=3, name="ä")
    assert tensors_digest(tensors) == tensors_digest(TENSORS)


def test_a_progress_comes_back_whole(tmp_path):
    """An infinite best loss, which JSON has no word for, included."""
    save_training_state(
        tmp_path / "file",
        TrainingState(2, {"w": torch.ones(2)}, {"w.step": torch.tensor(1.0)}, {}, {}, float("inf"), 1),
    )
    progress = load_training_state(tmp_path / "file")
    assert (progress.epoch, progress.waited, progress.best_loss) == (2, 1, float("inf"))
    assert progress.weights["w"].tolist() == [1, 1]
    assert progress.average == {}


@pytest.mark.parametrize("keep", [0, 4, 60, -1])
def test_a_truncated_file_is_refused(tmp_path, keep):
    """However much of it is left."""
    path = tmp_path / "file"
    save_tensors(path, TENSORS, Noted())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="cannot be read as safetensors"):
        load_tensors(path, Noted)


def test_an_altered_file_is_refused(tmp_path):
    """One bit of one weight is enough."""
    path = tmp_path / "file"
    save_tensors(path, TENSORS, Noted())
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="was altered: its content has sha256"):
        load_tensors(path, Noted)


def test_an_altered_header_is_refused(tmp_path):
    """The checksum covers the epoch's number too."""
    path = tmp_path / "file"
    save_tensors(path, TENSORS, Noted(epoch=3))
    path.write_bytes(path.read_bytes().replace(b'epoch\\": 3', b'epoch\\": 4'))
    with pytest.raises(CheckpointError, match="was altered"):
        load_tensors(path, Noted)


def test_a_pickle_is_refused_and_not_run(tmp_path):
    """A pickled file is never executed."""
    trap = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return (trap.touch, ())

    (tmp_path / "file").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match="No other format is accepted"):
        load_tensors(tmp_path / "file", Noted)
    assert not trap.exists()


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere"):
        load_training_state(tmp_path / "nowhere")


def test_other_tensors_are_no_progress(tmp_path):
    """Weights alone do not pass for a training's checkpoint."""
    save_tensors(tmp_path / "file", TENSORS, Noted())
    with pytest.raises(CheckpointError, match="not a training's checkpoint"):
        load_training_state(tmp_path / "file")


def test_a_failing_save_leaves_the_old_file(tmp_path):
    """The old checkpoint stays readable, and nothing half-written stays beside it."""
    path = tmp_path / "file"
    save_tensors(path, TENSORS, Noted(epoch=1))
    one = torch.ones(3)
    with pytest.raises(RuntimeError, match="share memory"):
        save_tensors(path, {"a": one, "b": one}, Noted())
    with pytest.raises(OSError, match="too long"):
        save_tensors(tmp_path / ("x" * 300), TENSORS, Noted())
    assert load_tensors(path, Noted)[1] == Noted(epoch=1)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_moments_take_their_weights_strides(tmp_path):
    """After resuming, the optimiser's moments lie channels-last like the weights: fused AdamW needs that on the CPU."""
    samples = Samples(torch.zeros(4, 2, 4, 4, dtype=torch.uint8))
    settings = TrainingOptions(epochs=2, batch=4, precision="float32")

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> torch.Tensor:
        return model(batch.clean).square().mean()

    first = next(fit(nn.Conv2d(2, 3, 3), loss, samples, settings, seed=0))
    save_training_state(tmp_path / "file", first.state)
    resumed = next(
        fit(nn.Conv2d(2, 3, 3), loss, samples, settings, seed=0, resume=load_training_state(tmp_path / "file"))
    )
    weight, moment = resumed.state.weights["weight"], resumed.state.optimiser["weight.exp_avg"]
    assert moment.stride() == weight.stride()
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_the_digest_ignores_strides_and_heeds_names():
    """Equal values in another memory order are the same weights; another name, type or shape is not."""
    weight = torch.rand(2, 3, 4, 4)
    lying = weight.to(memory_format=torch.channels_last)
    assert tensors_digest({"w": weight}) == tensors_digest({"w": lying})
    others = [{"v": weight}, {"w": weight.double()}, {"w": weight.view(3, 2, 4, 4)}]
    assert len({tensors_digest(other) for other in [{"w": weight}, *others]}) == 4
