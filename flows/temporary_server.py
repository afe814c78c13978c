"""A Prefect server for one command: it starts while the command still loads, and ends with it.

Prefect starts one by itself where none is named, but not before it is imported, and in the terminal's process group:
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
from pathlib import Path

from .studio.parts import answers, end_process

URL, MARK = "PREFECT_API_URL", "DAE_TEMPORARY_SERVER"  # in the environment, for this process and its children
PATIENCE_SECONDS = 120  # for a slow machine to begin
LOOK_SECONDS, GRACE_SECONDS = 0.5, 5  # how often it looks whether its command lives; to end in peace


class TemporaryServer:
    """The server of this process, and of the workers it starts."""

    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        with socket.create_server(("127.0.0.1", 0)) as door:  # who calls too early waits instead of being refused
            self.url = f"http://127.0.0.1:{door.getsockname()[1]}/api"
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(door.fileno()), str(os.getpid())],
                pass_fds=(door.fileno(),), stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said,
                start_new_session=True,
            )  # fmt: skip
        os.environ.update({URL: self.url, MARK: self.url})
        atexit.register(self.end)  # after Prefect's threads, which have last words for it

    @property
    def answers(self) -> bool:
        """Whether it is there; waits for a moment."""
        return answers(f"{self.url}/health", LOOK_SECONDS)

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            StoreError: It ended, or has taken too long.
        """
        limit = time.monotonic() + PATIENCE_SECONDS
        while not self.answers:
            if self._process.poll() is not None or time.monotonic() > limit:
                raise self._failed()

    def end(self) -> None:
        """End it; safe to call twice."""
        end_process(self._process, GRACE_SECONDS)
        if os.environ.get(MARK) == self.url:
            del os.environ[URL], os.environ[MARK]

    def _failed(self) -> Exception:
        from daecore.errors import StoreError

        self._said.seek(0)
        last = self._said.read().decode(errors="replace").strip().splitlines()[-1:]
        which = "did not start" if self._process.poll() is not None else f"took more than {PATIENCE_SECONDS} s to start"
        why = f" ({last[0]})" if last else ""
        return StoreError(
            f"Prefect's server {which}{why}. Its database lies in {os.environ['PREFECT_HOME']}. "
            "`dae doctor` looks at the store; another one (--store DIR) begins with a new database."
        )


def begun() -> TemporaryServer | None:
    """The server of this command; None where one is named, or where Prefect has chosen its own already."""
    return None if URL in os.environ or "prefect" in sys.modules or _named_in_a_file() else TemporaryServer()


def _named_in_a_file() -> bool:
    """Whether a file of Prefect's settings may name a server; Prefect then finds out."""
    home = Path(os.environ.get("PREFECT_HOME", ""))
    files = (Path(".env"), Path("prefect.toml"), Path("pyproject.toml"), home / "profiles.toml")
    words = (URL, "tool.prefect", "[api]", "api.url")
    return any(word in path.read_text(errors="replace") for path in files if path.is_file() for word in words)


def pages() -> str:
    """Where Prefect's pages are served, without a slash at the end; empty where there are none to link to."""
    return "" if MARK in os.environ else os.environ.get(URL, "").removesuffix("/api")


def _serve(door: int, parent: int) -> None:
    """Serve on an open socket, until told to end or until the command is gone."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    gc.disable()  # what the imports make stays
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(ephemeral=True, final=True)
    gc.freeze()
    gc.enable()
    uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on")).run([socket.socket(fileno=door)])


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
