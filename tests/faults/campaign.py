"""A campaign: which faults are still to be injected, the file they are appended to, and the table made of it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random

from commands import Warm
from kinds import ALTERED, KILLED, TREE, UNDER_WAY, WORKER, Fault
from strike import Hit, Reference, clean, kill_again_and_again, refer, spoil, strike
from studio_strike import PARTS, STUDIO, StruckStudio
from subjects import FLOWS, RUN, Flow
from victim import END, Bench, warm

EACH = 5  # how often each stage is hit by a kill, and each other kind of fault comes
ATTEMPTS = 4  # rounds without a hit, after which something is given up


class Table:
    """What was injected so far, in a file of a line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.hits = [Hit(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    def add(self, hits: list[Hit]) -> None:
        """Append."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.writelines(json.dumps(asdict(hit)) + "\n" for hit in hits)
        self.hits += hits

    def count(self, flow: str, *, kind: str = "", stage: str = "") -> int:
        """How often something was hit; kills of all kinds, where a stage is named."""
        killed = (KILLED.name, TREE.name, WORKER.name)
        of_flow = [hit for hit in self.hits if hit.flow == flow]
        return sum(hit.stage == stage and hit.kind in killed if stage else hit.kind == kind for hit in of_flow)

    def text(self) -> str:
        """Kind, injected, survived, lost; then how often each stage was hit."""
        injected = Counter((hit.kind, hit.flow) for hit in self.hits)
        lost = Counter((hit.kind, hit.flow) for hit in self.hits if hit.lost)
        rows = [(kind, flow, n, n - lost[kind, flow], lost[kind, flow]) for (kind, flow), n in sorted(injected.items())]
        rows.append(
            ("all", "", sum(injected.values()), sum(injected.values()) - sum(lost.values()), sum(lost.values()))
        )
        head = f"{'kind':34}{'flow':16}{'injected':>9}{'survived':>9}{'lost':>6}"
        return "\n".join([head, *(f"{k:34}{f:16}{n:9}{s:9}{x:6}" for k, f, n, s, x in rows), "", *self._stages()])

    def _stages(self) -> Iterator[str]:
        yield "kills by stage"
        for name in (*(flow.name for flow in FLOWS), STUDIO):
            killed = [hit for hit in self.hits if hit.flow == name and "kill" in hit.kind]
            if killed:
                hit = Counter(hit.stage for hit in killed)
                yield f"{name:16}" + ", ".join(f"{stage} {count}" for stage, count in hit.items())


class Campaign:
    """Injects what the table still lacks.

    Args:
        folder: For stores, of which those that lost something are kept.
        table: What was injected.
        seed: Of instants and choices.
    """

    def __init__(self, folder: Path, table: Table, seed: int = 0) -> None:
        self._folder, self.table = folder, table
        self._references: dict[Flow, Reference] = {}
        self._rng = Random(f"{seed} {len(table.hits)}")
        folder.mkdir(parents=True, exist_ok=True)
        self._begin: Warm = warm(folder)
        self._number = 0

    def end(self) -> None:
        """End the process that begins commands."""
        self._begin.end()

    def kills(self, flow: Flow, each: int) -> Iterator[list[Hit]]:
        """Kill a flow in each of its stages, until each was hit so often."""
        reference, idle = self._refer(flow), 0
        while idle < ATTEMPTS and (targets := self._targets(flow, reference, each)):
            before = len(targets)
            bench = self._bench()
            yield self._add(bench, kill_again_and_again(self._begin, flow, reference, targets, bench, self._rng))
            idle = idle + 1 if len(self._targets(flow, reference, each)) == before else 0

    def under_way(self, flow: Flow, each: int) -> Iterator[list[Hit]]:
        """Let each other fault come under way, until it has come so often."""
        reference = self._refer(flow)
        for fault in (*UNDER_WAY, *([WORKER] if flow.workers else [])):
            for _ in range(ATTEMPTS):
                if self.table.count(flow.name, kind=fault.name) < each:
                    bench = self._bench()
                    yield self._add(bench, strike(self._begin, flow, reference, fault, bench, self._rng))

    def files(self, flow: Flow, each: int) -> Iterator[list[Hit]]:
        """Alter kept files in each way, until it was done so often."""
        reference = self._refer(flow)
        for kind in ALTERED:
            if (lacking := each - self.table.count(flow.name, kind=f"kept file {kind}")) > 0:
                bench = self._bench()
                yield self._add(bench, spoil(self._begin, flow, reference, kind, bench, self._rng, lacking))

    def studio(self, each: int) -> Iterator[list[Hit]]:
        """Strike each part of a studio while a run is under way, until each was struck so often."""
        lacking = [part for part in PARTS for _ in range(each - self.table.count(STUDIO, kind=part.kind))]
        if not lacking:
            return
        bench = self._bench()
        struck = StruckStudio(self._begin, bench, self._refer(RUN), self._rng)
        lost = list[str]()
        try:
            for part in lacking:
                hits = struck.strike(part, seed=1 + len(self.table.hits))
                lost += [word for hit in hits for word in hit.lost]
                self.table.add(hits)
                yield hits
        finally:
            left = struck.end()
        if left:
            yield self._add(bench, [Hit("studio ended", STUDIO, END, left)])
        elif not lost:
            clean(bench)

    def _targets(self, flow: Flow, reference: Reference, each: int) -> list[tuple[str, Fault]]:
        lacking = [stage for stage in reference.seconds if self.table.count(flow.name, stage=stage) < each]
        return [(stage, self._rng.choice([KILLED, TREE])) for stage in lacking]

    def _refer(self, flow: Flow) -> Reference:
        """The flow, undisturbed; run once."""
        if flow not in self._references:
            bench = Bench(self._folder / "reference")
            clean(bench)
            self._references[flow] = refer(self._begin, flow, bench.folder)
            clean(bench)
        return self._references[flow]

    def _bench(self) -> Bench:
        self._number += 1
        bench = Bench(self._folder / f"{len(self.table.hits)}-{self._number}")
        clean(bench)
        return bench

    def _add(self, bench: Bench, hits: list[Hit]) -> list[Hit]:
        if not any(hit.lost for hit in hits):
            clean(bench)
        self.table.add(hits)
        return hits


def run(folder: Path, path: Path, names: tuple[str, ...], each: int) -> Table:
    """The whole campaign, or that of some flows; it goes on where the table ends.

    It is done in rounds. Each hits everything once more, so that one that is stopped has seen all of it.
    """
    table = Table(path)
    campaign = Campaign(folder, table)
    try:
        for hits in (hits for often in range(1, each + 1) for hits in _round(campaign, names, often)):
            for hit in hits:
                print(f"{hit.flow}: {hit.kind} in {hit.stage}: {hit.lost or 'nothing lost'}", flush=True)
    finally:
        campaign.end()
    return table


def _round(campaign: Campaign, names: tuple[str, ...], each: int) -> Iterator[list[Hit]]:
    for flow in (flow for flow in FLOWS if not names or flow.name in names):
        yield from campaign.kills(flow, each)
        yield from campaign.under_way(flow, each)
        if flow == RUN:
            yield from campaign.files(flow, each)
    if not names or STUDIO in names:
        yield from campaign.studio(each)
