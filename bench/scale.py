"""How the laboratory grows with its data: seconds to the first epoch, memory, decoding, and questions about many runs.

    python bench/scale.py [--json out.json] [--pictures 1000 10000 100000] [--runs 10 1000 50000]

Pictures are grey PNG files of 64 x 64, made here. Each measurement has a process of its own. Memory is what a process
holds beyond the page cache (RssAnon), above an idle one with the same network.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE, CROP, BATCHES = 64, 40, 50  # an epoch here is so many batches of 128 crops, whatever the folder holds


def main() -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--runs", type=int, nargs="*", default=[10, 1_000, 50_000])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "pictures": {count: measure_pictures(Path(folder), count) for count in asked.pictures},
            "runs": {count: measure_runs(Path(folder), count) for count in asked.runs},
        }
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    show(found)


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
    cold, warm = (_child("train", own, data) for _ in range(2))
    return {
        "cold_seconds": cold["seconds"],
        "warm_seconds": warm["seconds"],
        "warm_memory_over_data": (warm["peak_bytes"] - _child("idle", own, data)["peak_bytes"]) / (count * SIDE * SIDE),
        "cold_memory_over_data": (cold["peak_bytes"] - _child("idle", own, data)["peak_bytes"]) / (count * SIDE * SIDE),
        "decoded_per_cpu_second": count / _child("decode", own, folder / f"decoded-{count}")["cpu_seconds"],
        "pillow_per_cpu_second": count / _child("pillow", own, data)["cpu_seconds"],
        "weights": [cold["weights"], warm["weights"]],
    }


def measure_runs(folder: Path, count: int) -> dict[str, float]:
    """CPU milliseconds of questions to a store with so many finished runs."""
    store = folder / f"store-{count}"
    found = _child("runs", store, folder, str(count))
    return {name: value for name, value in found.items() if name != "seconds"}


def show(found: dict[str, Any]) -> None:
    """Print what was measured."""
    print("pictures    first epoch, cold   warm   memory over data, cold   warm   decoded a CPU second   plain Pillow")
    for count, row in found["pictures"].items():
        print(
            f"{count:8,}    {row['cold_seconds']:13.1f} s   {row['warm_seconds']:.1f} s   "
            f"{row['cold_memory_over_data']:15.2f}   {row['warm_memory_over_data']:4.2f}   "
            f"{row['decoded_per_cpu_second']:15,.0f}   {row['pillow_per_cpu_second']:12,.0f}"
        )
    print("runs        CPU ms: " + ", ".join(next(iter(found["runs"].values()), {})))
    for count, row in found["runs"].items():
        print(f"{count:8,}    " + ", ".join(f"{value:,.0f}" for value in row.values()))


def _child(what: str, *words: Path | str) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).parent / "scale_child.py"), what, *map(str, words)]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"seconds": time.perf_counter() - began, **json.loads(done.stdout.splitlines()[-1])}


if __name__ == "__main__":
    main()
