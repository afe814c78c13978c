"""Which user of this machine is at the other end of a connection: Linux knows the owner of every socket.

Knows the kernel's way to ask for one socket (`man 7 sock_diag`), some hundredths of a millisecond. Elsewhere, and in a
sandbox without it, nobody can be told apart.
"""

import ipaddress
import os
import socket
import struct

SOCK_DIAG, SOCK_DIAG_BY_FAMILY, REQUEST = 4, 20, 1  # linux/netlink.h, linux/sock_diag.h
HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
QUESTION = struct.Struct("=BBxxI2s2s16s16sI8s")  # inet_diag_req_v2: family, protocol, states, and the socket's ends
ANSWER = struct.Struct("=BBxx48x12xI")  # inet_diag_msg: family, state, ..., user
ESTABLISHED = 1  # a socket that its process has closed belongs to nobody, which reads like root
ANY = 0xFFFFFFFF  # in any state; no cookie known
ROOT = 0  # may do everything anyway

Address = tuple[str, int]


def owner(client: Address, server: Address) -> int | None:
    """The user at a client's end of a connection that stands; None where there is none, or nobody says.

    Args:
        client: Address and port of the client's end.
        server: Of the other end.
    """
    family = socket.AF_INET if ipaddress.ip_address(client[0]).version == 4 else socket.AF_INET6
    ends = (*(struct.pack("!H", end[1]) for end in (client, server)), *(_pack(end) for end in (client, server)))
    question = QUESTION.pack(family, socket.IPPROTO_TCP, ANY, *ends, 0, b"\xff" * 8)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG) as kernel:
            kernel.send(HEADER.pack(HEADER.size + len(question), SOCK_DIAG_BY_FAMILY, REQUEST, 0, 0) + question)
            answer = kernel.recv(4096)
    except (OSError, AttributeError):  # no such way to ask on this system
        return None
    if HEADER.unpack_from(answer)[1] != SOCK_DIAG_BY_FAMILY:
        return None
    _, state, user = ANSWER.unpack_from(answer, HEADER.size)
    return int(user) if state == ESTABLISHED else None


def can_tell_users_apart() -> bool:
    """Whether a connection of this process to itself is known as its user's."""
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(door.getsockname()) as own:
        return owner(own.getsockname(), own.getpeername()) == os.getuid()


def is_ours(client: Address, server: Address) -> bool:
    """Whether this process's user, or root, is at a client's end."""
    return owner(client, server) in (ROOT, os.getuid())


def _pack(address: Address) -> bytes:
    """The bytes of an address, filled up to sixteen."""
    return ipaddress.ip_address(address[0]).packed.ljust(16, b"\0")
