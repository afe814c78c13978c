"""A pass of the fuzzer over all parsers: ``make fuzz``; it goes on where it was stopped.

Processes are forked from one that has loaded all libraries. One that dies, or hangs where no alarm reaches it, is a
finding: its input is kept, and another goes on with the next chunk.
"""

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from cases import write_case
from chunks import SIZE, Current, Tally, run_chunk
from fuzzed import Parser
from guarded import limit_memory
from parsers import PARSERS

BUILD = Path(__file__).parents[2] / "build"
SAID_SECONDS = 60
LOOK = 0.02  # seconds between two looks at the processes
PATIENCE = 60.0  # seconds on the wall, after which a process that no alarm has ended is killed
CHUNKS = 40  # of one process, which then makes room for a fresh one: libraries keep memory
FORK = get_context("fork")

Task = tuple[str, int]  # a parser's name and the number of a chunk


class Worker:
    """A process that does chunks, one after the other."""

    def __init__(self, seed: int) -> None:
        self.current, self.task, self._given = Current(), None, 0
        self.room = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm"))
        self._ours, theirs = FORK.Pipe()
        self.process = FORK.Process(target=_work, args=(theirs, self.current, self.room, seed), daemon=True)
        self.process.start()
        theirs.close()
        self.task: Task | None

    def give(self, task: Task) -> None:
        """Have it do a chunk."""
        self.task, self._given = task, self._given + 1
        self._ours.send(task)

    def collect(self) -> Tally | None:
        """What it has found, if it is done; a process that died or hangs is ended, and is done, too."""
        try:
            if self._ours.poll():
                return self._ours.recv()
        except (EOFError, OSError):
            self.process.join(5)
        seconds, content = self.current.read()
        hangs = seconds > PATIENCE
        if self.process.is_alive() and not hangs:
            return None
        said = f"hangs for {seconds:.0f} s, and no alarm ends it" if hangs else f"exit status {self.process.exitcode}"
        self.end()
        tally = Tally(seconds=seconds)
        tally.counts["died"] += 1
        tally.found["died"] = (f"died: {said}", content)
        return tally

    @property
    def is_used_up(self) -> bool:
        """Whether another is to take its place."""
        return self._given >= CHUNKS or not self.process.is_alive()

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        shutil.rmtree(self.room, ignore_errors=True)


def _work(tasks: Connection, current: Current, room: Path, seed: int) -> None:
    os.chdir(room)
    limit_memory()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1), os.dup2(null, 2)  # libraries print what they think of a file
    try:
        while True:
            name, number = tasks.recv()
            tasks.send(run_chunk(PARSERS[name], seed, number, room, current))
    except BaseException:
        (BUILD / "fuzz" / f"process-{os.getpid()}.txt").write_text(traceback.format_exc())
        raise


def main() -> int:
    """Run a pass; 1 where a parser broke."""
    asked = _arguments()
    torch.set_num_threads(1)
    parsers = [PARSERS[name] for name in asked.parsers or PARSERS]
    log = asked.log
    log.parent.mkdir(parents=True, exist_ok=True)
    done = _done(log, asked.seed)
    chunks = math.ceil(asked.inputs / len(parsers) / SIZE)
    tasks = [
        (parser.name, number) for number in range(chunks) for parser in parsers if (parser.name, number) not in done
    ]
    with log.open("a") as file:
        _run(tasks, asked, lambda task, tally: _keep(file, asked.seed, task, tally))
    lines = _done(log, asked.seed)
    print(_table(parsers, {task: line for task, line in lines.items() if task[1] < chunks}))
    return any(line["found"] for task, line in lines.items() if task[0] in {parser.name for parser in parsers})


def _arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("parsers", nargs="*", help="their names; all if none is given")
    ask.add_argument("--inputs", type=int, default=1_000_000, help="in all, the same number for each parser")
    ask.add_argument("--seed", type=int, default=0, help="another seed, other inputs")
    ask.add_argument("--workers", type=int, default=1)
    ask.add_argument("--log", type=Path, default=BUILD / "fuzz.jsonl", help="what was done; a pass goes on from there")
    return ask.parse_args()


def _run(tasks: list[Task], asked: argparse.Namespace, keep: Any) -> None:
    tasks, said = tasks[::-1], time.monotonic()
    workers = [Worker(asked.seed) for _ in range(min(asked.workers, len(tasks)))]
    try:
        while tasks or any(worker.task for worker in workers):
            workers = [_next(worker, asked.seed, tasks, keep) for worker in workers]
            if time.monotonic() - said > SAID_SECONDS:
                said = time.monotonic()
                print(f"{len(tasks) * SIZE:,} inputs to go", file=sys.stderr, flush=True)
            time.sleep(LOOK)
    finally:
        for worker in workers:
            worker.end()


def _next(worker: Worker, seed: int, tasks: list[Task], keep: Any) -> Worker:
    """Keep what a process has found, if it is done, and give it the next chunk; the same one, or its successor."""
    if worker.task:
        tally = worker.collect()
        if tally is None:
            return worker
        keep(worker.task, tally)
        worker.task = None
        if worker.is_used_up:
            worker.end()
            worker = Worker(seed)
    if tasks:
        worker.give(tasks.pop())
    return worker


def _keep(file: Any, seed: int, task: Task, tally: Tally) -> None:
    """Write down what a chunk gave, and keep the inputs that broke the parser."""
    name, number = task
    found = []
    for about, (said, content) in tally.found.items():
        kept = write_case(BUILD / "fuzz" / name, sha256(about.encode(errors="replace")).hexdigest()[:10], content)
        found.append({"said": said[:500], "input": str(kept.relative_to(BUILD))})
    line = {"seed": seed, "parser": name, "chunk": number, **tally.line(), "found": found}
    file.write(json.dumps(line) + "\n")
    file.flush()


def _done(log: Path, seed: int) -> dict[Task, dict[str, Any]]:
    """The chunks that a log holds of a seed; a line that was cut is none."""
    found = {}
    for text in log.read_text().splitlines() if log.is_file() else ():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if line["seed"] == seed:
            found[line["parser"], line["chunk"]] = line
    return found


def _table(parsers: list[Parser], lines: dict[Task, dict[str, Any]]) -> str:
    columns = ("accepted", "refused", "escaped", "slow", "large", "unreadable", "died")
    rows = [f"{'parser':20} {'inputs':>9} " + " ".join(f"{it:>10}" for it in columns) + "   slowest s   most MB"]
    total: dict[str, int] = defaultdict(int)
    said: dict[str, str] = {}
    for parser in parsers:
        own = [line for (name, _), line in lines.items() if name == parser.name]
        counts = {it: sum(line["counts"].get(it, 0) for line in own) for it in columns}
        slowest, most = max((it["seconds"] for it in own), default=0), max((it["bytes"] for it in own), default=0)
        numbers = " ".join(f"{counts[it]:>10,}" for it in columns)
        rows.append(f"{parser.name:20} {sum(counts.values()):>9,} {numbers} {slowest:>11.2f} {most / 1e6:>9.0f}")
        for it, count in counts.items():
            total[it] += count
        said |= {found["input"]: found["said"] for line in own for found in line["found"]}
    rows.append(f"{'all':20} {sum(total.values()):>9,} " + " ".join(f"{total[it]:>10,}" for it in columns))
    return "\n".join([*rows, *(f"{path}: {text[:300]!r}" for path, text in said.items())])


if __name__ == "__main__":
    sys.exit(main())
