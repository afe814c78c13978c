"""MLflow is away for minutes while a network trains; beside it, on the other core, the same training keeps its MLflow.

Then they change parts. Both share the machine at every moment, and each is the one without MLflow once. So how many
epochs each has come on tells whether an outage slows a training down, whatever else the machine does, and whichever of
the two is faster by itself. `python tests/faults/outage.py`.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from math import prod, sqrt
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "processes"))

from commands import DAE, environment_of
from servers import Mlflow
from studio import wait_until

NETWORK = "architecture={conv: {widths: [48, 96], code: 16}}"  # whose epochs last long enough to be few
CHANGES = (NETWORK, "training.batch=64", "training.threads=1", "training.epochs=10000", "transfer=null")
WORDS = ["run", "digits-erasure", *(word for change in CHANGES for word in ("--set", change))]


@dataclass
class Training:
    """A training with an MLflow of its own."""

    server: Mlflow
    process: subprocess.Popen[bytes]
    said: Path

    def epochs(self, begin: float, end: float) -> int:
        """How many it has come on between two times, in seconds since 1970: they keep the time at which they ended."""
        query = f"select count(*) from metrics where key = 'loss' and timestamp between {begin * 1e3} and {end * 1e3}"
        return int(self.server.ask(query)[0][0])

    def has_begun(self) -> bool:
        """Whether an epoch is told of."""
        assert self.process.poll() is None, self.said.read_text()
        return bool(self.steps())

    def steps(self) -> list[int]:
        """The epochs that its MLflow knows."""
        return [step for (step,) in self.server.ask("select step from metrics where key = 'loss' order by step")]

    def end(self) -> None:
        """End both."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(300)
        self.server.tell(signal.SIGKILL)


def begin(folder: Path) -> Training:
    """Begin one."""
    folder.mkdir(parents=True)
    server, store = Mlflow(folder), folder / "store"
    environment = {**environment_of(store), "DAE_MLFLOW_URI": server.url, "DAE_LOCKS": str(folder)}
    said = folder / "said"
    with said.open("wb") as file:
        process = subprocess.Popen([DAE, *WORDS], env=environment, stdout=file, stderr=file)
    return Training(server, process, said)


def measure(folder: Path, seconds: float) -> dict[str, float]:
    """What an outage costs: epochs lost and doubled, and the time that an epoch takes, beside one with MLflow."""
    one, other = begin(folder / "one"), begin(folder / "other")
    try:
        wait_until(lambda: one.has_begun() and other.has_begun(), 300)
        ratios = [outage(one, other, seconds), outage(other, one, seconds)]
        steps = [training.steps() for training in (one, other)]
    finally:
        one.end()
        other.end()
    lost = sum(len(set(range(1, found[-1] + 1)) - set(found)) for found in steps)
    doubled = sum(len(found) - len(set(found)) for found in steps)
    epochs = sum(found[-1] for found in steps)
    return {"outages": 2, "away_seconds": seconds, "epochs": epochs, "lost": lost, "doubled": doubled,
            "slower": sqrt(prod(ratios)) - 1}  # fmt: skip


def outage(away: Training, there: Training, seconds: float) -> float:
    """Let one of them be without MLflow; how many epochs the other one has come on for each of its own."""
    away.server.tell(signal.SIGKILL)
    gone = time.time()
    time.sleep(seconds)
    back = time.time()
    away.server.begin()
    wait_until(lambda: away.epochs(back, time.time()) > 0, 300)  # all before them are told by then
    return there.epochs(gone, back) / away.epochs(gone, back)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long MLflow is away")
    parser.add_argument("--folder", type=Path, required=True, help="a new one")
    asked = parser.parse_args()
    print(json.dumps(measure(asked.folder.resolve(), asked.seconds)))
