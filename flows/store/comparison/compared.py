"""The records of a comparison, as `dae compare --json` writes them."""

from typing import Literal

from daecore.record import Record
from daecore.stats.intervals import Interval

# Networks that undid different noise had different tasks: a higher number is not a better network.
Claim = Literal["better", "worse", "higher", "lower", "no difference is claimed"]


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
    """One run: its means, what tells it from the others, and how it can be paired with the first one.

    Attributes:
        run_id: Its MLflow run.
        name: What it is called there.
        apart: The options in which it differs from others of the comparison; empty where all are alike.
        seed: Its experiment's seed.
        samples: How many it was evaluated on.
        evaluation: SHA-256 of the pairs it was evaluated on.
        means: The mean of each measure.
        training_seconds: What its training took.
        unpaired: Why it cannot be paired with the first one; empty where it can.
        other_noise: Whether it was evaluated on the first one's images under different noise.
    """

    run_id: str
    name: str
    apart: str
    seed: int
    samples: int
    evaluation: str
    means: dict[str, float]
    training_seconds: float
    unpaired: str = ""
    other_noise: bool = False


class Difference(Record):
    """One run minus the first run, paired over test samples: the same pairs, or the same images under other noise."""

    first: str
    other: str
    measure: Measure
    difference: Interval
    claim: Claim
    other_noise: bool = False


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
    other_noise: bool = False


class StrengthPoint(Record):
    """The runs of one strength.

    Attributes:
        strength: Of the corruption.
        runs: One, or several that differ in their seed.
        over: What the intervals are over: several seeds, or one run's test samples.
        values: ``restored``, ``gain`` over the best baseline, and ``corrupted``, always over test samples; as far as
            the runs have them.
    """

    strength: float
    runs: tuple[str, ...]
    over: Literal["test samples", "seeds"]
    values: dict[str, Interval]


class StrengthCurve(Record):
    """Runs that differ in nothing but a corruption's strength and their seed.

    Attributes:
        option: The strength's, as ``erasure.p``.
        unit: Of the values.
        points: By ascending strength, two or more.
    """

    option: str
    unit: Literal["dB", "squared error"]
    points: tuple[StrengthPoint, ...]


class Comparison(Record):
    """Runs beside the first of them. A claim is a difference whose 95 % interval leaves out zero."""

    measures: tuple[Measure, ...]
    runs: tuple[ComparedRun, ...]
    differences: tuple[Difference, ...]
    groups: tuple[Group, ...]
    group_differences: tuple[GroupDifference, ...]
    curves: tuple[StrengthCurve, ...]
    settings: dict[str, dict[str, str]]
    left_out: dict[str, str]
    notes: tuple[str, ...]
