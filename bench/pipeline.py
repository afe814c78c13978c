"""The whole pipeline: how much of `dae run` is training, how much memory it takes, how fast `dae --help` is."""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DAE = str(Path(sys.executable).parent / "dae")
RECIPE = "mnist-erasure"


def measure() -> dict[str, Any]:
    """Run the recipe once in an empty store, and again with everything cached; start `dae --help` five times."""
    helps = [_seconds([DAE, "--help"]) for _ in range(5)]
    with tempfile.TemporaryDirectory() as folder:
        first = _run(Path(folder))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        again = _run(Path(folder))
    return {"help_seconds": statistics.median(helps), "peak_bytes": peak, "first": first, "again": again}


def show(found: dict[str, Any]) -> None:
    """Print what was measured."""
    first = found["first"]
    stages = {name: value for name, value in first["seconds"].items() if name != "total"}
    print(f"dae --help           {found['help_seconds']:8.2f} s")
    print(f"{RECIPE:20} {first['wall_seconds']:8.1f} s, of which")
    for name, seconds in stages.items():
        print(f"  {name:24} {seconds:8.1f} s")
    print(f"  the rest                 {first['wall_seconds'] - sum(stages.values()):8.1f} s")
    print(f"training itself      {first['training_seconds']:8.1f} s")
    print(f"peak memory          {found['peak_bytes'] / 2**20:8.0f} MiB")
    print(f"again, all cached    {found['again']['wall_seconds']:8.1f} s")


def _run(folder: Path) -> dict[str, Any]:
    report = folder / "report.json"
    wall = _seconds([DAE, "run", RECIPE, "--store", str(folder / "store"), "--report", str(report)])
    found = json.loads(report.read_text(encoding="utf-8"))
    return {"wall_seconds": wall, "seconds": found["seconds"], "training_seconds": found["training"]["seconds"]}


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
