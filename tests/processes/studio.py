"""A studio for tests: `dae up` as a user starts it, and its two interfaces over HTTP."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from commands import DAE


class Studio:
    """`dae up` on a store of its own."""

    def __init__(self, root: Path, path: str = "") -> None:
        self.root, self.log = root, root.parent / f"{root.name}.log"
        found = {name: value for name, value in os.environ.items() if name not in ("PREFECT_API_URL",)}
        variables = {"DAE_STORE": str(root), "DAE_DATA": str(root.parent / "data"), "COLUMNS": "160"}
        self.environment = {**found, **variables, "OMP_NUM_THREADS": "1", **({"PYTHONPATH": path} if path else {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.words: list[str] = []  # further ones of the command

    def up(self, folder: Path | None = None) -> "Studio":
        """Start it, on ports that nobody else's studio uses, and wait until it says that it is up.

        Args:
            folder: Where the command is given; the working folder by default.
        """
        with self.log.open("wb") as log:
            ports = ["--prefect-port", str(free_port()), "--mlflow-port", str(free_port())]
            arguments = [DAE, "up", *self.words, *([] if (self.root / "studio.json").exists() else ports)]
            output = {"stdout": log, "stderr": subprocess.STDOUT}
            self.process = subprocess.Popen(arguments, env=self.environment, cwd=folder, **output)
        wait_until(lambda: "is up after" in self.said or self.process.poll() is not None, 180, lambda: self.said)
        assert self.process.poll() is None, self.said
        return self

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def down(self) -> None:
        """End it as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(180)

    def end(self) -> None:
        """End it, and whatever is left of it, also where it does not end by itself."""
        try:
            self.down()
        finally:
            if self.process is not None:
                self.process.kill()
            for process in self.processes() if (self.root / "studio.json").exists() else []:
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def record(self) -> dict[str, Any]:
        return json.loads((self.root / "studio.json").read_text())

    def processes(self, words: str = "") -> list[psutil.Process]:
        """Everything it has started that lives, or what has these words in its command line."""
        mark, found = self.record["mark"], []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("DAE_STUDIO") == mark and process.status() != psutil.STATUS_ZOMBIE
                if ours and words in " ".join(process.cmdline()):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def dae(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run([DAE, *arguments], env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def prefect(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return answer(f"{self.record['prefect']}/api{path}", body)

    def submit(self, deployment: str, **parameters: Any) -> str:
        """Start a deployment as its page does; the flow run's id."""
        found = self.prefect(f"/deployments/name/{deployment}")
        return self.prefect(f"/deployments/{found['id']}/create_flow_run", {"parameters": parameters})["id"]

    def state(self, flow_run: str) -> str:
        return self.prefect(f"/flow_runs/{flow_run}")["state"]["name"]

    def finished(self, flow_run: str, seconds: float = 600) -> str:
        """Wait for a flow run's end; the name of its last state."""
        wait_until(
            lambda: self.prefect(f"/flow_runs/{flow_run}")["state"]["type"] in ("COMPLETED", "FAILED", "CANCELLED"),
            seconds, lambda: f"{self.prefect(f'/flow_runs/{flow_run}')['state']}\n{self.logs()}",
        )  # fmt: skip
        return self.state(flow_run)

    def logs(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in (self.root / "logs").glob("*.log"))

    def runs(self, query: str = "") -> list[Any]:
        """MLflow's runs, newest first; through its server while it is up."""
        from mlflow.tracking import MlflowClient

        up = self.process is not None and self.process.poll() is None
        client = MlflowClient(self.record["mlflow"] if up else f"sqlite:///{self.root}/mlflow.db")
        return list(client.search_runs([item.experiment_id for item in client.search_experiments()], query))

    def history(self, run_id: str) -> list[int]:
        from mlflow.tracking import MlflowClient

        return [entry.step for entry in MlflowClient(self.record["mlflow"]).get_metric_history(run_id, "loss")]


def answer(address: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data=data, headers={"Content-Type": "application/json"})
    for _ in range(20):
        try:
            with urllib.request.urlopen(request, timeout=120) as found:  # a slow machine may keep it busy for long
                return json.load(found)
        except urllib.error.HTTPError as error:
            if error.code != 503:  # Prefect's server is busy with its database; its own clients try again, too
                raise
            time.sleep(0.5)
    raise AssertionError(f"{address} answered 503 for ten seconds")


def free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_until(true: Callable[[], Any], seconds: float, said: Callable[[], str] = str) -> None:
    """Wait for a fact; fail with what is known when it does not come in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {said()}"
        time.sleep(0.2)
