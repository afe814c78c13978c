"""What tests share: commands on stores of their own, a Prefect server, a studio, a stranger's folder, a browser."""

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import DAE, Done, Warm, environment_of, interpret
from strange_folder import StrangeFolder
from studio import Studio, free_port, wait_until

SLOWEST = (  # files that begin first, so that at the end no worker waits for another
    "test_soak", "test_killed_studio", "test_faults", "test_sweep", "test_pages", "test_doors", "test_studio",
    "test_retrain", "test_pipeline", "test_schedule", "test_problems", "test_site", "test_small_installation",
    "test_side_by_side", "test_stack", "test_lecture", "test_beside", "test_wheel", "test_contract",
    "test_plugin_kit", "test_working_folder",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first."""
    rank = {name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the studio with the last test that looks at it: it takes a fifth of a core while nobody does."""
    studio, items = getattr(item, "funcargs", {}).get("studio"), item.session.items
    later = [one for one in items[items.index(item) + 1 :] if one.path == item.path]  # they are given the same one
    if studio is not None and not any("studio" in getattr(one, "fixturenames", ()) for one in (nextitem, *later)):
        studio.down()


@pytest.fixture(scope="session", autouse=True)
def _own_cores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test waits for what else trains on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAE_LOCKS", str(tmp_path_factory.mktemp("locks")))
        yield


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """What runs commands without loading the libraries again for each."""
    process = Warm(tmp_path_factory.mktemp("warm"))
    yield process
    process.end()


Dae = Callable[..., Done]


@pytest.fixture(scope="session")
def dae(warm: Warm) -> Dae:
    """A command on a store, with the exit status that is right; ``new`` for one whose imports are the point."""

    def dae(store: Path, *words: object, status: int = 0, new: bool = False) -> Done:
        run = interpret if new else warm
        done = run(environment_of(store), *map(str, words))
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return dae


@pytest.fixture(scope="session")
def program(warm: Warm) -> Callable[..., list[str]]:
    """A Python program on a store, without an error; the lines it prints."""

    def program(store: Path, text: str, *words: str) -> list[str]:
        done = warm(environment_of(store), *words, program=text)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    return program


@pytest.fixture(scope="session")
def environment() -> Callable[[Path], dict[str, str]]:
    """The environment of a command on a store."""
    return environment_of


@pytest.fixture
def started() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start a command on a store in a process of its own, which can be killed; none outlives its test."""
    all_of_them: list[subprocess.Popen[str]] = []

    def started(store: Path, *words: object, **more: Any) -> "subprocess.Popen[str]":
        process = subprocess.Popen([DAE, *map(str, words)], env=environment_of(store), text=True, **more)
        all_of_them.append(process)
        return process

    yield started
    for process in all_of_them:
        process.kill()  # nothing where it has ended and that is known
        process.wait(60)


@pytest.fixture(scope="session")
def runs() -> Callable[..., list[Any]]:
    """A stage's MLflow runs in a store, the oldest first."""

    def runs(store: Path, stage: str) -> list[Any]:
        from mlflow.tracking import MlflowClient

        client = MlflowClient(f"sqlite:///{store}/mlflow.db")
        experiments = [item.experiment_id for item in client.search_experiments()]
        order = ["attributes.start_time ASC"]
        return list(client.search_runs(experiments, f"tags.stage = '{stage}'", order_by=order))

    return runs


@pytest.fixture(scope="session")
def history() -> Callable[[Path, str], list[int]]:
    """The epochs that a run in a store tells of."""

    def history(store: Path, run_id: str) -> list[int]:
        from mlflow.tracking import MlflowClient

        return [entry.step for entry in MlflowClient(f"sqlite:///{store}/mlflow.db").get_metric_history(run_id, "loss")]

    return history


@pytest.fixture(scope="session")
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
        try:
            process.wait(120)
        finally:
            process.kill()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10):
            return True
    except OSError:
        return False


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs, to be copied: one takes seconds to make."""
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments(max_results=1)
    return path


@pytest.fixture(scope="session")
def _lasting_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, StrangeFolder]]:
    """A studio, not up yet, and a stranger's folder to begin it in."""
    folder = StrangeFolder(tmp_path_factory.mktemp("stranger"))
    made = Studio(tmp_path_factory.mktemp("studio") / "store")
    yield made, folder
    made.end()
    folder.unharmed()


@pytest.fixture(scope="module")
def studio(_lasting_studio: tuple[Studio, StrangeFolder]) -> Studio:
    """One studio for all tests that leave it as they found it; `dae up` is given in a stranger's folder."""
    made, folder = _lasting_studio
    return made if made.lives else made.up(folder.path)


@pytest.fixture
def own_studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio for one test, not up yet; whatever the test leaves of it is ended."""
    made = Studio(tmp_path / "store")
    yield made
    made.end()


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """While a module's tests run, the working folder is a stranger's: nothing of it may be executed."""
    folder, before = StrangeFolder(tmp_path_factory.mktemp("stranger")), Path.cwd()
    os.chdir(folder.path)
    yield folder.path
    os.chdir(before)
    folder.unharmed()


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
