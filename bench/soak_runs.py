"""The soak's runs by command: in a row, at once on a new store, and beside what cleans up."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from soak_log import Log

DAE = str(Path(sys.executable).parent / "dae")
SHORT = ["--set", "training.epochs=1", "--set", "training.threads=1", "--set", "transfer=null"]
TOLD = 2000  # characters of what a command says that fails
LOCKED = "database is locked"


def dae(store: Path, *words: object) -> dict[str, Any]:
    """Give a command: how it ended, how long it took, and the most memory it held."""
    environment = {
        **os.environ,
        "DAE_STORE": str(store),
        "DAE_DATA": str(store.parent / "data"),
        "OMP_NUM_THREADS": "1",
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [DAE, *map(str, words)], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    found = {"status": process.returncode, "seconds": time.perf_counter() - began, "peak_kib": used.ru_maxrss}
    wrong = process.returncode != 0 or LOCKED in said
    return {**found, "locked": LOCKED in said, **({"said": said[-TOLD:]} if wrong else {})}


def run(store: Path, seed: int) -> dict[str, Any]:
    """One short run that no other one is like."""
    report = store.parent / f"{store.name}-{seed}.json"
    found = dae(store, "run", "digits-erasure", *SHORT, "--set", f"seed={seed}", "--report", report)
    if report.exists():
        found["run"] = json.loads(report.read_text(encoding="utf-8"))["mlflow"]["run_id"]
        report.unlink()
    return {**found, "seed": seed}


def doctor(store: Path) -> dict[str, Any]:
    """What `dae doctor` finds: its exit status is 0 where that is nothing."""
    return dae(store, "doctor")


def in_a_row(folder: Path, log: Log, count: int) -> None:
    """One after the other, in one store."""
    store = folder / "row"
    for seed in range(len(log.of("row")), count):
        log.add("row", **run(store, seed), bytes=size(store))
    if count and len(log.of("row doctor", runs=count)) == 0:
        log.add("row doctor", runs=count, **doctor(store))


def at_once(folder: Path, log: Log, count: int) -> None:
    """So many at the same moment, in a store that nobody has made yet."""
    if not count or log.of("at once", of=count):
        return
    store = folder / "at-once"
    shutil.rmtree(store, ignore_errors=True)  # of an attempt that was stopped
    with ThreadPoolExecutor(count) as all_of_them:
        found = list(all_of_them.map(lambda seed: run(store, seed), range(count)))
    for one in found:
        log.add("at once", of=count, **one)
    log.add("at once doctor", **doctor(store))


def beside(folder: Path, log: Log, count: int) -> None:
    """One after the other, while another process cleans up and removes what ran before."""
    store, done = folder / "beside", len(log.of("beside"))
    if done >= count:
        return
    ended = threading.Event()
    cleaner = threading.Thread(target=_clean_up, args=(store, log, ended))
    cleaner.start()
    try:
        for seed in range(done, count):
            log.add("beside", **run(store, seed))
    finally:
        ended.set()
        cleaner.join()
    log.add("beside doctor", **doctor(store))


def _clean_up(store: Path, log: Log, ended: threading.Event) -> None:
    removed = {event["run"] for event in log.of("rm")}
    while not ended.is_set():
        old = [it["run"] for it in log.of("beside", status=0)[:-2] if it["run"] not in removed]
        if not old:
            ended.wait(1)
            continue
        removed.add(old[0])
        log.add("rm", run=old[0], **dae(store, "rm", old[0], "--yes"))
        log.add("gc", **dae(store, "gc", "--keep", "2", "--yes"))


def size(folder: Path) -> int:
    """The bytes of all files in it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
