"""The gap in the plane: where averaging ends, and where walking ends.

Noise carries a point into the gap; both ends of the arc can have been its origin. The best answer in squared error is
their mean, where no data are. Small denoising steps with noise added again end at one of them.
"""

from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor

from daecore import stream
from daecore.analysis import (
    Denoiser,
    GaussianNoised,
    Level,
    Observation,
    draw_originals,
    exact_denoiser,
    langevin,
    last_state,
)
from daecore.plots import figures, plane
from daecore.stats import Interval, Ratio, bootstrap
from daecore.study import Laboratory, Measured, Picture

SIGMA = 0.5  # the noise of the recipe: points of the gap can have come from both ends
WALKED = (0.32, 0.2, 0.125, 0.08, 0.05)  # the walk's levels, from wide to narrow
NEAR = 3 * WALKED[-1]  # what counts as on the arc
STARTS, PRIOR, QUICK_PRIOR = 1_000, 20_000, 5_000
STEPS, WALKERS = 200, 150  # steps at each level; walkers that are drawn


@dataclass(frozen=True)
class Gap:
    """What is measured with.

    Attributes:
        data: ``(N, 2)``, the training points: the prior is uniform over them.
        denoiser: The network for noise of width `SIGMA`.
        levels: The networks that the walk uses.
        draws: How many draws from the prior the squared errors are measured on.
    """

    data: Tensor
    denoiser: Denoiser
    levels: tuple[Level, ...]
    draws: int = PRIOR


def train(lab: Laboratory) -> Gap:
    """A network for each noise level."""
    data = lab.splits(lab.experiment("lecture/gap")).train.data
    networks = {sigma: _network(lab, sigma) for sigma in (SIGMA, *WALKED)}
    levels = tuple(Level(sigma, networks[sigma]) for sigma in WALKED)
    return Gap(data, networks[SIGMA], levels, draws=QUICK_PRIOR if lab.quick else PRIOR)


def measure(gap: Gap) -> dict[str, Measured]:
    """Shares on the arc for starts in the gap; squared errors of means and samples for draws from the prior."""
    starts = starts_in_the_gap(STARTS)
    with torch.inference_mode():
        ends, means = walk_down(gap, starts, "gap"), gap.denoiser(starts)
    shares = {"on_arc_share_sampled": ends, "on_arc_share_mean": means}
    shares["on_arc_share_exact_mean"] = exact_denoiser(gap.data, SIGMA)(starts)
    found = {name: Measured.of(_share(_distance(points, gap.data) < NEAR, name)) for name, points in shares.items()}
    return {**found, **_errors(gap)}


def starts_in_the_gap(count: int) -> Tensor:
    """Points that are equally near to both ends of the arc, but for a hair's breadth: ``(count, 2)``."""
    generator = stream(0, "gap", "starts")
    across, along = 0.03 * torch.randn(count, generator=generator), 0.6 + 0.5 * torch.rand(count, generator=generator)
    return torch.stack([-along, across], 1)


def walk_down(gap: Gap, starts: Tensor, name: str) -> Tensor:
    """One sample of the posterior for each noisy point, by annealed Langevin with the networks."""
    observed = Observation(starts, SIGMA)
    generator = stream(0, "gap", "walk", name)
    return last_state(langevin(starts, gap.levels, generator=generator, steps=STEPS, observed=observed))


def drawing(gap: Gap) -> Picture:
    """Arrows of the network, of the exact posterior mean, and walks from the middle of the gap."""
    x = plane.grid((-1.35, -0.9), (-0.6, 0.9), 0.15)
    figure = Figure(figsize=(12.6, 5.4), dpi=120, layout="constrained", facecolor="white")
    left, middle, right = figure.subplots(1, 3, sharex=True, sharey=True)
    shown = gap.data[:700]
    with torch.inference_mode():
        plane.draw_moves(left, plane.Moves(x, gap.denoiser(x)), shown)
        plane.draw_moves(middle, plane.Moves(x, exact_denoiser(gap.data, SIGMA)(x)), shown)
        plane.walks(right, _stages(gap), shown)
    left.set_title(f"the network, sigma = {SIGMA:g}", fontsize=11)
    middle.set_title("the exact posterior mean", fontsize=11)
    right.set_title("walks: small steps, noise added again", fontsize=11)
    left.set(xlim=(-1.5, 0.45), ylim=(-1.25, 1.25))
    caption = (
        "The gap in the arc. Points in it (start of the arrows) can have come from above or below; the network and the "
        "exact posterior mean move those in the middle to where no data are (orange). Right, "
        f"{WALKERS} walks from the cross, from pale to dark as the noise that is added again gets narrower: each ends "
        "at one possible original. The lines follow six of them."
    )
    return Picture("gap", caption, figures.png(figure))


def _network(lab: Laboratory, sigma: float) -> Denoiser:
    change = f"corruptions.0.gaussian_noise.sigma={sigma}"
    return lab.train(lab.experiment("lecture/gap", change, quick=["training.epochs=15"])).network


def _errors(gap: Gap) -> dict[str, Measured]:
    """Squared errors for points drawn from the prior and corrupted."""
    clean = gap.data[torch.randint(len(gap.data), (gap.draws,), generator=stream(0, "gap", "prior"))]
    noisy = clean + SIGMA * torch.randn(clean.shape, generator=stream(0, "gap", "noise"))
    drawn = draw_originals(noisy, gap.data, GaussianNoised(SIGMA), generator=stream(0, "gap", "exact"))
    with torch.inference_mode():
        restored = {"network": gap.denoiser(noisy), "sampled": walk_down(gap, noisy, "prior")}
    restored |= {"mean": exact_denoiser(gap.data, SIGMA)(noisy), "exact": gap.data[drawn]}
    error = {name: (points - clean).square().sum(1) for name, points in restored.items()}
    means = {
        f"squared_error_{name}": bootstrap(values, generator=stream(0, "gap", name)) for name, values in error.items()
    }
    sampled, exact = (Ratio(error[name], error["mean"]) for name in ("sampled", "exact"))
    ratios = {"twice": sampled.interval(stream(0, "gap", "twice"))}
    ratios["twice_exact"] = exact.interval(stream(0, "gap", "twice_exact"))
    return {name: Measured.of(interval) for name, interval in {**ratios, **means}.items()}


def _stages(gap: Gap) -> dict[str, Tensor]:
    """Walkers from the middle of the gap: at the start, after each level, and denoised at the end."""
    starts = torch.tensor([[-0.85, 0.0]]).repeat(WALKERS, 1)
    observed = Observation(starts, SIGMA)
    walk = langevin(starts, gap.levels, generator=stream(0, "gap", "picture"), steps=STEPS, observed=observed)
    states = list(walk)
    after = {f"after sigma {sigma:g}": states[STEPS * position - 1] for position, sigma in enumerate(WALKED, start=1)}
    return {"start": starts, **after, "denoised": states[-1]}


def _distance(points: Tensor, data: Tensor) -> Tensor:
    """To the nearest data point, ``(K,)``."""
    return torch.cdist(points, data).amin(1)


def _share(hits: Tensor, name: str) -> Interval:
    return bootstrap(hits.double(), generator=stream(0, "gap", name))
