"""What is logged of epochs: each figure and each picture once, wherever a process ended."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from daecore_flows.stages.epoch_log import SHOWN_AS, EpochLog, Preview
from daecore_flows.store import tracking
from daecore_flows.store.store import Store
from daecore_flows.store.tracking import Outbox
from torch import nn

from daecore.training.loop import Epoch

Run = tuple[str, Store]


@pytest.fixture
def run(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_database, tmp_path / 'mlflow.db')}")
    store = Store(tmp_path / "store", tmp_path)
    experiment = tracking.client().create_experiment(str(tmp_path), artifact_location=str(store.artifacts))
    return tracking.start(experiment, "it", {}, {}), store


def epoch(number: int) -> Epoch:
    state: Any = SimpleNamespace()
    return Epoch(number, 1 / number, None, 2.0, 3.0, nn.Identity(), state)


def log_of(outbox: Outbox, run: Run) -> EpochLog:
    """As a training has it."""
    preview = Preview(torch.rand(2, 1, 4, 4), epochs=4)
    return EpochLog(outbox, preview, tracking.history(run[0], "loss"), tracking.pictures(run[0], SHOWN_AS))


def pictures(run: Run) -> list[str]:
    names = [path.name for path in (run[1].artifacts / run[0] / "artifacts" / "images").glob("*.png")]
    return sorted(name.split("+")[2] for name in names)


def test_a_picture_whose_epoch_was_not_logged_is_not_shown_twice(run: Run) -> None:
    """A process was killed between the two, and the next one trains the epoch again."""
    with Outbox(*run) as outbox:
        log_of(outbox, run).add(epoch(1))
    with Outbox(*run) as outbox, log_of(outbox, run) as log:
        for number in (1, 2):
            log.add(epoch(number))
    assert pictures(run) == ["1", "2"]
    assert tracking.history(run[0], "loss") == {1: 1.0, 2: 0.5}


def test_an_interrupt_behind_what_was_written_does_not_write_it_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes wherever the process happens to be; whoever ends a log writes what is left."""
    with Outbox(*run) as outbox:
        put = outbox.put_metrics

        def interrupted(steps: Any) -> None:
            put(steps)
            if steps:
                raise KeyboardInterrupt

        monkeypatch.setattr(outbox, "put_metrics", interrupted)
        log = log_of(outbox, run)
        log.add(epoch(1))
        with pytest.raises(KeyboardInterrupt), log:
            log.write()
    assert [it.step for it in tracking.client().get_metric_history(run[0], "loss")] == [1]
