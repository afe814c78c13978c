"""Whether the studio's processes, and the servers that runs start for themselves, are where they belong."""

import psutil

from ..store import studio_record
from ..store.store import Store
from . import temporary_server, up
from .finding import Finding
from .parts import end_all


def studio(store: Store) -> Finding:
    """Whether the studio is up, or has left processes behind."""
    known = studio_record.read_record(store.root)
    if known is not None and known.alive:
        return Finding("studio", True, f"up: {known.prefect}, {known.mlflow}")
    left = studio_record.marked_processes(known.mark) if known is not None else []
    if not left:
        return Finding("studio", True, "down; `dae up` starts it")
    said = f"down, and {len(left)} of its processes still live: {_list(left)}"
    return Finding("studio", False, said, lambda: f"ended {up.end_leftovers(store)} processes")


def strays(store: Store) -> Finding:
    """Prefect's servers of commands that are gone."""
    left = [process for process in psutil.process_iter() if _stray(process, store)]
    said = f"{len(left)} servers of runs that are gone: {_list(left)}" if left else "no process was left behind"
    return Finding("processes", not left, said, (lambda: f"ended {end_all(left)} processes") if left else None)


def _stray(process: psutil.Process, store: Store) -> bool:
    try:
        environment = process.environ()
        ours = environment.get("PREFECT_HOME") == str(store.prefect) and studio_record.MARK not in environment
        served = temporary_server.__name__ in " ".join(process.cmdline())
        return ours and served and process.ppid() in (0, 1)
    except (psutil.Error, OSError):
        return False


def _list(processes: list[psutil.Process]) -> str:
    return ", ".join(f"{process.name()} {process.pid}" for process in processes)
