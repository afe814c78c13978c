"""A fixed budget of captures: few digits with clean targets against many with noisy ones (their section 4.1, figure 1).

A capture is one exposure of one digit: one draw of the noise on it, made once and kept for ever. A clean target costs
as many captures as one would average for it.
"""

from daecore.study import Findings, Laboratory, Measured, Table

from .trained import Networks, difference, networks

AVERAGED = 19  # captures that a clean target stands for; the digit itself is used, which no average reaches
# Half of each.
QUICK = (("dataset.mnist.train=512", "training.epochs=10"), ("dataset.mnist.train=5120", "training.epochs=1"))


def findings(lab: Laboratory) -> Findings:
    """Both ways to spend the budget, at equal steps, each with its best epoch by its own validation loss."""
    few = networks(lab, "few-clean", quick=QUICK[0])
    many = networks(lab, "many-noisy", quick=QUICK[1])
    gain = difference(many, few)
    rows = (_row("few, with clean targets", few, 1 + AVERAGED), _row("many, with noisy targets", many, 2))
    head = ("digits", "how many", "captures of each", "captures in all", "steps", "dB")
    verdict = (
        f"many noisy pairs beat few clean ones by {gain.mean:.2f} dB [{gain.low:.2f}, {gain.high:.2f}]"
        if gain.low > 0
        else f"no gain of many noisy pairs is claimed ({gain.mean:+.2f} dB [{gain.low:+.2f}, {gain.high:+.2f}])"
    )
    note = (
        f"Captures: one exposure of one digit, its noise drawn once. A clean target is counted as {AVERAGED} captures, "
        "which an average of them would only approach; validation images, clean ones for clean targets, are not "
        f"counted. With equal captures and equal steps {verdict}, over {gain.n} seeds."
    )
    figure = {"capture_gain_db": Measured.of(gain, "dB")}
    return Findings(figure, (), (Table("A fixed budget of captures", head, rows),), (note,))


def _row(name: str, found: Networks, captures: int) -> tuple[object, ...]:
    count = len(found.splits.train)
    mean = sum(found.decibels) / len(found.decibels)
    return name, f"{count:,}", captures, f"{count * captures:,}", found.steps, f"{mean:.2f}"
