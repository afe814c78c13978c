"""The address of a cluster: what the user names, and whether anybody is there. Imports nothing heavy."""

import importlib.util
import os
import socket

CLUSTER = "DAE_CLUSTER"  # in the environment: auto, HOST:PORT or ray://HOST:PORT
CONNECT_SECONDS = 5.0


def address() -> str:
    """The cluster that is named; empty for none."""
    return os.environ.get(CLUSTER, "")


def require_cluster(where: str) -> None:
    """Refuse an address that is none, where nobody answers, or that needs what is not installed.

    ``auto`` is looked for by Ray itself. Ray would ask an address for minutes.

    Raises:
        InputError: See above.
    """
    from daecore.errors import InputError, quote

    if importlib.util.find_spec("ray") is None:
        raise InputError(
            f"The cluster {quote(where)} is Ray's, which is not installed: pip install 'daecore[cluster]'."
        )
    if where == "auto":
        return
    host, _, port = where.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise InputError(f"A cluster is named by auto, HOST:PORT or ray://HOST:PORT, and not by {quote(where)}.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise no_cluster(where, str(error)) from None


def no_cluster(where: str, why: str) -> Exception:
    """What to say where there is no cluster."""
    from daecore.errors import InputError, in_a_line

    return InputError(
        f"There is no Ray cluster at {where} ({in_a_line(why)}). Begin one with `ray start --head`, and name it with "
        f"--cluster or {CLUSTER}: auto, HOST:PORT or ray://HOST:PORT."
    )
