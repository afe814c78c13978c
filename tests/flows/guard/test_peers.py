"""Whose connection it is, as the kernel's tables say."""

import os
import socket

import pytest
from daecore_flows.guard import peers

pytestmark = pytest.mark.skipif(not peers.can_tell_users_apart(), reason="this system names no owners of sockets")


@pytest.mark.parametrize(
    ("listening", "asking", "host"),
    [
        (socket.AF_INET, socket.AF_INET, "127.0.0.1"),
        (socket.AF_INET, socket.AF_INET6, "::ffff:127.0.0.1"),
        (socket.AF_INET6, socket.AF_INET6, "::1"),
    ],
    ids=["IPv4", "IPv4 by a socket of IPv6", "IPv6"],
)
def test_the_owner_of_a_connection_is_known_and_a_closed_one_has_none(
    listening: socket.AddressFamily, asking: socket.AddressFamily, host: str
) -> None:
    """What has closed its end reads like root's, and is not taken for it."""
    if asking == socket.AF_INET6 and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    here = "::1" if listening == socket.AF_INET6 else "127.0.0.1"
    with socket.create_server((here, 0), family=listening) as door, socket.socket(asking) as client:
        client.connect((host, door.getsockname()[1]))
        near, _ = door.accept()
        with near:
            ends = near.getpeername()[:2], near.getsockname()[:2]
            assert peers.owner(*ends) == os.getuid()
            assert peers.is_ours(*ends)
            assert peers.owner(ends[0], (here, 9)) is None
            client.close()
            assert peers.owner(*ends) is None
            assert not peers.is_ours(*ends)
