"""The records of a comparison, as `dae compare --json` writes them."""

from typing import Literal

from daecore.intervals import Interval

from ..records import Record

Claim = Literal["better", "worse", "no difference is claimed"]


class Measure(Record):
    """What is compared: a column of ``per_image.npz``, and how it is written and read."""

    column: str
    label: str
    digits: int
    more_is_better: bool = True


MEASURES = (
    Measure(column="psnr_db", label="PSNR / dB", digits=2),
    Measure(column="ssim", label="SSIM", digits=4),
    Measure(column="mse", label="squared error", digits=5, more_is_better=False),
)


class ComparedRun(Record):
    """One run: its means, and why it cannot be paired with the first one, where it cannot."""

    run_id: str
    name: str
    seed: int
    samples: int
    evaluation: str
    means: dict[str, float]
    training_seconds: float
    unpaired: str = ""


class Difference(Record):
    """One run minus the first run, paired over test samples."""

    first: str
    other: str
    measure: Measure
    difference: Interval
    claim: Claim


class Group(Record):
    """Runs that differ in nothing but their seed; intervals over seeds where there are two or more."""

    name: str
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    means: dict[str, Interval]


class GroupDifference(Record):
    """One group minus the first group, paired over the seeds both have; groups by their position."""

    first: int
    other: int
    seeds: tuple[int, ...]
    measure: Measure
    difference: Interval
    claim: Claim


class Comparison(Record):
    """Runs beside the first of them. A claim is a difference whose 95 % interval leaves out zero."""

    measures: tuple[Measure, ...]
    runs: tuple[ComparedRun, ...]
    differences: tuple[Difference, ...]
    groups: tuple[Group, ...]
    group_differences: tuple[GroupDifference, ...]
    settings: dict[str, dict[str, str]]
    left_out: dict[str, str]
    notes: tuple[str, ...]
