"""Hours of ordinary use: runs in a row, many at once on a new store, cleaning up beside them, and a studio's queue.

    python bench/soak.py [--folder build/soak] [--runs 200] [--at-once 8] [--beside 40] [--queued 500] [--show]

Each run is another one: one epoch of the digits, with a seed of its own. It goes on where it was: whatever happened is
a line of `FOLDER/soak.jsonl`, and what has been done so far is counted there. Wrong is a command that fails, a
database that says it is locked, a page that takes longer than two seconds, or anything that `dae doctor` finds; the
exit status says so. Memory, handles and threads are given at the start and at the end, with what a hundred runs add
once all has been used: in the second half.
"""

import argparse
import sys
from pathlib import Path

import soak_runs
import soak_studio
from soak_log import Log
from soak_table import show

SAMPLE_SECONDS = 10.0


def main() -> int:
    """Do what is left, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build/soak"))
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--beside", type=int, default=40)
    parser.add_argument("--queued", type=int, default=500)
    parser.add_argument("--every", type=float, default=SAMPLE_SECONDS, help="seconds between looks at the studio")
    parser.add_argument("--show", action="store_true", help="only print what is known so far")
    asked = parser.parse_args()
    folder = asked.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    log = Log(folder / "soak.jsonl")
    if not asked.show:
        soak_runs.in_a_row(folder, log, asked.runs)
        soak_runs.at_once(folder, log, asked.at_once)
        soak_runs.beside(folder, log, asked.beside)
        soak_studio.queue(folder, log, asked.queued, asked.every)
    return show(log)


if __name__ == "__main__":
    sys.exit(main())
