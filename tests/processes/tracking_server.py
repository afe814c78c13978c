"""An MLflow server of somebody's own, which can be killed, stopped and started again."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from daecore_flows.studio.parts import answers
from studio import free_port, wait_until


class TrackingServer:
    """One, with its database."""

    def __init__(self, folder: Path) -> None:
        self.database, self._folder, self._port = folder / "theirs.db", folder, free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.begin()

    def begin(self) -> None:
        """Start it, again or for the first time."""
        words = ["-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{self.database}", "--workers", "1"]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *words, "--port", str(self._port)], stdout=log, stderr=log, cwd=self._folder,
                env=environment, start_new_session=True,
            )  # fmt: skip
        wait_until(lambda: answers(f"{self.url}/health"), 120)

    def tell(self, number: signal.Signals) -> None:
        """Send it, and what it has begun, a signal."""
        with suppress(ProcessLookupError):  # it is dead already
            os.killpg(self._process.pid, number)
        if number == signal.SIGKILL:
            self._process.wait()

    def ask(self, query: str) -> list[Any]:
        """What its database says."""
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute(query).fetchall()
