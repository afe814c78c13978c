"""A studio for tests: `dae up` as a user starts it, and its two interfaces over HTTP."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

DAE = str(Path(sys.executable).parent / "dae")


@pytest.fixture(scope="session", autouse=True)
def _own_cores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test waits for what else trains on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAE_LOCKS", str(tmp_path_factory.mktemp("locks")))
        yield


class Studio:
    """`dae up` on a store of its own."""

    def __init__(self, root: Path, path: str = "") -> None:
        self.root, self.log = root, root.parent / f"{root.name}.log"
        found = {name: value for name, value in os.environ.items() if name not in ("PREFECT_API_URL",)}
        variables = {"DAE_STORE": str(root), "DAE_DATA": str(root.parent / "data"), "COLUMNS": "160"}
        self.environment = {**found, **variables, "OMP_NUM_THREADS": "1", **({"PYTHONPATH": path} if path else {})}
        self.process: subprocess.Popen[bytes] | None = None

    def up(self) -> "Studio":
        """Start it, on ports that nobody else's studio uses, and wait until it says that it is up."""
        with self.log.open("wb") as log:
            ports = ["--prefect-port", str(free_port()), "--mlflow-port", str(free_port())]
            arguments = [DAE, "up", *([] if (self.root / "studio.json").exists() else ports)]
            self.process = subprocess.Popen(arguments, env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        wait_until(lambda: "is up after" in self.said or self.process.poll() is not None, 180, lambda: self.said)
        assert self.process.poll() is None, self.said
        return self

    def down(self) -> None:
        """End it as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(180)

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running Prefect server's address: a run against it saves the ten seconds that one of its own takes to start."""
    home, port = tmp_path_factory.mktemp("prefect"), str(free_port())
    command = [str(Path(DAE).parent / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", port]
    quiet = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_HOME": str(home)}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, env={**os.environ, **quiet}, cwd=home, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}/api"
    try:
        wait_until(lambda: _answers(f"{address}/health"), 180, (home / "log").read_text)
        yield address
    finally:
        process.terminate()
        process.wait(120)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio for a module."""
    made = Studio(tmp_path_factory.mktemp("studio") / "store").up()
    yield made
    made.down()


@pytest.fixture
def own_studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio for one test, not up yet; whatever the test leaves of it is ended."""
    made = Studio(tmp_path / "store")
    yield made
    made.down()
    for process in made.processes() if (made.root / "studio.json").exists() else []:
        process.kill()


STRANGE_MODULES = (
    "random",
    "logging",
    "prefect",
    "mlflow",
    "torch",
    "numpy",
    "uvicorn",
    "daecore",
    "sitecustomize",
    "PIL",
    "sqlite3",
    "scipy",
    "pandas",
)
STRANGE_LOGGING = """
version: 1
disable_existing_loggers: false
handlers: {strange: {"()": os.system, command: "echo logging >> MARK"}}
root: {handlers: [strange]}
"""


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """While a module's tests run, the working folder is a stranger's: whatever is executed of it leaves a mark."""
    folder, before = tmp_path_factory.mktemp("stranger"), Path.cwd()
    mark = folder / "mark"
    for name in STRANGE_MODULES:
        (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write('{name} ')\n")
    (folder / "strange.yml").write_text(STRANGE_LOGGING.replace("MARK", str(mark)))
    (folder / "prefect.toml").write_text(
        '[logging]\nconfig_path = "strange.yml"\n[api]\nurl = "http://evil.example/api"\n'
    )
    (folder / "pyproject.toml").write_text('[tool.prefect.logging]\nconfig_path = "strange.yml"\n')
    (folder / ".env").write_text("PREFECT_LOGGING_CONFIG_PATH=strange.yml\nPREFECT_API_URL=http://evil.example/api\n")
    _strange_repository(folder, mark)
    os.chdir(folder)
    yield folder
    os.chdir(before)
    assert not mark.exists(), f"executed: {mark.read_text()}"


def _strange_repository(folder: Path, mark: Path) -> None:
    """A repository whose configuration lets `git log` run a program, to look at the signature of a commit."""
    program = folder / "gpg"
    program.write_text(f"#!/bin/sh\necho git >> {mark}\n")
    program.chmod(0o755)

    def git(*words: str, given: str = "") -> str:
        return subprocess.run(
            ["git", *words], cwd=folder, input=given, capture_output=True, text=True, check=True
        ).stdout

    git("init", "--quiet", "--initial-branch=main")
    git("config", "log.showSignature", "true")
    git("config", "gpg.program", str(program))
    who = "A <a@b.c> 1700000000 +0000"
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    tree = git("hash-object", "-t", "tree", "-w", "--stdin").strip()
    text = f"tree {tree}\nauthor {who}\ncommitter {who}\n{signature}\n\nhello\n"
    git("update-ref", "HEAD", git("hash-object", "-t", "commit", "-w", "--stdin", given=text).strip())


EVIL = "evil.example"  # in the browser, a name that leads to this machine
BROWSER = [
    "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    f"--host-resolver-rules=MAP {EVIL} 127.0.0.1",
]  # fmt: skip


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """A page of headless Chromium, from the system's package."""
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert browser, "these tests need Chromium: apt-get install chromium, or deselect them with -m 'long and not e2e'"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=BROWSER)
        made = opened.new_page(viewport={"width": 1500, "height": 1000})
        made.set_default_timeout(120_000)  # it draws without a GPU, beside the runs that it watches
        yield made
        opened.close()


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., None]:
    return wait_until
