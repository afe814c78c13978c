"""Trainings side by side: the very networks that each would be alone, all in the cache and in MLflow."""

import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import psutil
import pytest
from daecore_flows.stages import threads
from daecore_flows.stages.training import TrainingRequest, training_request
from daecore_flows.store import device_lock
from daecore_flows.store.dataset_ref import DatasetRef
from daecore_flows.studies import side_by_side
from daecore_flows.studies.laboratory import read_recipe
from daecore_flows.workers.workers import Interrupted, WorkerDied, at_work

DIGITS = DatasetRef(
    spec={"digits": {}}, sha256="0", shape=(1, 8, 8), test_shapes=((1, 8, 8),), classes=10, smallest_class=100,
    sizes={"train": 1_000, "validation": 100, "test": 100},
)  # fmt: skip


def asked(threads: int, seed: int = 0) -> TrainingRequest:
    return training_request(read_recipe("digits-erasure", [f"training.threads={threads}", f"seed={seed}"]), DIGITS)


@pytest.mark.parametrize(
    ("cores", "threads", "count", "wanted"),
    [
        (2, 1, 5, 2),
        (2, 2, 5, 1),
        (8, 3, 5, 2),
        (64, 1, 50, side_by_side.MOST),
        (8, 1, 3, 3),
        (2, 8, 5, 1),
        (2, 1, 0, 0),
    ],
)
def test_as_many_at_once_as_the_cores_carry(
    cores: int, threads: int, count: int, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never more than there are trainings, or than memory holds."""
    monkeypatch.setattr(device_lock, "cores", lambda: cores)
    assert side_by_side.at_once([asked(threads, seed) for seed in range(count)]) == wanted


def test_small_pictures_whose_threads_nobody_named_are_trained_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each will take one; larger ones take what there is."""
    monkeypatch.setattr(device_lock, "cores", lambda: 4)
    monkeypatch.setattr(threads, "usable", lambda: 4)
    small = [asked(0, seed) for seed in range(9)]
    dataset = DIGITS.model_copy(update={"shape": (1, 28, 28)})
    large = [request.model_copy(update={"dataset": dataset}) for request in small]
    assert side_by_side.at_once(small) == 4
    assert side_by_side.at_once(large) == 1


def test_on_a_gpu_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held whole, so that a second process would only wait for it."""
    monkeypatch.setattr(device_lock, "cores", lambda: 8)
    one = asked(1)
    on_gpu = one.model_copy(update={"device": one.device.model_copy(update={"kind": "cuda"})})
    assert side_by_side.at_once([on_gpu, on_gpu]) == 1


SCRIPT = """
import json, sys
from daecore_flows.store.store import current_store
current_store().enter()
from prefect import flow
from daecore_flows.store import tracking
from daecore_flows.studies.laboratory import Laboratory

@flow
def trained(changes):
    tracking.prepare(current_store())
    run = tracking.start(tracking.experiment_id("test", current_store()), "study", {}, {})
    with Laboratory(current_store(), run) as lab:
        short = ("training.epochs=2", "training.threads=1")
        wanted = [lab.experiment("digits-erasure", *short, *each) for each in changes]
        found = list(lab.train_all(wanted))
        runs = [tracking.client().get_run(it.ref.run_id) for it in found]
        assert all(run.info.status == "FINISHED" for run in runs)
        assert [run.data.params["seed"] for run in runs] == [str(it.seed) for it in wanted]
        print(*(it.reused for it in lab.call.timings))
        print(*(it.ref.summary.weights_sha256 for it in found))

trained(json.loads(sys.argv[1]))
"""


@pytest.fixture
def lab(program: Any, server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What a laboratory says of these trainings, on a machine with so many cores."""
    monkeypatch.setenv("PREFECT_API_URL", server)

    def lab(store: Path, changes: list[list[str]], cores: int) -> list[str]:
        patched = f"import os; os.sched_getaffinity = lambda pid: set(range({cores}))\n{SCRIPT}"
        return list(program(store, patched, json.dumps(changes)))

    return lab


@pytest.mark.long
def test_they_are_the_networks_that_each_would_be_alone(tmp_path: Path, lab: Callable[..., list[str]]) -> None:
    """In their order and to the bit; afterwards each is in the cache."""
    seeds = [[f"seed={seed}"] for seed in range(4)]
    beside, alone = lab(tmp_path / "beside", seeds, 2), lab(tmp_path / "alone", seeds, 1)
    assert beside[-1] == alone[-1]
    again = lab(tmp_path / "beside", seeds, 2)
    assert again[-2].split() == ["True"] * 5  # the data, and each of the four


class Helpers:
    """Workers that give what they are told to, one after the other, as soon as they are asked."""

    def __init__(self, *results: object, seconds: float = 0) -> None:
        self.results, self.seconds = deque(results), seconds
        self.given, self.ended = list[TrainingRequest](), 0
        self.stop = Event()

    def room(self, training: object) -> int:
        return 8

    def submit(self, request: TrainingRequest, task: object, values: object, training: object) -> None:
        self.given.append(request)

    def wait(self) -> tuple[TrainingRequest, object]:
        self.stop.wait(self.seconds)
        self.ended += 1
        return self.given[self.ended - 1], WorkerDied("ended") if self.stop.is_set() else self.results.popleft()


@contextmanager
def helped(helpers: Helpers, requests: list[TrainingRequest]) -> Iterator[side_by_side.Shared]:
    with side_by_side.help_training(helpers, requests, "", lambda request: False) as shared:  # type: ignore[arg-type]
        yield shared


@pytest.fixture
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there are two helpers."""
    monkeypatch.setattr(device_lock, "cores", lambda: 3)


NINE = [asked(1, seed) for seed in range(9)]


def test_an_error_of_a_worker_is_that_of_all_and_nothing_more_is_begun(three_cores: None) -> None:
    """What the other one has begun is still finished, and noted."""
    helpers = Helpers(RuntimeError("the loss became nan"), None)
    lacking = []

    def together() -> None:
        with helped(helpers, NINE) as shared:
            assert not shared.wait(NINE[0])
            lacking.extend(shared.lacks(request) for request in helpers.given)

    with pytest.raises(RuntimeError, match="became nan"):
        together()
    assert helpers.ended == len(helpers.given) == 2
    assert lacking == [True, False]


def test_what_a_dead_worker_had_begun_is_still_lacking(three_cores: None) -> None:
    """The others are trained; the caller finds the one that is missing, and trains it."""
    helpers = Helpers(WorkerDied("gone"), *[None] * 8)
    with helped(helpers, NINE) as shared:
        assert not shared.wait(NINE[0])
        assert all(shared.wait(request) for request in NINE[1:])
    assert helpers.given == NINE


def test_an_interrupt_begins_nothing_more_and_ends_the_workers(three_cores: None) -> None:
    helpers = Helpers(*[None] * 9, seconds=30)
    with pytest.raises(KeyboardInterrupt), helped(helpers, NINE) as shared:  # noqa: PT012
        while len(helpers.given) < 2:
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert helpers.stop.is_set()
    assert shared.take() is None
    assert len(helpers.given) == 2


def test_an_interrupt_while_workers_are_waited_for_does_the_same(three_cores: None) -> None:
    """The block is done, the helpers are not: they are not waited for."""
    helpers = Helpers(*[None] * 2, seconds=30)
    threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), helped(helpers, NINE[:3]) as shared:
        shared.take()
    assert time.monotonic() - began < 10
    assert helpers.stop.is_set()


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_what_would_end_a_process_leaves_a_worker_as_an_error(raised: type[BaseException]) -> None:
    """With any other result the pool would lose the thread that hands results on."""

    def work(error: BaseException) -> None:
        raise error

    with pytest.raises(Interrupted, match=raised.__name__):
        at_work(lambda: work(raised()))
    with pytest.raises(ValueError, match="as it is"):
        at_work(lambda: work(ValueError("as it is")))
    assert at_work(lambda: 3) == 3


@pytest.mark.long
def test_ctrl_c_in_a_terminal_ends_a_study_and_its_workers(
    tmp_path: Path, started: Any, wait_until: Any, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reaches the command and its workers at once: both trainings KILLED, nobody left, the way to go on told."""
    monkeypatch.setenv("PREFECT_API_URL", server)
    log = tmp_path / "said"
    with log.open("w") as said:
        lecture = ("study", "lecture", "--only", "filters")
        process = started(tmp_path, *lecture, stdout=said, stderr=subprocess.STDOUT, start_new_session=True)
        wait_until(lambda: "trained beside" in log.read_text() or process.poll() is not None, 240, log.read_text)
        assert process.poll() is None, log.read_text()
        theirs = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(120) == 130
    output = log.read_text()
    assert "goes on with the experiment it was in" in output
    assert "Traceback" not in output
    assert "ERROR" not in output
    _, living = psutil.wait_procs(theirs, timeout=60)
    assert living == []
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        states = {state for (state,) in database.execute("select status from runs")}
    assert states == {"FINISHED", "KILLED"}
