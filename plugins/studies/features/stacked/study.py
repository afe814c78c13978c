"""Stacked pre-training on digits: layer by layer, the classification layer on top, then all fine-tuned, and timed."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from daecore.data import ALL
from daecore.experiment import widths as widths_of
from daecore.stats import wilson
from daecore.study import Findings, Laboratory, Measured, Picture, Study, Table, fine_tuning
from daecore.transfer import Classified

from .staircase import staircase

RECIPE = "stacked/mnist"
QUICK = ("training.epochs=2", "transfer.steps=300")
LISA_MINUTES, LISA_ERROR = 585 + 444, 1.3  # the deep learning tutorial's 3 x 1000: pre-training and fine-tuning, a CPU
ASKED_MINUTES, ASKED_ERROR = 25, 1.4


@dataclass(frozen=True)
class Climbed:
    """The steps.

    Attributes:
        inputs: Values of a sample.
        tested: Test samples.
        widths: Units of each layer.
        probes: Linear layers on each layer's code.
        fine_tuned: All layers together, pre-trained.
        scratch: The same network from first weights.
        pre_training: Seconds of all layers' epochs.
        device: Where: the device, and its threads.
    """

    inputs: int
    tested: int
    widths: tuple[int, ...]
    probes: tuple[Classified, ...]
    fine_tuned: Classified
    scratch: Classified
    pre_training: float
    device: str

    @property
    def minutes(self) -> float:
        """Pre-training and fine-tuning."""
        return (self.pre_training + self.fine_tuned.seconds) / 60

    @property
    def rows(self) -> Iterator[tuple[str, Classified]]:
        """Each classifier by name, the lowest step first."""
        for number, found in enumerate(self.probes, start=1):
            yield f"probe_layer{number}", found
        yield "fine_tuned", self.fine_tuned
        yield "scratch", self.scratch


def _run(lab: Laboratory) -> Findings:
    climbed = _climb(lab)
    caption = (
        "Layer by layer: each learns to denoise the clean code of those below, which stay as they are; then a "
        "classification layer is added, and everything is fine-tuned. Above each column its test error in percent."
    )
    errors = [found.error_percent for found in climbed.probes]
    picture = staircase(climbed.widths, climbed.inputs, errors, climbed.fine_tuned.error_percent)
    return Findings(
        figures=dict(_figures(climbed)),
        pictures=(Picture("staircase", caption, picture),),
        tables=(_table(climbed),),
        notes=tuple(notes(climbed, quick=lab.quick)),
    )


def _climb(lab: Laboratory) -> Climbed:
    """Train layer upon layer, a linear layer on each, and everything from there and from scratch."""
    whole = lab.experiment(RECIPE, quick=QUICK)
    options = fine_tuning(whole)
    plain = options.model_copy(update={"augment": ()})  # a linear layer on the code of digits as they are
    widths = widths_of(whole)
    test = lab.splits(whole).test[0]
    given: dict[str, Any] = {"labels": ALL, "draw": 0}
    probes, seconds = [], 0.0
    for depth in range(1, len(widths) + 1):
        part = lab.experiment(
            RECIPE, f"architecture.stacked.widths={list(widths[:depth])}", quick=QUICK
        )  # shares all layers but the last with the step below
        stack = lab.stack(part)
        seconds = sum(layer.seconds for layer in stack.layers)
        probes.append(lab.classify(part, stack.whole, "probe", plain, **given))
    return Climbed(
        inputs=prod(test.shape),
        tested=len(test),
        widths=widths,
        probes=tuple(probes),
        fine_tuned=lab.classify(whole, stack.whole, "finetune", options, **given),
        scratch=lab.classify(whole, None, "finetune", options, **given),
        pre_training=seconds,
        device=f"{stack.layers[0].device}, {stack.layers[0].threads} threads",
    )


def _figures(climbed: Climbed) -> Iterator[tuple[str, Measured]]:
    for name, found in climbed.rows:
        yield f"{name}_error_percent", _error(found, climbed.tested)
    yield "pre_training_seconds", Measured(value=climbed.pre_training, unit="s")
    yield "fine_tuning_seconds", Measured(value=climbed.fine_tuned.seconds, unit="s")
    yield "minutes", Measured(value=climbed.minutes, unit="min")
    yield "faster_than_lisa", Measured(value=LISA_MINUTES / climbed.minutes)


def _error(found: Classified, tested: int) -> Measured:
    """A test error with the interval that the number of test samples leaves it."""
    low, high = wilson(round(found.error_percent * tested / 100), tested)
    return Measured(value=found.error_percent, low=100 * low, high=100 * high, n=tested, unit="%")


def _table(climbed: Climbed) -> Table:
    rows = []
    for name, found in climbed.rows:
        error = _error(found, climbed.tested)
        rows.append(
            (name.replace("_", " "), f"{error.value:.2f} [{error.low:.2f}, {error.high:.2f}]", f"{found.seconds:.0f}")
        )
    return Table("Test error in percent", ("classifier", "error", "seconds"), tuple(rows))


def notes(climbed: Climbed, *, quick: bool) -> Iterator[str]:
    """What the steps ended at, what they took, and whether that was what was asked for; small budgets were not."""
    shape = " x ".join(map(str, climbed.widths))
    yield (
        f"Layer by layer and fine-tuning of {shape} took {climbed.minutes:.1f} minutes and end at "
        f"{climbed.fine_tuned.error_percent:.2f} % errors; the deep learning tutorial's network of three layers of "
        f"1000 took {LISA_MINUTES} minutes to {LISA_ERROR} % on a processor of its day. "
        f"Here: {climbed.device}, epochs and fine-tuning alone, without what is recorded between epochs."
    )
    if not quick:
        reached = climbed.minutes <= ASKED_MINUTES and climbed.fine_tuned.error_percent <= ASKED_ERROR
        yield (
            f"At most {ASKED_ERROR} % in {ASKED_MINUTES} minutes were asked for: {'reached' if reached else 'missed'}."
        )
    gain = climbed.scratch.error_percent - climbed.fine_tuned.error_percent
    yield (
        f"From first weights the same network with the same fine-tuning ends at {climbed.scratch.error_percent:.2f} %, "
        f"{abs(gain):.2f} percentage points {'more' if gain > 0 else 'fewer'}. One seed: no difference is claimed."
    )


STUDY = Study(
    id="stacked",
    title="Layer by layer, then all together",
    description=(
        "An encoder can be built one layer at a time: the first learns to denoise pixels, the next to denoise the code "
        "of the first, and so on. At the end a classification layer is put on top, and labels tune the whole."
    ),
    recipes=(RECIPE,),
    run=_run,
)
