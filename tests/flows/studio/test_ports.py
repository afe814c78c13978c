"""The ports of studios that come up together."""

import socket

import pytest
from daecore_flows.store import machine
from daecore_flows.studio.ports import RANGE, Ports


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_passed_over(host: str) -> None:
    """On either kind of address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as taken, Ports() as ports:
        port = taken.getsockname()[1]
        assert ports.claim(port, host) > port


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def test_two_that_come_up_together_choose_two() -> None:
    """Before either listens; what one has given up the other may have."""
    wanted = free_port()
    with Ports() as first:
        mine = first.claim(wanted)
        with Ports() as second:
            theirs = {second.claim(wanted), second.claim(wanted)}
            assert len({mine, *theirs}) == 3
    with Ports() as third:
        assert third.claim(wanted) <= mine


def test_where_the_machine_keeps_no_locks_a_port_is_chosen_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(machine.LOCKS, "/nowhere")
    with Ports() as ports:
        assert ports.claim(wanted := free_port()) in range(wanted, wanted + RANGE)
