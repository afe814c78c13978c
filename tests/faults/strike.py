"""Striking: a flow is begun, a fault comes at a random instant of a stage, the same command goes on; then the balance.

Knows the flows, the kinds and the outcome; not how often, nor what the table looks like.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from commands import Done, Warm
from kinds import ALTERED, Fault, mount, records, unmount
from outcome import Computed, computed, differences, left_behind
from subjects import Flow
from victim import BEGINNING, END, Bench, Victim, durations

SHORT_SECONDS = 0.3  # what a stage is taken to last at least: it may be slower this time


@dataclass(frozen=True)
class Reference:
    """A flow to which nothing happened.

    Attributes:
        computed: What its store holds.
        seconds: How long each stage took, in the order in which they began, with what is before and after them.
    """

    computed: Computed
    seconds: dict[str, float]


@dataclass
class Hit:
    """A fault that was injected, and what came of it: nothing lost, if no word is said."""

    kind: str
    flow: str
    stage: str
    lost: list[str] = field(default_factory=list)


def refer(begin: Warm, flow: Flow, folder: Path) -> Reference:
    """Run a flow undisturbed.

    Raises:
        AssertionError: It fails, or leaves something behind.
    """
    bench = Bench(folder)
    victim = Victim(begin, bench, flow.words)
    done, ended = victim.end(), time.time()
    assert done.returncode == 0, done.stdout + done.stderr
    assert (left := left_behind(bench.store, bench.temporary)) == [], left
    marks = victim.marks()
    stages = durations(marks)
    seconds = {BEGINNING: next(mark.time for mark in marks if mark.what == "begin") - marks[0].time, **stages}
    return Reference(computed(bench.store), {**seconds, END: ended - marks[-1].time})


def kill_again_and_again(
    begin: Warm, flow: Flow, reference: Reference, targets: list[tuple[str, Fault]], bench: Bench, rng: Random
) -> list[Hit]:
    """Kill a flow in one stage after the other, each time in the same store, and let it come to its end."""
    hits, lost = list[Hit](), list[str]()
    for stage, fault in targets:
        victim = Victim(begin, bench, flow.words)
        stage_hit = _wait(victim, stage, reference.seconds[stage], rng)
        if stage_hit:
            fault.inject(bench, victim, rng)
        done = victim.end()
        lost += _complaints(done) if done.returncode >= 0 else []
        if done.returncode < 0:
            hits.append(Hit(fault.name, flow.name, (victim.stages_open() or [END])[-1]))
        elif done.returncode:
            lost.append(f"the command that was not struck: {done.returncode}: {_last(done)}")
    lost += _balance(begin, flow, reference, bench)
    for hit in hits:
        hit.lost = lost
    return hits


def strike(begin: Warm, flow: Flow, reference: Reference, fault: Fault, bench: Bench, rng: Random) -> list[Hit]:
    """Let a fault come under way, undo it once the command has ended, and give the command again; none if none came."""
    stage = rng.choice([name for name, seconds in reference.seconds.items() for _ in range(1 + int(seconds * 2))])
    with _disk(bench, own=fault.own_disk) as may:
        if not may:
            return []
        victim = Victim(begin, bench, flow.words, obey_modes=True)
        hit = _wait(victim, stage, reference.seconds[stage], rng)
        if not hit or not bench.store.exists():
            victim.end()
            return []
        undo = fault.inject(bench, victim, rng)
        done = victim.end()
        if undo is None:
            return []
        undo()
        lost = _complaints(done) + _balance(begin, flow, reference, bench, anew=fault.anew, obey_modes=True)
    return [Hit(fault.name, flow.name, hit, lost)]


def spoil(begin: Warm, flow: Flow, reference: Reference, kind: str, bench: Bench, rng: Random, count: int) -> list[Hit]:
    """Alter kept files, one at a time, and give the command again each time: it must not believe them."""
    lost = _balance(begin, flow, reference, bench)
    hits = []
    for _ in range(count):
        path = rng.choice(records(bench.store))
        ALTERED[kind](path, rng)
        where = str(path.relative_to(bench.store))
        lost += _balance(begin, flow, reference, bench, anew=True)
        hits.append(Hit(f"kept file {kind}", flow.name, where, lost))
        lost = []
    return hits


@contextmanager
def _disk(bench: Bench, *, own: bool) -> Iterator[bool]:
    """A small disk under the store, if need be; whether there is what was asked for."""
    may = not own or mount(bench.store)
    try:
        yield may
    finally:
        if own and may:
            unmount(bench.store)


def _wait(victim: Victim, stage: str, seconds: float, rng: Random) -> str:
    """Wait for a random instant of a stage; the stage that the command is in then, empty if it has ended."""
    if not victim.wait_for(stage):
        return ""
    until = time.monotonic() + rng.uniform(0, max(seconds, SHORT_SECONDS if stage in (BEGINNING, END) else 0))
    while victim.lives and time.monotonic() < until:
        time.sleep(0.002)
    return (victim.stages_open() or [END])[-1] if victim.lives else ""


def _balance(
    begin: Warm, flow: Flow, reference: Reference, bench: Bench, *, anew: bool = False, obey_modes: bool = False
) -> list[str]:
    """Let the command come to its end; what was lost, whatever had happened to it before."""
    done = Victim(begin, bench, flow.words, obey_modes=obey_modes).end()
    lost = _complaints(done)
    if done.returncode:
        return [*lost, f"the same command again: exit {done.returncode}: {_last(done)}"]
    if not anew and "gone, altered" in done.stdout + done.stderr:
        lost.append(f"a file was not as it was written: {_last(done)}")
    found = differences(reference.computed, computed(bench.store), anew=anew)
    return lost + found + left_behind(bench.store, bench.temporary)


def _complaints(done: Done) -> list[str]:
    """What a command must never say."""
    said = done.stdout + done.stderr
    return [f"a traceback: {said[-2000:]}"] if "Traceback (most recent call last)" in said else []


def _last(done: Done) -> str:
    return " ".join((done.stderr or done.stdout).split())[-600:]


def clean(bench: Bench) -> None:
    """Remove what a bench holds."""
    shutil.rmtree(bench.folder, ignore_errors=True)
