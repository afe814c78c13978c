"""Several runs at once, each in a store of its own as several users have them, over as many in turn."""

import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

DAE = str(Path(sys.executable).parent / "dae")
COMMAND = [DAE, "run", "digits-erasure", "--set", "training.epochs=30", "--set", "transfer=null"]
NUMBERS = (2, 4, 8)
BAR = 1.3  # what N at once may take at most, over N in turn


def measure() -> dict[str, Any]:
    """Seconds of one run alone, before and after N at once, for every N."""
    found: dict[str, Any] = {}
    before = _together(1)
    for number in NUMBERS:
        at_once, after = _together(number), _together(1)
        in_turn = number * statistics.mean((before, after))
        found[str(number)] = {"alone": [before, after], "at_once": at_once, "ratio": at_once / in_turn}
        before = after
    return found


def show(found: dict[str, Any]) -> None:
    """Print what was measured."""
    print(f"{'runs':>6}{'one alone':>18}{'at once':>12}{'over in turn':>16}")
    for number, it in found.items():
        alone = " and ".join(f"{seconds:.1f}" for seconds in it["alone"])
        verdict = "reached" if it["ratio"] <= BAR else "MISSED"
        print(f"{number:>6}{alone:>16} s{it['at_once']:10.1f} s{it['ratio']:14.2f}    bar {BAR}   {verdict}")


def _together(number: int) -> float:
    """How long so many runs take that begin at once, until the last one has ended."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(number) as runs:
        began = time.perf_counter()
        list(runs.map(_run, (Path(folder) / str(each) for each in range(number))))
        return time.perf_counter() - began


def _run(store: Path) -> None:
    subprocess.run([*COMMAND, "--store", str(store)], check=True, capture_output=True)
