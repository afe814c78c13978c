"""The record of a studio that is up: who holds it, where its pages answer, which plugins it serves.

Knows one JSON file in the store, and whether a process lives. Starts nothing.
"""

import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .host import this_host

if TYPE_CHECKING:
    import psutil

PUBLIC = r"(https://[A-Za-z0-9.:\[\]-]{1,255}:[0-9]{1,5})?"
ADDRESS = r"http://(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}"
START = "start-here"  # the tag of the deployments that one begins with
MOST_PIDS, LATEST = 2**31, 1e12  # numbers of processes; seconds, thousands of years from now
OF_1970 = 1e9  # seconds: no machine runs for so long, so a later beginning was counted from 1970, as they once were
MARK = "DAE_STUDIO"  # in the environment of every process a studio starts, and of their children


@dataclass(frozen=True)
class Studio:
    """A studio, by the process of its `dae up`.

    Attributes:
        pid: Of `dae up`; 0 once it has ended, and the next one takes its ports.
        started: When that process began, as `began` says it: a reused pid has another one.
        mark: What the environment of all its processes says under `MARK`.
        prefect: The address of Prefect's page, without a path.
        mlflow: The address of MLflow's page.
        public_prefect: The address of Prefect's page for other machines; empty where there is none.
        public_mlflow: That of MLflow's.
        boot: Of which start of the machine it is, as `host` says it; empty where that is not known.
    """

    pid: int
    started: float
    mark: str
    prefect: str
    mlflow: str
    public_prefect: str = ""
    public_mlflow: str = ""
    boot: str = ""

    @property
    def alive(self) -> bool:
        """Whether its `dae up` lives."""
        return self.pid > 0 and self.boot in ("", this_host().boot) and lives(self.pid, self.started)

    @property
    def start_page(self) -> str:
        """Prefect's page of what one begins with; its other deployments have the tags of their families."""
        return f"{self.public_prefect or self.prefect}/deployments?deployments.tags.name={START}"

    @property
    def runs_page(self) -> str:
        """MLflow's table of all runs."""
        return f"{self.public_mlflow or self.mlflow}/runs"

    @property
    def api(self) -> str:
        """Where Prefect's API answers."""
        return f"{self.prefect}/api"


def path_of(root: Path) -> Path:
    """The record of the store in this folder."""
    return root / "studio.json"


def read_record(root: Path) -> Studio | None:
    """The studio that was last up on a store, alive or not; None if there was none, or its record is damaged."""
    from daecore.json_text import parse_json

    try:
        found = Studio(**parse_json(path_of(root).read_bytes()))
        return found if _whole(found) else None
    except (OSError, ValueError, TypeError):
        return None


def _whole(studio: Studio) -> bool:
    """Whether a record is one of ours: processes are ended by its mark, and asked at its addresses."""
    pids = isinstance(studio.pid, int) and 0 <= studio.pid < MOST_PIDS
    times = pids and isinstance(studio.started, float | int) and 0 <= studio.started < LATEST
    addresses = all(re.fullmatch(ADDRESS, str(url)) for url in (studio.prefect, studio.mlflow))
    public = all(re.fullmatch(PUBLIC, str(url)) for url in (studio.public_prefect, studio.public_mlflow))
    marks = re.fullmatch("[0-9a-f]{32}", str(studio.mark)) and re.fullmatch("[0-9a-f]*", str(studio.boot))
    return times and addresses and public and marks is not None


def running(root: Path) -> Studio | None:
    """The studio that is up on a store."""
    studio = read_record(root)
    return studio if studio is not None and studio.alive else None


def write(root: Path, studio: Studio) -> None:
    """Keep a studio's record."""
    from .files import write_atomically

    write_atomically(path_of(root), json.dumps(asdict(studio), indent=2) + "\n")


def began(process: "psutil.Process") -> float:
    """When a process began, in seconds: on Linux since the machine started, for its clock may be set meanwhile."""
    import psutil

    since = psutil.boot_time() if sys.platform == "linux" else 0.0
    return float(process.create_time() - since)


def lives(pid: int, started: float) -> bool:
    """Whether the process that began then, as `began` says it, still works under this number."""
    import psutil

    try:
        process = psutil.Process(pid)
        found = float(process.create_time()) if started > OF_1970 else began(process)
        return abs(found - started) < 0.05 and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def marked_processes(mark: str) -> "list[psutil.Process]":
    """All living processes whose environment carries a mark, but for this one."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # another user's, or just gone
    return [process for process in found if process != psutil.Process()]
