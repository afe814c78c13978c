"""The outbox of a training: nothing waits for MLflow, and everything arrives there once, whatever was away."""

import base64
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from daecore_flows.cli import sync
from daecore_flows.store import housekeeping, tracking
from daecore_flows.store.environment import ENTERED
from daecore_flows.store.journal import Journal, journal_path, journals
from daecore_flows.store.layout import FILE, LAYOUT
from daecore_flows.store.store import Store
from daecore_flows.store.studio_record import began
from daecore_flows.store.tracking import heartbeat
from daecore_flows.store.tracking import outbox as module
from daecore_flows.store.tracking.files import picture_name
from daecore_flows.store.tracking.outbox import Outbox
from daecore_flows.store.tracking.patient_client import PATIENCE, Outage, under_way
from daecore_flows.store.tracking.telling import Delivery, end_later, tell_left
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from PIL import Image

from daecore.errors import StoreError


@pytest.fixture
def store(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    own = shutil.copy(empty_database, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{own}")
    monkeypatch.setenv("DAE_MLFLOW_URI", f"sqlite:///{own}")
    monkeypatch.setenv(PATIENCE, "0.3")
    for name in ("patient_client.outage", "outbox.outage"):
        monkeypatch.setattr(f"daecore_flows.store.tracking.{name}", OUTAGE)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr("daecore_flows.store.tracking.patient_client.uniform", lambda low, high: 0.01)
    under_way.append("run")
    yield Store(tmp_path / "store", tmp_path)
    under_way.clear()
    OUTAGE.end()


OUTAGE = Outage()


@pytest.fixture
def run(store: Store) -> str:
    client = tracking.client()
    return str(
        client.create_run(client.create_experiment(str(store.root), artifact_location=str(store.artifacts))).info.run_id
    )


class Away:
    """MLflow, which is not to be reached while it is away."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.away, self.after = False, False
        for name in ("log_batch", "set_terminated", "get_run"):
            patch.setattr(MlflowClient, name, self._or(getattr(MlflowClient, name)))

    def _or(self, method: Any) -> Any:
        def ask(client: MlflowClient, *values: Any, **named: Any) -> Any:
            if self.away:
                raise MlflowException("API request failed with exception ... Connection refused")
            found = method(client, *values, **named)
            if self.after:
                self.after = False
                raise MlflowException("API request failed with timeout exception")  # it was done all the same
            return found

        return ask


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Away:
    return Away(monkeypatch)


def losses(run: str) -> dict[int, float]:
    found = tracking.client().get_metric_history(run, "loss")
    assert len({entry.step for entry in found}) == len(found), "a step was told twice"
    return {entry.step: entry.value for entry in found}


def test_all_is_told_when_the_block_ends(store: Store, run: str, mlflow: Away) -> None:
    """Metrics, and pictures under the names that MLflow's page reads; values that are not finite are left out."""
    with Outbox(run, store) as outbox:
        for step in range(1, 2001):
            outbox.put_metrics({step: {"loss": 1 / step, "other": float("nan")}}) if step > 1990 else None
        outbox.put_metrics({step: {"loss": 1 / step} for step in range(1, 1991)})
        outbox.put_picture(np.zeros((4, 6, 3), np.uint8), "restored", 7)
    assert losses(run) == {step: 1 / step for step in range(1, 2001)}
    assert tracking.history(run, "other") == {}
    names = [path.name for path in (store.artifacts / run / "artifacts" / "images").iterdir()]
    assert sorted(name.rpartition(".")[2] for name in names) == ["png", "webp"]
    assert all(name.startswith("restored+step+7+timestamp+") for name in names)
    assert tracking.client().get_run(run).data.tags["mlflow.loggedImages"] == "True"
    assert journals(store.root) == []


def test_what_computes_does_not_wait_and_nothing_is_lost(store: Store, run: str, mlflow: Away) -> None:
    """While MLflow is away, and when it comes back before the end."""
    with Outbox(run, store) as outbox:
        mlflow.away = True
        began = time.monotonic()
        for step in range(20):
            outbox.put_metrics({step: {"loss": step}})
        assert time.monotonic() - began < 0.3
        assert losses(run) == {}
        threading.Timer(0.1, lambda: setattr(mlflow, "away", False)).start()
    assert list(losses(run)) == list(range(20))


def _put_while_renamed(run: str, store: Store, away: Path) -> None:
    with Outbox(run, store) as outbox:
        store.root.rename(away)
        outbox.put_picture(np.zeros((4, 6, 3), np.uint8), "restored", 7)


def test_a_picture_that_a_store_that_was_renamed_did_not_get_waits_in_the_journal(
    store: Store, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its open database goes with it, and the picture would be written into a new folder in its place."""
    monkeypatch.setenv("DAE_STORE", str(store.root))
    monkeypatch.setenv(ENTERED, str(store.root))
    store.root.mkdir(exist_ok=True)
    (store.root / FILE).write_text(str(LAYOUT))
    away = store.root.with_name("away")
    with pytest.raises(StoreError, match="is gone"):
        _put_while_renamed(run, store, away)
    shutil.rmtree(store.root, ignore_errors=True)
    away.rename(store.root)
    assert [delivery.told for delivery in tell_left(store)] == [1]
    assert tracking.pictures(run, "restored") == {7}


def test_an_answer_that_was_lost_doubles_nothing(store: Store, run: str, mlflow: Away) -> None:
    """MLflow had written it, and could not say so."""
    with Outbox(run, store) as outbox:
        mlflow.after = True
        outbox.put_metrics({1: {"loss": 0.5}})
    assert losses(run) == {1: 0.5}


def train(run: str, store: Store, mlflow: Away) -> None:
    """An epoch, and three while MLflow is away."""
    with Outbox(run, store) as outbox:
        outbox.put_metrics({0: {"loss": 9.0}})
        while not losses(run):
            time.sleep(0.01)
        mlflow.away = True
        for step in (1, 2, 3):
            outbox.put_metrics({step: {"loss": step, "seconds": 1.0}})


def test_what_waits_at_the_end_is_kept_told_of_and_delivered_once(store: Store, run: str, mlflow: Away) -> None:
    """In a paragraph; with how the run ended. What MLflow has learnt of meanwhile is left out."""
    with pytest.raises(tracking.MlflowAway, match=r"3 messages of the training wait in .*`dae sync`"):
        train(run, store, mlflow)
    end_later(run, "FAILED", "for want of MLflow", store)
    with pytest.raises(tracking.MlflowAway):
        list(tell_left(store))
    mlflow.away = False
    tracking.client().log_metric(run, "loss", 2.0, step=2)  # by another machine that went on
    assert list(tell_left(store)) == [Delivery(run, 4)]
    assert losses(run) == {0: 9.0, 1: 1.0, 2: 2.0, 3: 3.0}
    found = tracking.client().get_run(run)
    assert (found.info.status, found.data.tags["dae.error"]) == ("FAILED", "for want of MLflow")
    assert list(tell_left(store)) == []


def test_who_goes_on_with_the_run_tells_first_what_was_left(
    store: Store, run: str, mlflow: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not that it had ended."""
    monkeypatch.setattr(module, "HURRY_SECONDS", 0.1)
    mlflow.away = True
    with suppress(ZeroDivisionError), Outbox(run, store) as outbox:
        outbox.put_metrics({1: {"loss": 1.0}})
        _ = 1 / 0
    end_later(run, "FAILED", "", store)
    mlflow.away = False
    with Outbox(run, store) as outbox:
        assert losses(run) == {1: 1.0}
        outbox.put_metrics({2: {"loss": 2.0}})
    assert losses(run) == {1: 1.0, 2: 2.0}
    assert tracking.client().get_run(run).info.status == "RUNNING"


def test_an_outbox_that_could_not_begin_lets_its_end_be_kept(store: Store, run: str, mlflow: Away) -> None:
    """What an earlier process had left could not be told."""
    end_later(run, "FAILED", "", store)
    with closing(Journal(journal_path(store.root, run))) as journal:
        journal.append({"metrics": {"1": {"loss": 1.0}}, "time": 1})
    mlflow.away = True
    with pytest.raises(tracking.MlflowAway), Outbox(run, store):
        pass
    end_later(run, "FAILED", "", store)
    mlflow.away = False
    assert list(tell_left(store)) == [Delivery(run, 3)]
    assert losses(run) == {1: 1.0}


def test_a_run_that_ended_otherwise_keeps_its_end(store: Store, run: str, mlflow: Away) -> None:
    """Another machine has finished it."""
    end_later(run, "FAILED", "it was away", store)
    tracking.client().set_terminated(run, "FINISHED")
    assert list(tell_left(store)) == [Delivery(run, 1)]
    assert tracking.client().get_run(run).info.status == "FINISHED"


def test_what_a_removed_run_had_to_tell_waits_until_it_is_brought_back(store: Store, run: str, mlflow: Away) -> None:
    """And `dae gc`, after which it cannot come back, lets go of it."""
    keep(store, run, {1: {"loss": 1.0}})
    tracking.client().delete_run(run)
    [found] = tell_left(store)
    assert (found.told, found.kept) == (0, 1)
    assert "the run was removed" in found.why
    assert [it.path for it in housekeeping._untold(store)] == [journal_path(store.root, run)]
    tracking.client().restore_run(run)
    assert list(housekeeping._untold(store)) == []
    assert list(tell_left(store)) == [Delivery(run, 1)]
    assert losses(run) == {1: 1.0}


def test_what_is_of_a_run_that_mlflow_does_not_know_waits(store: Store, mlflow: Away) -> None:
    """It may be another MLflow than the one that the run was begun with; `dae gc` cannot tell either."""
    keep(store, 32 * "b", {1: {"loss": 1.0}})
    [found] = tell_left(store)
    assert (found.told, found.kept) == (0, 1)
    assert "knows no such run" in found.why
    assert list(housekeeping._untold(store)) == []


def keep(store: Store, run: str, *entries: dict[int, dict[str, float]], time: int = 1) -> None:
    """Have what a process had to tell that ended."""
    with closing(Journal(journal_path(store.root, run))) as journal:
        for number, entry in enumerate(entries):
            journal.append({"metrics": entry, "time": time + number})


class Refusing:
    """An MLflow that takes no figures of one step, and says so in some way."""

    def __init__(self, patch: pytest.MonkeyPatch, step: int, error: MlflowException) -> None:
        log = MlflowClient.log_batch

        def log_batch(client: MlflowClient, run: str, metrics: Any = (), **named: Any) -> None:
            if any(metric.step == step for metric in metrics):
                raise error
            log(client, run, metrics=metrics, **named)

        patch.setattr(MlflowClient, "log_batch", log_batch)


REFUSALS = [
    ("something of its own", "something of its own"),
    ("API request failed: too many 500 error responses", "MLflow answers, but not to this"),
]


@pytest.mark.parametrize(("said", "why"), REFUSALS)
def test_what_mlflow_refuses_for_ever_keeps_nothing_else_back(
    store: Store, run: str, monkeypatch: pytest.MonkeyPatch, said: str, why: str
) -> None:
    """Not what follows it, nor other runs; it waits, and is told once MLflow takes it. What failed is said."""
    other = str(tracking.client().create_run(tracking.client().get_run(run).info.experiment_id).info.run_id)
    keep(store, run, {1: {"loss": 1.0}}, {2: {"loss": 2.0}}, {3: {"loss": 3.0}})
    keep(store, other, {2: {"seconds": 2.0}}, {7: {"loss": 7.0}})
    with monkeypatch.context() as patch:
        Refusing(patch, 2, MlflowException(said))
        found = {it.run_id: it for it in tell_left(store)}
    assert {name: (it.told, it.kept) for name, it in found.items()} == {run: (2, 1), other: (1, 1)}
    assert why in found[run].why
    assert (losses(run), losses(other)) == ({1: 1.0, 3: 3.0}, {7: 7.0})
    assert {it.told for it in tell_left(store)} == {1}
    assert losses(run) == {1: 1.0, 2: 2.0, 3: 3.0}
    assert journals(store.root) == []


def test_a_training_does_not_go_on_without_figures_that_mlflow_refuses(
    store: Store, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would count too few epochs; the paragraph names the file that may be removed."""
    keep(store, run, {1: {"loss": 1.0}}, {2: {"loss": 2.0}})
    Refusing(monkeypatch, 1, MlflowException("something of its own"))
    with pytest.raises(StoreError, match=rf"does not take 1 of it \(something of its own\).*{run}"), Outbox(run, store):
        pass
    assert losses(run) == {2: 2.0}


def test_an_epoch_of_which_mlflow_has_a_part_is_told_whole(store: Store, run: str, mlflow: Away) -> None:
    """A process was killed between two of the batches in which an entry is told."""
    steps = {step: {"loss": 1 / step, "epoch_seconds": 2.0, "images_per_second": 3.0} for step in range(1, 400)}
    figures = [Metric(key, value, 1, step) for step, found in steps.items() for key, value in found.items()]
    tracking.client().log_batch(run, metrics=figures[:1000])
    keep(store, run, steps)
    assert list(tell_left(store)) == [Delivery(run, 1)]
    for key in ("loss", "epoch_seconds", "images_per_second"):
        found = tracking.client().get_metric_history(run, key)
        assert sorted(it.step for it in found) == list(steps)


def test_an_epoch_that_was_noted_twice_is_told_once(store: Store, run: str, mlflow: Away) -> None:
    """With another time: an interrupt came between what was written and the note that it was."""
    keep(store, run, {1: {"loss": 1.0}}, {1: {"loss": 1.0}, 2: {"loss": 2.0}})
    assert list(tell_left(store)) == [Delivery(run, 2)]
    assert losses(run) == {1: 1.0, 2: 2.0}


def test_two_threads_that_tell_at_once_are_told_each_for_itself(
    store: Store, run: str, mlflow: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is noted as told is what was told, whoever of them wrote first."""
    monkeypatch.setattr(module, "HURRY_SECONDS", 0.1)
    with suppress(ZeroDivisionError), Outbox(run, store) as outbox:
        threads = [
            threading.Thread(target=lambda key=key: [outbox.put_metrics({it: {key: it}}) for it in range(20)])
            for key in ("loss", "system/load")
        ]
        [it.start() for it in threads]
        [it.join() for it in threads]
        mlflow.away = True
        _ = 1 / 0
    mlflow.away = False
    list(tell_left(store))
    assert sorted(losses(run)) == list(range(20))
    assert sorted(tracking.history(run, "system/load")) == list(range(20))


def test_a_picture_that_another_machine_has_told_is_told_once(store: Store, run: str, mlflow: Away) -> None:
    """Under whatever name."""
    png = base64.b64encode(png_of(np.zeros((4, 6, 3), np.uint8))).decode()
    with closing(Journal(journal_path(store.root, run))) as journal:
        for step in (1, 2, 3):
            journal.append({"picture": picture_name("restored", step), "png": png})
    tracking.log_picture(run, np.zeros((4, 6, 3), np.uint8), "restored", 2)
    assert list(tell_left(store)) == [Delivery(run, 3)]
    names = [path.name for path in (store.artifacts / run / "artifacts" / "images").glob("*.png")]
    assert sorted(name.split("+")[2] for name in names) == ["1", "2", "3"]
    assert tracking.pictures(run, "restored") == {1, 2, 3}


def test_an_attempt_that_was_killed_at_its_end_is_told_once(store: Store, run: str) -> None:
    """Whoever takes it up tells all of it again: figures and pictures that are there stay, and new ones come."""
    for seconds in (1.0, 2.0):
        tracking.log_metrics(run, {"psnr": 20.0, "seconds": seconds})
        tracking.log_picture(run, np.zeros((4, 6), np.uint8), "panel")
    tracking.log_metrics(run, {"psnr": 21.0}, step=1)
    told = {key: [it.value for it in tracking.client().get_metric_history(run, key)] for key in ("psnr", "seconds")}
    assert told == {"psnr": [20.0, 21.0], "seconds": [1.0, 2.0]}
    assert len(list((store.artifacts / run / "artifacts" / "images").glob("*.png"))) == 1


def test_a_picture_that_is_long_and_thin_is_told(store: Store, run: str) -> None:
    """As of signals, a pixel high."""
    with Outbox(run, store) as outbox:
        outbox.put_picture(np.zeros((1, 1200), np.uint8), "restored", 1)
    assert tracking.pictures(run, "restored") == {1}


def process_of(process: psutil.Process) -> dict[str, str]:
    return {**heartbeat.process_tags(), heartbeat.PID: str(process.pid), heartbeat.STARTED: f"{began(process):.2f}"}


def test_whoever_takes_up_a_run_says_how_it_ended(store: Store, run: str) -> None:
    """An earlier process has something to say of that, too, which is no longer so."""
    tracking.tag(run, heartbeat.process_tags())
    end_later(run, "FAILED", "it was away", store)
    tracking.tag(run, process_of(psutil.Process(os.getppid())))
    assert list(tell_left(store)) == [Delivery(run, 1)]
    found = tracking.client().get_run(run)
    assert (found.info.status, found.data.tags.get("dae.error")) == ("RUNNING", None)


def test_how_a_run_ended_is_told_while_its_process_does_other_things(store: Store, run: str) -> None:
    """As the trials of a sweep do."""
    tracking.tag(run, heartbeat.process_tags())
    end_later(run, "FAILED", "it was away", store)
    assert list(tell_left(store)) == [Delivery(run, 1)]
    assert tracking.client().get_run(run).info.status == "FAILED"


def test_an_end_that_no_database_takes_as_text_is_told(store: Store, run: str) -> None:
    """An error may name a file by bytes that are no text."""
    end_later(run, "FAILED", "no file a\udcff\0b", store)
    assert list(tell_left(store)) == [Delivery(run, 1)]
    assert tracking.client().get_run(run).data.tags["dae.error"] == "no file a\\udcff\\0b"


def test_dae_sync_says_what_was_told_and_what_waits_on(
    store: Store, run: str, mlflow: Away, capsys: pytest.CaptureFixture[str]
) -> None:
    """And that others tell by themselves: then something waits, and it is not said that nothing does."""
    keep(store, run, {1: {"loss": 1.0}})
    with closing(Journal(journal_path(store.root, run))):
        assert sync._tell(store) == 0
    assert "1 run that goes on tells MLflow by itself" in capsys.readouterr().out
    keep(store, 32 * "b", {1: {"loss": 1.0}}, {2: {"loss": 1.0}})
    assert sync._tell(store) == 2
    said = capsys.readouterr()
    assert said.out == f"run {run}: 1 message told\n"
    assert f"dae: 2 messages of run {32 * 'b'} wait on in {journal_path(store.root, 32 * 'b')}: MLflow at" in said.err
    journal_path(store.root, 32 * "b").unlink()
    assert sync._tell(store) == 0
    assert capsys.readouterr().out == "Nothing waits.\n"


def test_two_that_tell_at_once_tell_once(store: Store, run: str, mlflow: Away) -> None:
    """The second one finds the journal held, and leaves it."""
    keep(store, run, {1: {"loss": 1.0}}, {2: {"loss": 2.0}})
    first = tell_left(store)
    with closing(Journal(journal_path(store.root, run))):
        assert list(tell_left(store)) == []
    assert list(first) == [Delivery(run, 2)]
    assert losses(run) == {1: 1.0, 2: 2.0}


def test_the_journal_of_a_living_process_is_left_alone(store: Store, run: str, mlflow: Away) -> None:
    """It tells it by itself."""
    with Outbox(run, store) as outbox:
        mlflow.away = True
        outbox.put_metrics({1: {"loss": 1.0}})
        assert journals(store.root) == [journal_path(store.root, run)]
        assert list(tell_left(store)) == []
        mlflow.away = False
    assert losses(run) == {1: 1.0}


def test_a_refusal_ends_the_training_as_it_did(store: Store, run: str, mlflow: Away) -> None:
    """A run that was removed meanwhile is no outage."""
    tracking.client().delete_run(run)
    with pytest.raises(MlflowException, match="deleted"), Outbox(run, store) as outbox:
        outbox.put_metrics({1: {"loss": 1.0}})


def png_of(picture: np.ndarray[Any, Any]) -> bytes:
    with BytesIO() as file:
        Image.fromarray(picture).save(file, "PNG")
        return file.getvalue()


def forged(content: bytes, name: str = picture_name("restored", 1)) -> dict[str, Any]:
    return {"picture": name, "png": base64.b64encode(content).decode()}


PNG = png_of(np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8))
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
ENTRIES = [
    {"metrics": {"x": {"loss": 1.0}}, "time": 1}, {"metrics": [], "time": 1}, {"metrics": {"1": {"loss": "a"}}},
    {"picture": "../../../x", "png": ""}, {"picture": "images/a", "png": "bm8="}, {"picture": 3},
    {"end": "NONSENSE", "why": ""},
    {}, {"metrics": {"1": {"bad key?": 1.0}}, "time": 1},
    {"metrics": {"1": {"loss": 10**400}}, "time": 1}, {"metrics": {str(2**70): {"loss": 1.0}}, "time": 1},
    {"metrics": {"1": {"loss": 1.0}}, "time": 2**70}, {"metrics": {"1": {"loss": float("inf")}}, "time": 1},
    forged(PNG, ""), forged(PNG, "."), forged(PNG, "x"), forged(PNG, "images/" + 300 * "x"), forged(PNG, "images/.."),
    forged(PNG[:60]), forged(PNG[:-30]), forged(POSTSCRIPT), forged(PNG.replace(b"IDAT", b"IDAX")),
]  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=range(len(ENTRIES)))
def test_what_is_no_entry_does_not_keep_back_what_follows(
    store: Store, run: str, mlflow: Away, entry: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal may be anybody's: nothing is written elsewhere, either."""
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    journal = Journal(journal_path(store.root, run))
    journal.append(entry)
    journal.append({"metrics": {"7": {"loss": 0.5}}, "time": 1})
    journal.close()
    assert list(tell_left(store)) == [Delivery(run, 2)]
    assert losses(run) == {7: 0.5}
    assert list(scratch.iterdir()) == []
    assert not list(store.root.parent.rglob("*.png"))
