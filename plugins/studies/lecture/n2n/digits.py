"""Clean and noisy targets on MNIST: three noises, equal steps, the same seeds; and the constant between the losses."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from daecore.data import as_float
from daecore.plots import figures
from daecore.stats import Interval, contrast
from daecore.study import Findings, Laboratory, Measured, Picture, Table

from . import losses
from .trained import CLEAN, SEEDS, Networks, difference, differences, networks

NOISES = {
    "gaussian": "Gaussian noise, sigma 0.5",
    "shot": "shot noise, 5 photons",
    "erasure": "half of the pixels erased, masked",
}
EPOCHS, QUICK_EPOCHS = (1, 3, 8), (1, 2)  # of the Gaussian trainings; the others take one
SHORTEST_SEEDS = 20  # of the Gaussian trainings of one epoch: they scatter most, and cost least
BOUND_DB = 0.2  # what noisy targets may cost at most after the longest training


@dataclass(frozen=True)
class Targets:
    """Networks trained with clean and with noisy targets, by the number of epochs."""

    clean: dict[int, Networks]
    noisy: dict[int, Networks]

    @property
    def longest(self) -> int:
        """The most epochs."""
        return max(self.clean)

    def difference(self, epochs: int) -> Interval:
        """Noisy minus clean targets in dB."""
        return difference(self.noisy[epochs], self.clean[epochs])

    @property
    def shrinkage(self) -> Interval:
        """By how many dB each doubling of the training brings noisy targets closer to clean ones.

        The slope of the straight line (least squares) through the mean costs against log2 of the epochs: it uses all
        trainings, where the first and the last alone would leave most of what is known aside. Trainings of each length
        have a scatter, and a number of seeds, of their own.
        """
        weights = slope_weights([math.log2(epochs) for epochs in self.clean])
        return contrast([differences(self.noisy[epochs], self.clean[epochs]) for epochs in self.clean], weights)


def slope_weights(x: Sequence[float]) -> list[float]:
    """What each ``y`` is multiplied by in the slope of least squares through ``y`` against ``x``."""
    mean = math.fsum(x) / len(x)
    power = math.fsum((one - mean) ** 2 for one in x)
    return [(one - mean) / power for one in x]


def train(lab: Laboratory, noise: str) -> Targets:
    """The networks of one noise: each number of epochs, both targets, all seeds."""
    epochs = (QUICK_EPOCHS if lab.quick else EPOCHS) if noise == "gaussian" else (1,)
    clean, noisy = {}, {}
    for number in epochs:
        seeds = SHORTEST_SEEDS if noise == "gaussian" and number == min(epochs) else SEEDS
        clean[number] = networks(lab, noise, CLEAN, f"training.epochs={number}", seeds=seeds)
        noisy[number] = networks(lab, noise, f"training.epochs={number}", seeds=seeds)
    return Targets(clean, noisy)


def findings(lab: Laboratory, gaussian: Targets) -> Findings:
    """Differences, shrinkage and losses, with a panel per noise."""
    targets = {"gaussian": gaussian, **{noise: train(lab, noise) for noise in NOISES if noise != "gaussian"}}
    numbers = {f"difference_db.{noise}": _measure(found, found.longest) for noise, found in targets.items()}
    numbers |= {f"difference_db.gaussian.{epochs}_epochs": _measure(gaussian, epochs) for epochs in gaussian.clean}
    numbers["shrinkage_db.gaussian"] = Measured.of(gaussian.shrinkage, "dB")
    gaps = losses.measure({noise: found.clean[found.longest] for noise, found in targets.items()})
    rows = [_row(noise, found, epochs) for noise, found in targets.items() for epochs in found.clean]
    head = ("noise", "steps", "clean targets / dB", "noisy targets / dB", "noisy - clean / dB [95 %]", "seeds")
    return Findings(
        numbers | gaps,
        (*(_panel(noise, found) for noise, found in targets.items()), _curve(gaussian)),
        (Table("Clean and noisy targets at equal steps, MNIST test images", head, tuple(rows)),),
        (*(_claim(noise, found) for noise, found in targets.items()), _shrinkage(gaussian)),
    )


def _measure(targets: Targets, epochs: int) -> Measured:
    return Measured.of(targets.difference(epochs), "dB")


def _row(noise: str, targets: Targets, epochs: int) -> tuple[object, ...]:
    clean, noisy = (sum(part.decibels) / len(part.decibels) for part in (targets.clean[epochs], targets.noisy[epochs]))
    found = targets.difference(epochs)
    span = f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
    return NOISES[noise], targets.clean[epochs].steps, f"{clean:.2f}", f"{noisy:.2f}", span, found.n


def describe_difference(noise: str, found: Interval, steps: int) -> str:
    """What may be claimed of noisy minus clean targets under one noise."""
    span = f"{found.mean:+.3f} dB [{found.low:+.3f}, {found.high:+.3f}] over {found.n} seeds"
    if not found.conclusive:
        return f"{noise}: no difference is claimed between noisy and clean targets ({span} contains zero)."
    way = "below" if found.mean < 0 else "above"
    within = max(-found.low, found.high) <= BOUND_DB
    reach = f"lies within {BOUND_DB} dB of zero" if within else f"reaches farther than {BOUND_DB} dB from zero"
    return f"{noise}: after {steps:,} steps noisy targets end {way} clean ones, {span}; the interval {reach}."


def shrinks(found: Interval, first: int, last: int) -> str:
    """Whether the cost of noisy targets is one of time."""
    span = f"{found.mean:+.3f} dB [{found.low:+.3f}, {found.high:+.3f}] for each doubling of the steps"
    if found.low > 0:
        return f"The cost of noisy targets shrinks from {first} to {last} epochs, by {span}: it is one of time."
    return f"Whether the cost of noisy targets shrinks from {first} to {last} epochs is not decided here: {span}."


def _claim(noise: str, targets: Targets) -> str:
    last = targets.longest
    return describe_difference(NOISES[noise], targets.difference(last), targets.clean[last].steps)


def _shrinkage(targets: Targets) -> str:
    return shrinks(targets.shrinkage, min(targets.clean), targets.longest)


def _panel(noise: str, targets: Targets) -> Picture:
    clean, noisy = targets.clean[targets.longest], targets.noisy[targets.longest]
    count = figures.COLUMNS
    rows = {
        "original": as_float(clean.pairs.clean.data[:count]),
        "corrupted": clean.pairs.corrupted[:count],
        "clean target": clean.restore_first(count),
        "noisy target": noisy.restore_first(count),
    }
    caption = (
        f"{NOISES[noise][0].upper()}{NOISES[noise][1:]}. Twelve test digits, their corrupted copies, and what two "
        "networks make of them: one has seen clean targets, the other nothing but corrupted digits."
    )
    return Picture(f"n2n-{noise}", caption, figures.png(figures.panel(rows)))


def _curve(targets: Targets) -> Picture:
    found = {targets.clean[epochs].steps: targets.difference(epochs) for epochs in targets.clean}
    drawn = figures.differences(found, "training steps", "noisy - clean targets / dB")
    caption = (
        "Gaussian noise: how far noisy targets stay behind clean ones after equally long trainings; the band is "
        "Student's 95 % interval over seeds."
    )
    return Picture("n2n-steps", caption, figures.png(drawn))
