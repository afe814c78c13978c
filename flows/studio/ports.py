"""Ports: which one a server is to answer at, claimed until it does and as long as its studio lives.

A server begins to listen seconds after its port was chosen. Two studios that come up together would choose the same
one, and what answers the second would be the first. So each choice is a lock of the machine's.
"""

import socket
from contextlib import closing
from types import TracebackType

from ..store.machine import Lock

RANGE = 200  # how many are looked at


class Ports:
    """The ports that this studio has claimed; given up at the end of a block."""

    def __init__(self) -> None:
        self._claims: list[Lock] = []

    def __enter__(self) -> "Ports":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for claim in self._claims:
            claim.close()

    def claim(self, wanted: int, host: str = "127.0.0.1") -> int:
        """The port one wants, else the next one that nobody listens on, or is about to.

        Args:
            wanted: The first that is looked at.
            host: The address it is for.

        Raises:
            OSError: None is free, or there is no such address here.
        """
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
        for port in range(wanted, wanted + RANGE):
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, port))
                except OSError:
                    continue
                if self._may_have(port):
                    return port
        raise OSError(f"no port from {wanted} to {wanted + RANGE - 1} is free")

    def _may_have(self, port: int) -> bool:
        try:
            lock = Lock(f"port-{port}")
        except OSError:  # the machine's locks cannot be opened: who comes up at the same time is not seen
            return True
        if lock.take():
            self._claims.append(lock)
            return True
        with closing(lock):
            return False
