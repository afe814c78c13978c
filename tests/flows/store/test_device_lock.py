"""Who computes when: cores are shared by those who ask for few, and a device by nobody."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from daecore_flows.stages import svm
from daecore_flows.store import device_lock

from daecore.device import Device


@pytest.fixture(autouse=True)
def two_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two cores of the test's own."""
    monkeypatch.setattr(device_lock, "slots", lambda: ["core-0", "core-1"])
    monkeypatch.setenv("DAE_LOCKS", str(tmp_path))


def device(threads: int, kind: str = "cpu") -> Device:
    return Device(kind=kind, precision="float32", threads=threads)


@contextmanager
def wanted(where: Device) -> Iterator[threading.Event]:
    """Somebody who wants a device as soon as it is free; the event says that it has it."""
    has, done = threading.Event(), threading.Event()

    def hold() -> None:
        with device_lock.hold(where):
            has.set()
            done.wait(10)

    threading.Thread(target=hold, daemon=True).start()  # not joined: it may still wait for what the test holds
    yield has
    done.set()


def test_two_that_ask_for_one_core_each_compute_side_by_side() -> None:
    """And a third one waits until one of them has ended."""
    with wanted(device(1)) as third:
        assert third.wait(5)
        with device_lock.hold(device(1)), wanted(device(1)) as late:
            assert not late.wait(0.5)


def test_who_asks_for_all_cores_has_them_alone() -> None:
    """More threads than there are cores count as all of them."""
    with device_lock.hold(device(8)), wanted(device(1)) as other:
        assert not other.wait(0.5)


def test_who_waits_for_many_cores_is_not_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that asks for a core later waits behind, though a core is free."""
    monkeypatch.setattr(device_lock, "POLL_SECONDS", 2)
    with device_lock.hold(device(1)), ExitStack() as second:
        second.enter_context(device_lock.hold(device(1)))
        with wanted(device(2)) as many:
            assert not many.wait(0.3)  # it looks again in two seconds
            second.close()
            with wanted(device(1)) as few:
                assert not few.wait(0.5)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits gives way after a moment, once."""
    for name, value in {"POLL_SECONDS": 0.02, "PATIENCE_SECONDS": 0.3, "PASS_SECONDS": 0.2, "PASSES": 1}.items():
        monkeypatch.setattr(device_lock, name, value)


def test_cores_do_not_idle_behind_one_that_lacks_another(impatient: None) -> None:
    """After a while one that needs fewer passes, but not without end: then who has waited longer has his turn."""
    with ExitStack() as first:
        first.enter_context(device_lock.hold(device(1)))
        with wanted(device(2)) as many:
            assert not many.wait(0.1)
            with wanted(device(1)) as few:
                assert few.wait(5)
                assert not many.wait(0.5)  # long enough to see that somebody has passed
            with wanted(device(1)) as late:
                assert not late.wait(1)
                first.close()
                assert many.wait(5)
                assert not late.is_set()


def test_who_stood_back_for_nobody_may_do_so_again(impatient: None) -> None:
    """There was nobody who waited; who comes later passes all the same."""
    with device_lock.hold(device(1)), wanted(device(2)) as many:
        assert not many.wait(1.5)
        with wanted(device(1)) as few:
            assert few.wait(5)
            assert not many.is_set()


def test_what_keeps_no_number_fits_itself_to_what_is_free() -> None:
    assert device_lock.fitting(device(8)) == device(2)
    with device_lock.hold(device(1)):
        assert device_lock.fitting(device(8)) == device(1)
    assert device_lock.fitting(device(8, "cuda")) == device(8, "cuda")


def test_a_gpu_is_held_whole() -> None:
    with device_lock.hold(device(1, "cuda")), wanted(device(1, "cuda")) as other:
        assert not other.wait(0.5)


def test_who_waits_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    """Else a command that stands still looks broken."""
    with device_lock.hold(device(2)), wanted(device(2)) as other:
        other.wait(0.5)
        assert caplog.text.count("waiting for 2 cores of this machine") == 1


def test_what_begins_new_takes_what_is_free_and_no_more_than_it_wants() -> None:
    assert device_lock.free(1) == 1
    assert device_lock.free(8) == 2
    with device_lock.hold(device(1)):
        assert device_lock.free(8) == 1
    assert device_lock.free(8) == 2


def test_what_holds_one_core_computes_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The support vector machine's matrix products, too."""
    before, threads = torch.get_num_threads(), []
    monkeypatch.setattr(svm, "splits_of", lambda dataset: dataset)
    monkeypatch.setattr(svm, "choose_svm", lambda splits: threads.append(torch.get_num_threads()))
    torch.set_num_threads(2)
    try:
        svm.evaluate_svm.fn(SimpleNamespace(dataset=None))  # type: ignore[arg-type]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert threads == [1]


def test_where_nothing_is_free_it_waits_for_the_first_core() -> None:
    with ExitStack() as first, ThreadPoolExecutor(1) as threads:
        first.enter_context(device_lock.hold(device(1)))
        with device_lock.hold(device(1)):
            number = threads.submit(device_lock.free, 2)
            assert not wait([number], 0.3).done
            first.close()
            assert number.result(5) == 1


def test_without_the_machine_s_locks_one_computes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As many threads as are asked for; it is said."""
    monkeypatch.setenv("DAE_LOCKS", str(tmp_path / "gone"))
    with device_lock.hold(device(2)), device_lock.hold(device(2)), device_lock.hold(device(1, "cuda")):
        assert device_lock.free(2) == 2
    assert "cannot be opened" in caplog.text


ELSEWHERE = """
from daecore_flows.store import device_lock
from daecore.device import Device
device_lock.slots = lambda: ["core-0", "core-1"]
with device_lock.hold(Device(kind="cpu", precision="float32", threads=2)):
    print("has", flush=True)
    input()
"""


def test_programs_of_other_stores_wait_for_each_other() -> None:
    """The locks are the machine's; who is killed holds nothing."""
    command = [sys.executable, "-c", ELSEWHERE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "has\n"
        with wanted(device(1)) as ours:
            assert not ours.wait(0.3)
            other.kill()
            assert ours.wait(5)


def test_nothing_is_held_afterwards() -> None:
    """Not after an error, either."""
    with pytest.raises(ValueError, match="mine"), device_lock.hold(device(2)):
        raise ValueError("mine")
    with device_lock.hold(device(2)):
        pass
