"""The answer in the plane: samples of one network beside draws from the exact posterior, and beside walks.

All are asked about the same noisy points, whose originals are drawn from the training points.
"""

from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor

from daecore import Sampler, stream
from daecore.analysis import GaussianNoised, draw_originals, exact_denoiser
from daecore.evaluation import SamplingReport, measure_consistency
from daecore.model import SamplingOptions, draw_samples, restore
from daecore.plots import bare, png
from daecore.study import Laboratory, Picture

from ..gap import points as gap

RECIPE = "lecture/answer-arc"
ASKED, QUICK_ASKED, DRAWS = 2_000, 500, 8
WALKERS = 300  # that are drawn, from the middle of the gap


@dataclass(frozen=True)
class Points:
    """What was drawn in the plane.

    Attributes:
        reports: The measures, of the network's samples and of exact draws.
        picture: Both, and walks, from one point in the middle of the gap.
    """

    reports: dict[str, SamplingReport]
    picture: Picture


def draw(lab: Laboratory) -> Points:
    """Train one network, draw with it, and measure the draws beside exact ones."""
    experiment = lab.experiment(RECIPE, quick=["training.epochs=40"])
    network, data = lab.train(experiment).network, lab.splits(experiment).train.data
    if not isinstance(network, Sampler):
        raise TypeError(f"{RECIPE} trains a network that cannot draw")
    clean, noisy = _ask(data, QUICK_ASKED if lab.quick else ASKED)
    mean = exact_denoiser(data, gap.SIGMA)(noisy)
    drawn = {
        "network": draw_samples(network, noisy, DRAWS, SamplingOptions(), shape=(2,)),
        "exact": _exact(data, noisy, DRAWS),
    }
    means = {"network": restore(network, noisy), "exact": mean}
    reports = {name: measure_consistency(clean, drawn[name], means[name]) for name in drawn}
    return Points(reports, _picture(lab, network, data))


def _ask(data: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Points drawn from the data, and the same with noise."""
    clean = data[torch.randint(len(data), (count,), generator=stream(0, "answer", "points"))]
    return clean, clean + gap.SIGMA * torch.randn(clean.shape, generator=stream(0, "answer", "noise"))


def _exact(data: Tensor, noisy: Tensor, draws: int) -> Tensor:
    """Draws from the exact posterior, ``(draws, N, 2)``."""
    likelihood, generator = GaussianNoised(gap.SIGMA), stream(0, "answer", "exact")
    return torch.stack([data[draw_originals(noisy, data, likelihood, generator=generator)] for _ in range(draws)])


def _picture(lab: Laboratory, network: Sampler, data: Tensor) -> Picture:
    """Where one point in the middle of the gap may have come from: three answers."""
    start = torch.tensor([[-0.85, 0.0]]).repeat(WALKERS, 1)
    walked = gap.train(lab)
    with torch.inference_mode():
        answers = {
            "drawn by one network": draw_samples(network, start, 1, SamplingOptions(), shape=(2,))[0],
            "drawn from the exact posterior": _exact(data, start, 1)[0],
            "walks with six networks": gap.walk_down(walked, start, "answer"),
        }
    figure = Figure(figsize=(12.6, 5.2), dpi=120, layout="constrained", facecolor="white")
    for axis, (title, ends) in zip(figure.subplots(1, 3, sharex=True, sharey=True), answers.items(), strict=True):
        bare(axis)
        axis.scatter(*data[:700].T, s=4, color="#cccccc")
        axis.scatter(*ends.T, s=6, color="#1f6fb2")
        axis.scatter(*start[:1].T, marker="x", s=60, color="#d95f02")
        axis.set_title(title, fontsize=11)
        axis.set(xlim=(-1.15, 1.15), ylim=(-1.25, 1.25))
    caption = (
        f"A noisy point in the middle of the gap (cross) and {WALKERS} answers to where it came from: by one network "
        "that was taught to draw, by draws from the exact posterior, and by walks with a network for each noise level."
    )
    return Picture("answer-arc", caption, png(figure))
