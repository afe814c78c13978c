"""A Prefect server for one command: it starts while the command still loads, and ends with it.

Prefect could start one by itself, but without a guard, not before it is imported, and in the terminal's process group:
Ctrl-C would end the server first, and the command would wait in vain to tell it so.

Knows one process and its address. This module is also what that process runs; it imports Prefect there alone.
"""

import atexit
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO
from urllib.parse import urlsplit

from ..store.server_address import MARK, URL
from ..store.studio_record import Studio
from .parts import SERVER_PROCESS, answers, end_process

PATIENCE_SECONDS = 120  # for a slow machine to begin
POLL_SECONDS, GRACE_SECONDS = 0.5, 5  # how often it looks whether its command lives; to end in peace


class TemporaryServer:
    """The server of this process, and of the workers it starts."""

    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        with socket.create_server(("127.0.0.1", 0)) as door:  # who calls too early waits instead of being refused
            self.url = f"http://127.0.0.1:{door.getsockname()[1]}/api"
            self._process = _begin(door, self._said)
        os.environ.update({URL: self.url, MARK: self.url})
        _tell_prefect()
        atexit.register(self.end)  # after Prefect's threads, which have last words for it

    @property
    def answers(self) -> bool:
        """Whether it is there; waits for a moment."""
        return answers(f"{self.url}/health", POLL_SECONDS)

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            StoreError: It ended, or has taken too long.
        """
        limit = time.monotonic() + PATIENCE_SECONDS
        while not self.answers:
            if self._process.poll() is not None or time.monotonic() > limit:
                raise self._failure()

    def end(self) -> None:
        """End it; safe to call twice."""
        end_process(self._process, GRACE_SECONDS)
        if os.environ.get(MARK) == self.url:
            del os.environ[URL], os.environ[MARK]
            _tell_prefect()

    def _failure(self) -> Exception:
        from daecore.errors import StoreError

        self._said.seek(0)
        last = self._said.read().decode(errors="replace").strip().splitlines()[-1:]
        which = "did not start" if self._process.poll() is not None else f"took more than {PATIENCE_SECONDS} s to start"
        why = f" ({last[0]})" if last else ""
        return StoreError(
            f"Prefect's server {which}{why}. Its database lies in {os.environ['PREFECT_HOME']}. "
            "`dae doctor` looks at the store; another one (--store DIR) begins with a new database."
        )


def begin() -> TemporaryServer | None:
    """The server of this command; None where one is named."""
    return None if URL in os.environ else TemporaryServer()


@contextmanager
def standing_in(studio: Studio | None) -> Iterator[None]:
    """A block in which a server of this command's answers at a studio's address, once that one is gone.

    What was begun beside a studio that is killed goes on so. A later studio may be there first, and answers then.

    Args:
        studio: The one whose server this command asks; None where it asks another.
    """
    over, made = threading.Event(), list["subprocess.Popen[bytes]"]()

    def watch(host: str, port: int) -> None:
        while not over.wait(POLL_SECONDS):
            if studio is not None and not studio.alive:
                with suppress(OSError), socket.create_server((host, port)) as door:  # its server still ends
                    made.append(_begin(door, subprocess.DEVNULL))
                    return

    thread = None
    if studio is not None and os.environ.get(URL) == studio.api:
        found = urlsplit(studio.prefect)
        thread = threading.Thread(target=watch, args=(found.hostname, found.port), name="studio", daemon=True)
        thread.start()
    try:
        yield
    finally:
        over.set()
        if thread is not None:
            thread.join()
        for process in made:
            end_process(process, GRACE_SECONDS)


@contextmanager
def serving() -> Iterator[None]:
    """A server for a block that asks Prefect; none where one is named."""
    server = begin()
    try:
        if server is not None:
            server.wait()
        yield
    finally:
        if server is not None:
            server.end()


def _begin(door: socket.socket, said: IO[bytes] | int) -> "subprocess.Popen[bytes]":
    """The server's process, on an open socket."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, str(door.fileno()), str(os.getpid())],
        pass_fds=(door.fileno(),), stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
        **SERVER_PROCESS,
    )  # fmt: skip


def _tell_prefect() -> None:
    """Let Prefect read its settings again, where it has done so before."""
    if "prefect.context" in sys.modules:
        sys.modules["prefect.context"].refresh_global_settings_context()


def _serve(door: int, parent: int) -> None:
    """Serve on an open socket, until told to end or until the command is gone."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    gc.disable()  # what the imports make stays
    import uvicorn

    from .prefect_server import guarded_application

    app = guarded_application(ephemeral=True)
    gc.freeze()
    gc.enable()
    config = uvicorn.Config(app, log_level="error", lifespan="on", proxy_headers=False)
    uvicorn.Server(config).run([socket.socket(fileno=door)])


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
