"""The soak's studio: hundreds of runs in its queue, while each of its processes and both pages are looked at."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from soak_log import Log
from soak_runs import DAE, LOCKED, doctor

DEPLOYMENT = "denoise/digits-erasure"
SHORT = {"training": {"epochs": 1, "batch": 64, "threads": 1}, "transfer": None}
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
COMING_UP_SECONDS, PATIENCE_SECONDS = 300, 60
REST_SECONDS = 30  # after the last run: connections are kept for a while
BUSY, ATTEMPTS = 503, 20
NAMES = {  # words of a command line, and what it is
    "prefect_server": "prefect", "-m mlflow server": "mlflow", "/mlflow/": "mlflow worker",
    "studio.serving": "runner", "studio.flow_run": "flow run", " up": "dae up",
}  # fmt: skip


def queue(folder: Path, log: Log, count: int, every: float) -> None:
    """Queue what is left of so many runs at once, and look at the studio until all have ended."""
    store = folder / "studio"
    if not count or log.of("studio doctor", queued=count):
        return
    with _studio(store, folder / "studio.log") as studio:
        queued = log.of("queued")
        for seed in range(len(queued), count):
            log.add("queued", seed=seed, flow_run=studio.submit(seed))
        segment = len(log.of("segment"))
        log.add("segment", number=segment)
        rest = float("inf")
        while time.monotonic() < rest:
            found = studio.observe()
            log.add("look", segment=segment, **found)
            if found["ended"] >= count:
                rest = min(rest, time.monotonic() + REST_SECONDS)
            time.sleep(every)
        states = studio.states()
        log.add("states", **states)
    said = "".join(path.read_text(errors="replace") for path in (store / "logs").glob("*.log"))
    log.add("studio doctor", queued=count, **doctor(store), locked_in_logs=said.count(LOCKED))


class Studio:
    """A studio that is up.

    Args:
        process: Its `dae up`.
        store: Its store.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", store: Path) -> None:
        said = json.loads((store / "studio.json").read_text(encoding="utf-8"))
        self._process, self._store = psutil.Process(process.pid), store
        self._prefect, self._mlflow = said["prefect"], said["mlflow"]
        self._deployment = ask(f"{self._prefect}/api/deployments/name/{DEPLOYMENT}")["id"]

    def submit(self, seed: int) -> str:
        """Queue a run as the page does; its id."""
        body = {"parameters": {**SHORT, "seed": seed}}
        return str(ask(f"{self._prefect}/api/deployments/{self._deployment}/create_flow_run", body)["id"])

    def observe(self) -> dict[str, Any]:
        """How many runs have ended, what each process holds, how large the databases are, how fast the pages."""
        ended = {"flow_runs": {"state": {"type": {"any_": list(ENDED)}}}}
        return {
            "ended": ask(f"{self._prefect}/api/flow_runs/count", ended),
            "processes": {name: holdings(processes) for name, processes in self._by_name().items()},
            "bytes": {path.name: path.stat().st_size for path in self._databases()},
            "pages": {name: seconds(*page) for name, page in self._pages().items()},
        }

    def states(self) -> dict[str, int]:
        """How many runs ended in which state."""
        counts = {}
        for state in ENDED:
            counts[state] = ask(
                f"{self._prefect}/api/flow_runs/count", {"flow_runs": {"state": {"type": {"any_": [state]}}}}
            )
        return counts

    def _by_name(self) -> dict[str, list[psutil.Process]]:
        found: dict[str, list[psutil.Process]] = {}
        for process in [self._process, *self._process.children(recursive=True)]:
            with suppress(psutil.Error):
                words = " ".join(process.cmdline())
                name = next((it for part, it in NAMES.items() if part in words), "another")
                found.setdefault(name, []).append(process)
        return found

    def _databases(self) -> list[Path]:
        return [path for path in (*self._store.glob("*.db*"), *self._store.glob("prefect/*.db*")) if path.exists()]

    def _pages(self) -> dict[str, tuple[str, dict[str, Any] | None]]:
        """What both pages ask first: the lists that they open with."""
        latest = {"sort": "START_TIME_DESC", "limit": 50}
        runs = {"experiment_ids": self._experiments(), "max_results": 100, "order_by": ["attributes.start_time DESC"]}
        return {
            "prefect": (f"{self._prefect}/", None),
            "prefect runs": (f"{self._prefect}/api/flow_runs/filter", latest),
            "mlflow": (f"{self._mlflow}/", None),
            "mlflow runs": (f"{self._mlflow}/ajax-api/2.0/mlflow/runs/search", runs),
        }

    def _experiments(self) -> list[str]:
        found = ask(f"{self._mlflow}/ajax-api/2.0/mlflow/experiments/search", {"max_results": 100})
        return [it["experiment_id"] for it in found.get("experiments", [])]


@contextmanager
def _studio(store: Path, log: Path) -> Iterator[Studio]:
    """A studio on a store, which ends as by Ctrl-C."""
    environment = {
        **os.environ,
        "DAE_STORE": str(store),
        "DAE_DATA": str(store.parent / "data"),
        "OMP_NUM_THREADS": "1",
    }
    with log.open("ab") as output:
        before = log.stat().st_size
        process = subprocess.Popen([DAE, "up"], env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        limit = time.monotonic() + COMING_UP_SECONDS
        while "is up after" not in log.read_text(errors="replace")[before:]:
            if process.poll() is not None or time.monotonic() > limit:
                sys.exit(f"The studio did not come up:\n{log.read_text(errors='replace')[before:]}")
            time.sleep(0.5)
        _await_deployment(store, limit)
        yield Studio(process, store)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _await_deployment(store: Path, limit: float) -> None:
    """The runner registers deployments while it works."""
    prefect = json.loads((store / "studio.json").read_text(encoding="utf-8"))["prefect"]
    while time.monotonic() < limit:
        with suppress(OSError):
            ask(f"{prefect}/api/deployments/name/{DEPLOYMENT}")
            return
        time.sleep(0.5)


def holdings(processes: list[psutil.Process]) -> dict[str, int]:
    """What processes of one name hold together: memory (their part of what is shared), handles, threads."""
    found = {"pss": 0, "handles": 0, "threads": 0}
    for process in processes:
        with suppress(psutil.Error, OSError):
            found["pss"] += process.memory_full_info().pss
            found["handles"] += process.num_fds()
            found["threads"] += process.num_threads()
    return found


def seconds(address: str, body: dict[str, Any] | None = None) -> float:
    """How long a page takes to answer, whole."""
    began = time.perf_counter()
    request(address, body)
    return time.perf_counter() - began


def ask(address: str, body: dict[str, Any] | None = None) -> Any:
    """What an interface answers."""
    return json.loads(request(address, body))


def request(address: str, body: dict[str, Any] | None = None) -> bytes:
    """An answer's content; asked again where a database is busy, as Prefect's own clients do."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(address, data=data, headers={"Content-Type": "application/json"})
    for _ in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(asked, timeout=120) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code != BUSY:
                raise
            time.sleep(0.5)
    sys.exit(f"{address} was busy {ATTEMPTS} times, one after the other.")
