"""Chunks: the inputs of a pass, some hundred at once; their number says which they are, whoever runs them."""

import hashlib
import json
import mmap
import os
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import tree_mutator
from byte_mutator import mutate
from fuzzed import LARGEST, Parser
from guarded import FINDINGS, Outcome, attempt

from daecore.experiment import yaml_text

SIZE = 270  # inputs of a chunk
HEAD = struct.Struct("<dQ")  # when the input was begun, and how long it is


class Current:
    """The input that a process is at, in memory that its parent shares: what it died of is known."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, HEAD.size + LARGEST)

    def begin(self, content: bytes) -> None:
        """This input is handed out now."""
        self._memory[HEAD.size : HEAD.size + len(content)] = content
        self._memory[: HEAD.size] = HEAD.pack(time.monotonic(), len(content))

    def end(self) -> None:
        """It came back."""
        self._memory[: HEAD.size] = HEAD.pack(0, 0)

    def read(self) -> tuple[float, bytes]:
        """For how many seconds an input has been out, and which; 0 where none is."""
        began, size = HEAD.unpack(self._memory[: HEAD.size])
        return (time.monotonic() - began if began else 0.0), self._memory[HEAD.size : HEAD.size + size]


@dataclass
class Tally:
    """What became of some inputs of one parser.

    Attributes:
        counts: By kind.
        seconds: Of the slowest.
        bytes: Of the largest.
        found: A line and an input for each that broke the parser, of each place once.
    """

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    bytes: int = 0
    found: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def add(self, outcome: Outcome, content: bytes) -> None:
        """One more."""
        self.counts[outcome.kind] += 1
        self.seconds, self.bytes = max(self.seconds, outcome.seconds), max(self.bytes, outcome.bytes)
        if outcome.kind in FINDINGS:
            said = f"{outcome.kind} at {outcome.where}: {outcome.said}"
            error = outcome.said.split(":")[0] if outcome.kind == "escaped" else ""
            about = f"{outcome.kind} {outcome.where} {error[:60]}"
            held = self.found.get(about)
            if held is None or len(content) < len(held[1]):
                self.found[about] = (said, content)

    def line(self) -> dict[str, Any]:
        """For JSON; inputs are left out."""
        return {"counts": dict(self.counts), "seconds": round(self.seconds, 3), "bytes": self.bytes}


def run_chunk(parser: Parser, seed: int, number: int, room: Path, current: Current, count: int = SIZE) -> Tally:
    """All inputs of a chunk: of texts the second half comes from Hypothesis, all others from the byte mutator.

    Args:
        parser: The door.
        seed: Of the pass.
        number: Of the chunk.
        room: An own folder.
        current: Says which input is out.
        count: How many.
    """
    room = room / parser.name  # of its own: what one parser leaves is no store of another
    room.mkdir(exist_ok=True)
    os.environ["DAE_STORE"] = str(room)
    tally, seeds = Tally(), _seeds(parser, room)
    own = int.from_bytes(hashlib.sha256(f"{seed} {parser.name} {number}".encode()).digest()[:8], "big")

    def hand_out(content: bytes) -> None:
        content = content[:LARGEST]
        with _handed_out(current, content):
            tally.add(attempt(parser, content, room), content)

    by_tree = count // 2 if parser.tree else 0
    if by_tree:
        tree_mutator.run_trees(_trees(seeds), by_tree, own, hand_out)
    random = Random(own)
    for _ in range(count - by_tree):
        content = mutate(random, seeds, parser.tokens)
        hand_out(parser.repair(content) if random.random() < 0.5 else content)
    return tally


_known: dict[str, list[bytes]] = {}


def _seeds(parser: Parser, room: Path) -> list[bytes]:
    """Made once by each process."""
    if parser.name not in _known:
        _known[parser.name] = parser.seeds(room)
    return _known[parser.name]


@contextmanager
def _handed_out(current: Current, content: bytes) -> Iterator[None]:
    current.begin(content)
    yield
    current.end()


def _trees(seeds: list[bytes]) -> list[Any]:
    found = []
    for content in seeds:
        try:
            text = content.decode()
            found.append(json.loads(text) if text.startswith(("{", "[")) else yaml_text.load(text, "a seed"))
        except Exception:  # a seed that is to be refused has no tree
            continue
    return found
