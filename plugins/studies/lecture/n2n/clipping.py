"""What goes wrong: targets whose noise was clipped to [0, 1] are not right on average, and black turns grey."""

import math

import torch

from daecore.data import as_float
from daecore.model import restore
from daecore.plots import figures
from daecore.stats import student
from daecore.study import Findings, Laboratory, Measured, Picture, Table

from .digits import Targets
from .trained import Networks, difference, networks

EPOCHS = 1


def findings(lab: Laboratory, gaussian: Targets) -> Findings:
    """Cost and brightness of clipped targets beside clean and noisy ones of the same inputs and steps."""
    clipped = networks(lab, "clipped", f"training.epochs={EPOCHS}")
    clean, noisy = (one[EPOCHS].first(len(clipped.trained)) for one in (gaussian.clean, gaussian.noisy))
    cost, unclipped = difference(clean, clipped), difference(clean, noisy)
    levels = {"clean": black_levels(clean), "noisy": black_levels(noisy), "clipped": black_levels(clipped)}
    expected = clipped_mean(0.0, clean.experiments[0].corruptions[0].options.sigma)  # type: ignore[attr-defined]
    numbers = {f"black_level.{name}": Measured.of(student(values)) for name, values in levels.items()}
    numbers |= {"clipped_cost_db": Measured.of(cost, "dB"), "black_level.expected": Measured(value=expected)}
    rows = tuple(
        (name, f"{sum(found.decibels) / len(found.decibels):.2f}", f"{numbers[f'black_level.{name}'].value:.3f}")
        for name, found in (("clean", clean), ("noisy", noisy), ("clipped", clipped))
    )
    verdict = "more than" if cost.low > unclipped.high else "not surely more than"
    note = (
        f"Clipped targets cost {cost.mean:.2f} dB [{cost.low:.2f}, {cost.high:.2f}], {verdict} unclipped ones at the "
        f"same steps ({unclipped.mean:.3f} dB [{unclipped.low:.3f}, {unclipped.high:.3f}]). Black pixels come out at "
        f"{numbers['black_level.clipped'].value:.3f} of full intensity; the mean of clipped noise on black is "
        f"{expected:.3f}. noise2noise refuses such targets unless allow_bias is set, as it is here."
    )
    head = ("targets", "dB", "black pixels come out at")
    table = Table(f"Gaussian noise after {clean.steps:,} steps: what clipping the targets does", head, rows)
    return Findings(numbers, (_panel(clean, noisy, clipped),), (table,), (note,))


def black_levels(networks: Networks) -> list[float]:
    """The mean restored value of black pixels, per seed."""
    black = networks.pairs.clean.data == 0
    return [restore(one.network, networks.pairs.corrupted)[black].mean().item() for one in networks.trained]


def clipped_mean(x: float, sigma: float) -> float:
    """``E[min(max(x + sigma n, 0), 1)]`` with ``n`` standard normal, in closed form.

    Between the bounds it is ``x (P(b) - P(a)) + sigma (p(a) - p(b))`` with ``a = -x / sigma``, ``b = (1 - x) / sigma``,
    the normal density ``p`` and distribution ``P``; above, ``1 - P(b)``.
    """
    low, high = -x / sigma, (1 - x) / sigma
    inside = x * (_distribution(high) - _distribution(low)) + sigma * (_density(low) - _density(high))
    return inside + 1 - _distribution(high)


def _density(z: float) -> float:
    return math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _distribution(z: float) -> float:
    return (1 + math.erf(z / math.sqrt(2))) / 2


def _panel(clean: Networks, noisy: Networks, clipped: Networks) -> Picture:
    count = figures.COLUMNS
    rows: dict[str, torch.Tensor] = {
        "original": as_float(clean.pairs.clean.data[:count]),
        "corrupted": clean.pairs.corrupted[:count],
        "clean target": clean.restore_first(count),
        "noisy target": noisy.restore_first(count),
        "clipped target": clipped.restore_first(count),
    }
    caption = (
        "Targets of the right mean and targets of another: with noise clipped to [0, 1] the network learns the clipped "
        "noise's mean, black turns grey and strokes dull."
    )
    return Picture("n2n-clipped", caption, figures.png(figures.panel(rows)))
