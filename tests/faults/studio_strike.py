"""Striking a studio: a run of Prefect's page is under way, and a part of the studio is killed or stops.

Knows `dae up` and its two interfaces; nothing of how the studio is built.
"""

import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import psutil
from commands import Warm
from outcome import computed, differences, left_behind
from strike import Hit, Reference, clean
from studio import Studio, wait_until
from subjects import RUN
from victim import PATH, Bench, Victim

STUDIO = "studio"
ENGINE, RUNNER = "daecore_flows.studio.flow_run", "daecore_flows.studio.serving"
STOPPED_SECONDS = 20.0  # for how long a server stands still


@dataclass(frozen=True)
class Part:
    """A part of a studio that is struck.

    Attributes:
        kind: As the table has it.
        words: In the command lines of its processes; none for `dae up` itself.
        ends: Whether the studio ends with it, and is to be started again.
        number: The signal.
    """

    kind: str
    words: tuple[str, ...] = ()
    ends: bool = False
    number: int = signal.SIGKILL


PARTS = (
    Part("flow run's process killed", (ENGINE,)),
    Part("runner killed", (RUNNER,), ends=True),
    Part("runner and flow run killed", (RUNNER, ENGINE), ends=True),
    Part("MLflow's server killed", ("mlflow server",)),
    Part("MLflow's server stopped", ("mlflow server",), number=signal.SIGSTOP),
    Part("Prefect's server killed", ("prefect_server",)),
    Part("dae up killed", ends=True),
)


class StruckStudio:
    """A studio that is struck again and again; each time a run of its own is under way.

    Args:
        begin: What begins commands, for what the same run gives undisturbed.
        bench: Where the studio's store is.
        reference: The run, undisturbed.
        rng: Of instants.
    """

    def __init__(self, begin: Warm, bench: Bench, reference: Reference, rng: Random) -> None:
        self._begin, self._bench, self._reference, self._rng = begin, bench, reference, rng
        environment = bench.environment()
        bench.stages.write_text("")
        self.studio = Studio(bench.store, PATH)
        own = ("TMPDIR", "FAULTS_STAGES", "DAE_LOCKS")
        self.studio.environment |= {name: environment[name] for name in own}

    def strike(self, part: Part, seed: int) -> list[Hit]:
        """Strike it while a run with this seed is under way; none if the run was faster."""
        if not self.studio.lives:
            self.studio.up()
        self._bench.stages.write_text("")
        flow_run = self.studio.submit("denoise/digits-erasure", **_parameters(seed))
        stage = self._rng.choice(list(self._reference.seconds)[1:-1])
        if not self._wait(flow_run, stage):
            return []
        struck = _signal(self._processes(part), part.number)
        lost = [] if struck else ["nothing was there to be struck"]
        if part.number == signal.SIGSTOP:
            time.sleep(STOPPED_SECONDS)
            _signal(struck, signal.SIGCONT)
        if part.ends:
            lost += self._ends()
            self.studio.up()
        if (state := self.studio.finished(flow_run)) != "Completed":
            lost.append(f"the flow run is {state}")
        return [Hit(part.kind, STUDIO, stage, lost + self._missing(seed))]

    def end(self) -> list[str]:
        """End it; what it has left behind."""
        try:
            self.studio.down()
            return left_behind(self._bench.store, self._bench.temporary)
        finally:
            self.studio.end()

    def _wait(self, flow_run: str, stage: str) -> bool:
        """Wait for an instant of a stage; whether the run is still under way then."""
        ended = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        wait_until(lambda: f" begin {stage}" in self._bench.stages.read_text(), 300, self.studio.logs)
        time.sleep(self._rng.uniform(0, self._reference.seconds[stage]))
        return str(self.studio.prefect(f"/flow_runs/{flow_run}")["state"]["type"]) not in ended

    def _processes(self, part: Part) -> list[psutil.Process]:
        if not part.words and self.studio.process is not None:
            return [psutil.Process(self.studio.process.pid)]
        return [process for words in part.words for process in self.studio.processes(words)]

    def _ends(self) -> list[str]:
        """Wait until the studio and all its parts are gone; what is not."""
        process = self.studio.process
        with suppress(AssertionError):
            wait_until(lambda: process is None or process.poll() is not None, 120)
            wait_until(lambda: not self.studio.processes(), 120)
            return []
        return [f"still there: {' '.join(each.cmdline())[:200]}" for each in self.studio.processes()]

    def _missing(self, seed: int) -> list[str]:
        """What the same run gives undisturbed, in a store of its own, and is not here once."""
        other = Bench(self._bench.folder.with_name("undisturbed"))
        clean(other)
        done = Victim(self._begin, other, (*RUN.words, "--set", f"seed={seed}")).end()
        wanted, found = computed(other.store), computed(self._bench.store)
        clean(other)
        ours = {line: count for line, count in found.items() if line in wanted}
        return ([] if done.returncode == 0 else [done.stderr]) + differences(wanted, type(found)(ours))


def _signal(processes: list[psutil.Process], number: int) -> list[psutil.Process]:
    """Send it; to whom."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    return processes


def _parameters(seed: int) -> dict[str, object]:
    from daecore_flows.studies.laboratory import read_recipe

    changes = [word for word in RUN.words[2:] if word != "--set"]
    return {**read_recipe("digits-erasure", [*changes, f"seed={seed}"]).form, "seed": seed}
