"""How the laboratory grows: seconds to the first epoch, memory, decoding, questions about many runs, more processes.

    python bench/scale.py [--json out.json] [--pictures 1000 10000 100000] [--mapped 4] [--runs 10 1000 50000]
                          [--devices 1 2] [--nodes 1 2]

Pictures are grey PNG files of 64 x 64, made here. Each measurement has a process of its own. Memory is what a process
holds beyond the page cache (RssAnon), above an idle one with the same network. A mapped set has so many GB; an epoch
sees all of it, in one process, and in three at once with a thread each, as in a sweep. What goes beyond one process
is measured by `beyond`.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import beyond
import numpy as np
from PIL import Image

SIDE, REPEATS, WORKERS = 64, 3, 3


def main() -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--runs", type=int, nargs="*", default=[10, 1_000, 50_000])
    parser.add_argument("--mapped", type=float, nargs="*", default=[4])
    parser.add_argument("--devices", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--nodes", type=int, nargs="*", default=[1, 2])
    asked = parser.parse_args()
    found: dict[str, dict[float, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for what, measure, sizes in (
            ("pictures", measure_pictures, asked.pictures),
            ("mapped", measure_mapped, asked.mapped),
            ("runs", measure_runs, asked.runs),
            ("devices", beyond.measure_devices, asked.devices),
            ("nodes", beyond.measure_nodes, asked.nodes),
        ):
            found[what] = {size: measure(Path(folder), size) for size in sizes}
            if sizes:
                show(what, found[what])
            if asked.json:
                asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def make_pictures(folder: Path, count: int) -> None:
    """As many PNG files of smooth noise; those that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(len([*folder.iterdir()]), count):
        rng = np.random.default_rng(number)
        small = Image.fromarray(rng.integers(0, 256, (12, 12), np.uint8))
        small.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(folder / f"{number:06}.png", compress_level=1)


def measure_pictures(folder: Path, count: int) -> dict[str, Any]:
    """A training on a folder: cold, then again; and how fast files are decoded beside plain Pillow."""
    make_pictures(folder / "pictures", count)
    own = folder / f"first-{count}"
    own.mkdir()
    for number in range(count):
        (own / f"{number:06}.png").hardlink_to(folder / "pictures" / f"{number:06}.png")
    data = folder / f"data-{count}"
    cold, *warm = (_child("train", own, data) for _ in range(1 + REPEATS))
    idle = _median(_child("idle", own, data)["peak_bytes"] for _ in range(REPEATS))
    above = {"cold": cold["peak_bytes"] - idle, "warm": _median(it["peak_bytes"] for it in warm) - idle}
    return {
        "cold_seconds": cold["seconds"],
        "warm_seconds": _median(it["seconds"] for it in warm),
        **{f"{name}_megabytes": it / 1e6 for name, it in above.items()},
        **{f"{name}_memory_over_data": it / (count * SIDE * SIDE) for name, it in above.items()},
        "decoded_per_cpu_second": count / _child("decode", own, folder / f"decoded-{count}")["cpu_seconds"],
        "pillow_per_cpu_second": count / _child("pillow", own, data)["cpu_seconds"],
        "same_weights": len({it["weights"] for it in (cold, *warm)}) == 1,
    }


def measure_mapped(folder: Path, gigabytes: float) -> dict[str, Any]:
    """A training on a mapped set, alone, and three of them at the same time."""
    own = folder / f"mapped-{gigabytes}"
    _child("write", own, folder, str(int(gigabytes * 1e9) // (SIDE * SIDE)))
    idle = _median(_child("idle", own, folder, str(SIDE))["peak_bytes"] for _ in range(REPEATS))
    alone = _child("mapped", own, folder)
    with ThreadPoolExecutor(WORKERS) as pool:
        together = [*pool.map(lambda _: _child("mapped", own, folder, threads="1"), range(WORKERS))]
    shutil.rmtree(own)
    return {
        "seconds": alone["seconds"],
        "megabytes_alone": (alone["peak_bytes"] - idle) / 1e6,
        **{f"megabytes_of_{n}": (it["peak_bytes"] - idle) / 1e6 for n, it in enumerate(together, 1)},
        "same_weights": len({it["weights"] for it in together}) == 1,
    }


def measure_runs(folder: Path, count: int) -> dict[str, float]:
    """CPU milliseconds of questions to a store with so many finished runs."""
    store = folder / f"store-{count}"
    found = _child("runs", store, folder, str(count))
    return {name: value for name, value in found.items() if name != "seconds"}


def show(what: str, sizes: dict[float, Any]) -> None:
    """Print what was measured: a line for each figure, a column for each size."""
    print(f"{what:<28}" + "".join(f"{size:>12,}" for size in sizes))
    for name in next(iter(sizes.values()), {}):
        print(f"  {name.replace('_', ' '):<26}" + "".join(_cell(row[name]) for row in sizes.values()), flush=True)


def _cell(value: float | bool) -> str:
    return f"{value!s:>12}" if isinstance(value, bool) else f"{value:>12,.{0 if abs(value) >= 100 else 2}f}"


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _child(what: str, *words: Path | str, threads: str = "") -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).parent / "scale_child.py"), what, *map(str, words)]
    began = time.perf_counter()
    environment = {**os.environ, **({"OMP_NUM_THREADS": threads} if threads else {})}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return {"seconds": time.perf_counter() - began, **json.loads(done.stdout.splitlines()[-1])}


if __name__ == "__main__":
    main()
