"""Servers that a store lies on, all real: PostgreSQL as Debian has it, S3, and an MLflow server of somebody's own."""

import logging
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from studio import free_port, wait_until

NOBODY_S_KEYS = {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "REGION": "us-east-1"}


class Postgres:
    """A PostgreSQL server with an empty database, in a folder of its own.

    It runs as the user `postgres` where the tests are root's: it refuses root.
    """

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        found = str(programs[-1] / "initdb") if programs else shutil.which("initdb")
        assert found, "these tests need PostgreSQL: apt-get install postgresql, or deselect them with -m 'not cluster'"
        self._programs, self.port = Path(found).parent, free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
        if os.getuid() == 0:
            os.chown(self._folder, pwd.getpwnam("postgres").pw_uid, -1)
        self._run("initdb", "-U", "lab", "-A", "trust", "--no-sync", "-E", "UTF8")
        self.begin()
        self.create("daecore")

    @property
    def url(self) -> str:
        """Its address, as a user writes it."""
        return f"postgresql://lab@127.0.0.1:{self.port}/daecore"

    def create(self, name: str) -> None:
        """Make another database."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "lab", name, data=False)

    def dump(self) -> str:
        """All that it keeps, as text."""
        command = ["pg_dump", "-h", "127.0.0.1", "-p", str(self.port), "-U", "lab", "daecore"]
        command[0] = str(self._programs / command[0])
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def begin(self) -> None:
        """Start it, again or for the first time."""
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-o", options, "-l", str(self._folder / "log"), "-w", "start")

    def stop(self) -> None:
        """Stop it, with all connections to it."""
        self._run("pg_ctl", "-m", "fast", "-w", "stop")

    def end(self) -> None:
        """Stop it, and remove what it has kept."""
        with suppress(AssertionError):  # it is down already
            self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *words: str, data: bool = True) -> None:
        where = ["-D", str(self._folder / "data")] if data else []
        user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*user, str(self._programs / program), *where, *words]
        with tempfile.TemporaryFile("w+") as said:  # a pipe would stay open as long as the server runs
            done = subprocess.run(command, check=False, cwd="/", stdout=said, stderr=said)
            said.seek(0)
            assert done.returncode == 0, f"{command}: {said.read()}"


class Bucket:
    """An S3 server with an empty bucket, and the environment in which it is found.

    Its name is its own: all servers of one process keep one set of buckets, also those that were stopped.
    """

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer

        port = free_port()
        self._server, address = ThreadedMotoServer("127.0.0.1", port), f"http://127.0.0.1:{port}"
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it says each request
        self._server.start()
        self.name = f"bucket-{uuid.uuid4().hex[:12]}"
        urllib.request.urlopen(urllib.request.Request(f"{address}/{self.name}", method="PUT")).close()
        self.environment = {f"AWS_{name}": it for name, it in {"ENDPOINT_URL": address, **NOBODY_S_KEYS}.items()}
        self.url = f"s3://{self.name}/lab"

    def end(self) -> None:
        """Stop it."""
        self._server.stop()


class Mlflow:
    """An MLflow server of somebody's own, with its database."""

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
        from daecore_flows.studio.parts import answers

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
