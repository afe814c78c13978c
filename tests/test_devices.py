"""Who computes when: cores are shared by those who ask for few, and a device by nobody."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from daecore_flows import devices
from daecore_flows.store import Store

from daecore.place import Place


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store on a machine with two cores."""
    monkeypatch.setattr(devices, "cores", lambda: 2)
    (tmp_path / "locks").mkdir()
    return Store(tmp_path, tmp_path)


def place(threads: int, device: str = "cpu") -> Place:
    return Place(device=device, precision="float32", threads=threads)


@contextmanager
def wanted(where: Place, store: Store) -> Iterator[threading.Event]:
    """Somebody who wants a place as soon as it is free; the event says that it has it."""
    has, done = threading.Event(), threading.Event()

    def hold() -> None:
        with devices.held(where, store):
            has.set()
            done.wait(10)

    threading.Thread(target=hold, daemon=True).start()  # not joined: it may still wait for what the test holds
    yield has
    done.set()


def test_two_that_ask_for_one_core_each_compute_side_by_side(store: Store) -> None:
    """And a third one waits until one of them has ended."""
    with wanted(place(1), store) as third:
        assert third.wait(5)
        with devices.held(place(1), store), wanted(place(1), store) as late:
            assert not late.wait(0.5)


def test_who_asks_for_all_cores_has_them_alone(store: Store) -> None:
    """More threads than there are cores count as all of them."""
    with devices.held(place(8), store), wanted(place(1), store) as other:
        assert not other.wait(0.5)


def test_who_waits_for_many_cores_is_not_overtaken(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that asks for a core later waits behind, though a core is free."""
    monkeypatch.setattr(devices, "LOOK_SECONDS", 2)
    with devices.held(place(1), store), ExitStack() as second:
        second.enter_context(devices.held(place(1), store))
        with wanted(place(2), store) as many:
            assert not many.wait(0.3)  # it looks again in two seconds
            second.close()
            with wanted(place(1), store) as few:
                assert not few.wait(0.5)


def test_a_gpu_is_held_whole(store: Store) -> None:
    with devices.held(place(1, "cuda"), store), wanted(place(1, "cuda"), store) as other:
        assert not other.wait(0.5)


def test_who_waits_is_told_so(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Else a command that stands still looks broken."""
    with devices.held(place(2), store), wanted(place(2), store) as other:
        other.wait(0.5)
        assert "waiting for 2 cores" in caplog.text


def test_nothing_is_held_afterwards(store: Store) -> None:
    """Not after an error, either."""
    with pytest.raises(ValueError, match="mine"), devices.held(place(2), store):
        raise ValueError("mine")
    with devices.held(place(2), store):
        pass
