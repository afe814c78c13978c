"""The flows that faults meet: each as a small command, with every stage that it has."""

from dataclasses import dataclass

SMALL = ("--set", "training.epochs=12", "--set", "training.threads=1")
TRANSFER = ("--set", "transfer={labels: [20], seeds: 2, steps: 10}")
NOTHING = ("--set", "transfer=null")
SAMPLER = ("--set", "objective=flow", "--set", "architecture={unet: {sampler: true, widths: [4, 8]}}")


@dataclass(frozen=True)
class Flow:
    """A flow.

    Attributes:
        name: Its name.
        words: The command.
        workers: Whether processes of its own work for it.
    """

    name: str
    words: tuple[str, ...]
    workers: bool = False


RUN = Flow("run", ("run", "digits-erasure", *SMALL, *TRANSFER, "--set", "error_bars={}"))
DRAW = Flow("run, drawing", ("run", "digits-erasure", *SMALL, *NOTHING, *SAMPLER))
STACK = Flow("stack", ("stack", "stacked/digits", *SMALL, *TRANSFER))
RATES = ("--space", "training.learning_rate=[1e-3, 1e-2]", "--parallel", "2")
SWEEP = Flow("sweep", ("sweep", "digits-erasure", *SMALL, *NOTHING, *RATES), workers=True)
RETRAIN = Flow("retrain", ("retrain", "digits-erasure", *SMALL, *NOTHING))
STUDY = Flow("study", ("study", "faults"))
FLOWS = (RUN, DRAW, STACK, SWEEP, RETRAIN, STUDY)
