"""Checkpoints that training goes on from: of this very training, or set aside, told once, and kept."""

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from daecore_flows.stages import resuming
from daecore_flows.stages.resuming import Checkpoint, discard, resumable
from daecore_flows.store.own_files import OwnFiles
from daecore_flows.store.shared.location import parse_location
from daecore_flows.store.store import Store
from daecore_flows.studio.store_health import checkpoints
from safetensors.torch import save_file
from torch import nn

from daecore.data.samples import Samples
from daecore.errors import CheckpointError
from daecore.training.checkpoint import load_training_state, save_training_state, tensors_digest
from daecore.training.loop import fit
from daecore.training.loss import classification
from daecore.training.options import TrainingOptions
from daecore.training.state import TrainingState

POINTS = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
SAMPLES = Samples(POINTS, (POINTS[:, 0] > 0).long())
OPTIONS = TrainingOptions(epochs=3, batch=10, precision="float32", average=0.9, patience=3)


def network(width: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 2))


def train(model: nn.Module, resume: TrainingState | None = None) -> str:
    for _ in fit(model, classification, SAMPLES, OPTIONS, seed=0, validation=SAMPLES, resume=resume):
        pass
    return tensors_digest(model.state_dict())


def progress(epochs: int = 2, **changes: Any) -> TrainingState:
    """What the training left after so many epochs, with changes."""
    training = fit(network(), classification, SAMPLES, OPTIONS, seed=0, validation=SAMPLES)
    found = vars([next(training) for _ in range(epochs)][-1].state)
    return TrainingState(**{**found, **changes})


def kept(path: Path) -> Path:
    """The good checkpoint after two epochs."""
    save_training_state(path, progress())
    return path


def resigned(path: Path, header: object, name: str = "", value: torch.Tensor | None = None) -> None:
    """The good checkpoint with another header, or another tensor, and a right checksum."""
    kept(path)
    found = load_training_state(path)
    parts = {part: getattr(found, part) for part in ("weights", "optimiser", "average", "best")}
    tensors = {f"{part}/{key}": each for part, named in parts.items() for key, each in named.items()}
    tensors |= {} if value is None else {name: value}
    text = json.dumps(header)
    save_file(tensors, path, metadata={"header": text, "sha256": tensors_digest(tensors, text)})


GOOD = {"epoch": 2, "waited": 0, "best_loss": 0.5, "format": 2}
DAMAGE: dict[str, Callable[[Path], object]] = {
    "no bytes": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(kept(path).read_bytes()[:-100]),
    "a bit flipped": lambda path: path.write_bytes(kept(path).read_bytes()[:-1] + b"?"),
    "no safetensors": lambda path: path.write_text("something else"),
    "a folder": lambda path: (path / "inside").mkdir(parents=True),
    "a header that is a list": lambda path: resigned(path, [1, 2]),
    "a header of other types": lambda path: resigned(path, GOOD | {"epoch": "two"}),
    "an epoch below zero": lambda path: resigned(path, GOOD | {"epoch": -5}),
    "an epoch after the last": lambda path: resigned(path, GOOD | {"epoch": 7}),
    "a later format": lambda path: resigned(path, GOOD | {"format": 3}),
    "weights of NaN": lambda path: resigned(path, GOOD, "weights/0.bias", torch.full((4,), torch.nan)),
    "averages of infinity": lambda path: resigned(path, GOOD, "average/0.bias", torch.full((4,), torch.inf)),
    "weights of float16": lambda path: resigned(path, GOOD, "weights/0.bias", torch.zeros(4).half()),
    "another network's weights": lambda path: resigned(path, GOOD, "best/0.weight", torch.zeros(5, 3)),
    "moments of another shape": lambda path: resigned(path, GOOD, "optimiser/0.bias.exp_avg", torch.zeros(5)),
    "moments below zero": lambda path: resigned(path, GOOD, "optimiser/0.bias.exp_avg_sq", -torch.ones(4)),
    "a part too many": lambda path: resigned(path, GOOD, "gradient/0.bias", torch.zeros(4)),
    "without averages": lambda path: save_training_state(path, progress(average={})),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_checkpoint_of_any_kind_is_set_aside_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], object]
) -> None:
    """The training begins anew; what was there keeps its content under another name; the next time nothing is told."""
    path = tmp_path / "key.safetensors"
    damage(path)
    before = path.read_bytes() if path.is_file() else b""
    with caplog.at_level(logging.WARNING):
        assert resumable(path, network(), OPTIONS) is None
        assert resumable(path, network(), OPTIONS) is None
    (told,) = caplog.messages
    aside = tmp_path / "key.damaged"
    assert told.endswith(f"The training begins anew; the file is kept as {aside}.")
    assert "\n" not in told
    assert not path.exists()
    assert aside.is_dir() or aside.read_bytes() == before


def test_a_good_checkpoint_is_gone_on_from_to_the_bit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = kept(tmp_path / "key.safetensors")
    found = resumable(path, network(), OPTIONS)
    assert found is not None
    assert train(network(), found) == train(network())
    assert path.exists()
    assert caplog.messages == []


def test_nothing_that_was_set_aside_is_lost(tmp_path: Path) -> None:
    """The next damaged one gets a name of its own; `dae doctor` tells of all, and removes them when asked."""
    store = Store(tmp_path, tmp_path)
    path = store.checkpoint("key")
    path.parent.mkdir()
    for content in (b"one", b"two"):
        path.write_bytes(content)
        resumable(path, network(), OPTIONS)
    path.mkdir()
    discard(OwnFiles(), path)
    names = ["key-2.damaged", "key-3.damaged", "key.damaged"]
    assert sorted(file.name for file in path.parent.iterdir()) == names
    assert [(path.parent / name).read_bytes() for name in ("key.damaged", "key-2.damaged")] == [b"one", b"two"]
    finding = checkpoints(store)
    assert "3 damaged" in finding.said
    assert finding.mend is not None
    finding.mend()
    assert list(path.parent.iterdir()) == []


def test_fit_refuses_the_progress_of_another_training() -> None:
    """Nothing is changed by the attempt; the first of what differs is named."""
    model = network(width=5)
    before = tensors_digest(model.state_dict())
    with pytest.raises(
        CheckpointError, match=r"of its tensors \(weights\) 3 are of another shape or type .*'0.weight'"
    ):
        train(model, progress())
    assert tensors_digest(model.state_dict()) == before


@pytest.fixture
def machines(tmp_path: Path) -> tuple[Store, Store]:
    """Two that share a store, whose files lie in a folder."""
    (tmp_path / "common").mkdir()
    location = parse_location("postgresql://ada@db/daecore", str(tmp_path / "common"))
    stores = [Store(tmp_path / name, tmp_path, location) for name in ("one", "other")]
    for store in stores:
        store.checkpoints.mkdir(parents=True)
    return stores[0], stores[1]


def test_other_machines_are_given_a_checkpoint_now_and_then_and_at_the_end(
    machines: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one, one after a while, and the last one of a training that is stopped; none of one that is done."""
    one, other = machines
    theirs = other.checkpoint("key")

    def epoch() -> int:
        return load_training_state(other.files.bring(theirs)).epoch

    with pytest.raises(KeyboardInterrupt), Checkpoint(one.files, one.checkpoint("key")) as checkpoint:  # noqa: PT012
        checkpoint.save(progress(1))
        assert epoch() == 1
        checkpoint.save(progress(2))
        assert epoch() == 1
        monkeypatch.setattr(resuming, "GIVE_SECONDS", 0)
        checkpoint.save(progress(2))
        assert epoch() == 2
        monkeypatch.setattr(resuming, "GIVE_SECONDS", 60)
        checkpoint.save(progress(3))
        assert epoch() == 2
        raise KeyboardInterrupt
    assert epoch() == 3
    with Checkpoint(other.files, theirs) as checkpoint:
        checkpoint.save(progress(1))
        checkpoint.remove()
    assert not one.files.holds(one.checkpoint("key"))


def test_a_machine_goes_on_from_what_it_wrote_later(machines: tuple[Store, Store]) -> None:
    """Killed, it has not given its last one; where another has gone on meanwhile, that one's counts."""
    one, other = machines
    mine, theirs = one.checkpoint("key"), other.checkpoint("key")
    with Checkpoint(one.files, mine) as checkpoint:
        checkpoint.save(progress(1))
    save_training_state(mine, progress(2))
    os.utime(mine, (time.time() + 5,) * 2)
    assert load_training_state(one.files.bring_newer(mine)).epoch == 2
    assert load_training_state(other.files.bring_newer(theirs)).epoch == 1
    os.utime(mine, (1, 1))
    assert load_training_state(one.files.bring_newer(mine)).epoch == 1
