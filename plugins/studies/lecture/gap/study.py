"""[gap] The weakness of squared error where several originals are possible, and the lecture's answer to it."""

import math

import torch

from daecore import stream
from daecore.analysis import GaussianNoised, posterior
from daecore.study import Findings, Laboratory, Measured, Study, Table

from . import digits, points

DIGITS = {
    "erasure": "95 % of the pixels erased, then Gaussian noise",
    "block": "a square of 20 x 20 pixels hidden, then Gaussian noise",
}


def run(lab: Laboratory) -> Findings:
    """Points in the gap of an arc, then digits of which little is left."""
    gap = points.train(lab)
    figures = {"two_point_error": Measured(value=two_point_error()), **points.measure(gap)}
    pictures, notes = [points.drawing(gap)], [*_of_points(figures)]
    for name, words in DIGITS.items():
        found = digits.guesses(lab, name, words)
        figures |= digits.measure(found)
        pictures.append(digits.drawing(found))
        notes.append(_of_digits(name, words, figures, len(found.originals)))
    return Findings(figures=figures, pictures=tuple(pictures), tables=(_table(figures),), notes=tuple(notes))


def two_point_error() -> float:
    """How far the posterior mean is from the closed form of a prior of two points: ``a tanh(a . y / sigma^2)``.

    The largest absolute difference over points near and far, for the points a and -a, and several sigma.
    """
    a = torch.tensor([0.6, -0.8])
    y = torch.cat([scale * torch.randn(2000, 2, generator=stream(0, "gap", "two points")) for scale in (0.3, 3, 1e3)])
    worst = 0.0
    for sigma in (0.1, 0.5, 2.0):
        exact = (y.double() @ a.double() / sigma**2).tanh()[:, None] * a.double()
        found = posterior(y, torch.stack([a, -a]), GaussianNoised(sigma)).mean
        worst = max(worst, float((found - exact).abs().max()))
    return worst


def _of_points(found: dict[str, Measured]) -> tuple[str, ...]:
    twice, exact = found["twice"], found["twice_exact"]
    return (
        f"On the arc means within {points.NEAR:g} of a training point, three times the walk's last sigma: so end "
        f"{found['on_arc_share_sampled'].value:.1%} of the walks that start in the gap, and "
        f"{found['on_arc_share_mean'].value:.1%} of the network's reconstructions.",
        f"For points drawn from the data, then corrupted, the walks' squared error is {twice.value:.3f} times the "
        f"posterior mean's, that of originals drawn from the exact posterior {exact.value:.3f} times; a perfect "
        "sampler has twice the error of the mean.",
    )


def _of_digits(name: str, words: str, found: dict[str, Measured], originals: int) -> str:
    entropy, regret = found[f"entropy_{name}"], found[f"regret_{name}"]
    sign = (
        "above zero, as it has to be" if regret.low is not None and regret.low > 0
        else "below zero beyond its interval, which cannot be: the posterior or the likelihood is wrong"
        if regret.high is not None and regret.high < 0 else "not told from zero"
    )  # fmt: skip
    return (
        f"Digits, {words}: the posterior's entropy is {entropy.value:.2f} nats on average, as of "
        f"{math.exp(entropy.value):,.0f} equally possible images of {originals:,}; the network's excess squared error "
        f"over the exact mean is {regret.value:.2f} a picture on draws from the training images, {sign}."
    )


def _table(found: dict[str, Measured]) -> Table:
    words = {
        "mean": "exact posterior mean", "network": "network (one step)", "sampled": "walk with the networks",
        "exact": "drawn from the exact posterior",
    }  # fmt: skip
    best = found["squared_error_mean"].value
    rows = tuple(
        (label, f"{(error := found[f'squared_error_{name}']).value:.4f}", f"{error.low:.4f} to {error.high:.4f}",
         f"{error.value / best:.3f}")
        for name, label in words.items()
    )  # fmt: skip
    head = ("answer", "squared error", "95 % interval", "of the mean's")
    return Table(f"Arc with a gap, noise sigma {points.SIGMA:g}: draws from the data, corrupted", head, rows)


STUDY = Study(
    id="gap",
    title="Where the best answer is no answer",
    description=(
        "What a corrupted sample can have been is a distribution, and it may have several modes. The best answer in "
        "squared error is its mean, which can lie where no data are: in the gap between the ends of an arc, or in a "
        "blur of several digits. Diffusion processes answer with many small denoising steps, adding noise again in "
        "between, and end at one of the possible originals."
    ),
    recipes=("lecture/gap", "lecture/gap-erasure", "lecture/gap-block"),
    run=run,
)
