"""With how many threads a stage computes: as named, as what is there was computed, or as many as are free."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from daecore_flows.stages.classifier import ClassifierRequest, classifier_request
from daecore_flows.stages.every import STAGES
from daecore_flows.stages.key import NO_RESULT
from daecore_flows.stages.threads import decide_threads, keys, useful_threads, without_threads
from daecore_flows.store import device_lock
from daecore_flows.store.dataset_ref import DatasetRef
from daecore_flows.store.store import Store
from daecore_flows.store.unfinished import goes_on

from daecore.device import Device
from daecore.experiment.experiment import parse
from daecore.plugin.source_digest import source_digest
from daecore.plugin.spec import digest
from daecore.transfer.task import ClassifierOptions


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store on a machine of four free cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(4)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("DAE_LOCKS", str(tmp_path))
    made = Store(tmp_path / "store", tmp_path)
    for folder in (made.results, made.cached_results, made.root / "checkpoints", made.root / "locks"):
        folder.mkdir(parents=True)
    return made


def asked(threads: int = 0, side: int = 28, labels: int = 10) -> ClassifierRequest:
    """Train a classifier on pictures of this side."""
    from daecore_flows.stages.classifier import ClassifierAsk

    shape = (1, side, side)
    dataset = DatasetRef(
        spec={"digits": {}}, sha256=f"{side}", shape=shape, test_shapes=(shape,), classes=10, smallest_class=100,
        sizes={"train": 1_000, "validation": 100, "test": 100},
    )  # fmt: skip
    experiment = parse(
        {
            "dataset": {"digits": {}},
            "architecture": {"conv": {"code": 8}},
            "training": {"device": "cpu", "threads": threads},
        }
    )
    ask = ClassifierAsk(method="probe", options=ClassifierOptions(), labels=labels, draw=0)
    return classifier_request(experiment, dataset, None, ask)


def threads_of(request: ClassifierRequest, store: Store, *, anew: bool = False) -> int:
    """With how many threads it would be computed."""
    with decide_threads(request, store, anew=anew) as found:
        assert found.key.device == found.device
        assert digest(found.key) == digest(asked(found.device.threads, found.dataset.shape[1]).key)
        return found.device.threads


def finish(request: ClassifierRequest, threads: int, store: Store) -> None:
    """Leave a result behind, as Prefect does."""
    with decide_threads(request.with_threads(threads), store) as found:
        (store.cached_results / digest(found.key)).touch()


def stop(request: ClassifierRequest, threads: int, store: Store) -> None:
    """Leave a checkpoint behind."""
    with decide_threads(request.with_threads(threads), store) as found:
        store.checkpoint(digest(found.key)).touch()


def grow_old(store: Store) -> None:
    """Let what was begun so far be a minute old."""
    for path in store.results.glob("*/*"):
        before = path.stat().st_mtime - 60
        os.utime(path, (before, before))


def cpu(threads: int) -> Device:
    return Device(kind="cpu", precision="float32", threads=threads)


def test_what_begins_new_takes_what_is_free_at_that_moment(store: Store) -> None:
    """All of it where nobody computes, else the rest; what the user names is taken as it is."""
    with device_lock.hold(cpu(3)):
        assert threads_of(asked(), store) == 1
        assert threads_of(asked(3), store) == 3
    assert threads_of(asked(side=32), store) == 4


def test_small_pictures_take_one_thread_wherever_they_are(store: Store) -> None:
    assert threads_of(asked(side=8), store) == 1
    assert useful_threads(asked(side=8)) == 1
    assert useful_threads(asked(side=28)) == 4


@pytest.mark.parametrize("named", [False, True])
def test_a_finished_result_of_any_number_is_taken_and_told(
    named: bool, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """On a busier or smaller machine nothing is trained again; whoever names another number gets that one."""
    caplog.set_level("INFO", "daecore.progress")
    if named:
        finish(asked(), 3, store)
    else:
        with device_lock.hold(cpu(1)), decide_threads(asked(), store) as found:
            (store.cached_results / digest(found.key)).touch()
    with device_lock.hold(cpu(2)):
        assert threads_of(asked(), store) == 3
    assert "begun with 3 threads before, which it keeps" in caplog.text
    assert threads_of(asked(2), store) == 2


def test_a_checkpoint_of_any_number_goes_on_with_its_own(store: Store) -> None:
    """A later result is worth more, and who begins anew looks at neither."""
    stop(asked(), 2, store)
    assert threads_of(asked(), store) == 2
    assert threads_of(asked(), store, anew=True) == 4
    grow_old(store)
    finish(asked(), 3, store)
    assert threads_of(asked(), store) == 3


def test_what_was_begun_anew_and_stopped_goes_on_though_an_older_result_is_there(store: Store) -> None:
    """Begun anew on a busy machine with fewer threads than what was finished before."""
    finish(asked(), 4, store)
    grow_old(store)
    stop(asked(), 2, store)
    assert threads_of(asked(), store) == 2


def test_a_foreign_file_beside_the_numbers_is_left_alone(store: Store) -> None:
    """Such as what a network's file system keeps of a file that somebody has open."""
    finish(asked(), 2, store)
    (store.results / without_threads(asked()) / ".nfs0001").touch()
    assert keys(asked(), store) == [digest(asked(2).key)]
    assert threads_of(asked(), store) == 2


def test_of_two_that_begin_at_once_the_second_joins_the_first(store: Store) -> None:
    """They would else compute the same twice, with two numbers."""
    with device_lock.hold(cpu(2)), decide_threads(asked(), store) as first:
        assert first.device.threads == 2
    assert threads_of(asked(), store) == 4  # nothing is left of the first, and nobody is at it
    with device_lock.hold(cpu(1)), decide_threads(asked(), store, anew=True) as second:
        assert second.device.threads == 3
        with ThreadPoolExecutor(1) as others:
            assert others.submit(threads_of, asked(), store).result(10) == 3


def test_its_keys_are_those_of_every_number_it_was_begun_with(store: Store) -> None:
    assert keys(asked(), store) == []
    for threads in (1, 4):
        finish(asked(), threads, store)
    assert sorted(keys(asked(), store)) == sorted(digest(asked(threads).key) for threads in (1, 4))
    assert keys(asked(2), store) == [digest(asked(2).key)]


def test_what_does_not_depend_on_threads_stays_as_it_is(store: Store) -> None:
    from daecore_flows.stages.svm import SvmRequest, evaluate_svm

    key = evaluate_svm.key_of({}, [])
    request = SvmRequest(key=key, dataset=asked().dataset)
    with decide_threads(request, store) as found:
        assert found is request
    assert without_threads(request) == digest(key)
    assert list(store.results.iterdir()) == []


def test_cleaning_up_spares_what_a_stopped_training_goes_on_with(store: Store) -> None:
    """Else it would begin with another number, and anew."""
    with decide_threads(asked(2), store) as begun:
        pass
    (folder,) = store.results.iterdir()
    assert folder.name == without_threads(begun) == without_threads(asked())
    assert not goes_on(folder, store)
    store.checkpoint(digest(begun.key)).touch()
    assert goes_on(folder, store)


def test_how_cores_are_counted_is_no_part_of_a_stage_s_code() -> None:
    """The number is in the key; another way of counting trains nothing again."""
    for core in (stage.code.core for stage in STAGES):
        counted = NO_RESULT | {"daecore.processors"}
        assert source_digest(*core, leave_out=NO_RESULT) == source_digest(*core, leave_out=counted)
    assert source_digest("daecore.device", leave_out=NO_RESULT) != source_digest("daecore.device")
