"""Processes of a training on a cluster, as far as none is needed: the rest is in the tests marked `cluster`."""

import socket

import psutil
from daecore_flows.stages import cluster_ranks, ranks


def test_the_network_is_that_of_the_machines_address() -> None:
    """By which the others reach it; nothing is chosen where no network has that address."""
    for name, found in psutil.net_if_addrs().items():
        for entry in found:
            if entry.family == socket.AF_INET:
                assert cluster_ranks.interface_of(entry.address) == name
    assert cluster_ranks.interface_of("127.0.0.2") == "lo"  # all of 127.0.0.0/8 is the loopback
    assert cluster_ranks.interface_of("203.0.113.7") == ""


def test_outside_of_a_cluster_there_is_room_for_one() -> None:
    """So that several are begun on this machine, which counts them all."""
    assert cluster_ranks.rooms() == 1
    assert [ranks.processes_here(size) for size in (1, 3)] == [1, 3]
