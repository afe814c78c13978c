"""What it costs to look real: the numbers of the study perception."""

import math

import numpy as np
import pytest
import torch
from daecore_plugins.studies.lecture import SERIES
from daecore_plugins.studies.lecture.perception import digits, law, plane

from daecore.analysis import exact_flow_denoiser
from daecore.model import SamplingOptions, walk
from daecore.rng import stream
from daecore.study import find_study
from daecore.testing import SmallLaboratory, check_findings


def test_the_law_is_found_again() -> None:
    """Its curvature and an r^2 of 1 for estimators on it; half-way to a sample the law is off its own line."""
    perception = [2.0, 1.5, 1.0, 0.5, 0.0]
    found = law.fit_law(perception, [1 + 0.7 * (2 - p) ** 2 for p in perception])
    assert (found.curvature, found.r2) == pytest.approx((0.7, 1))
    assert found(np.zeros(1)) == pytest.approx(1 + 0.7 * 4)
    assert law.fit_law(perception, [1, 2, 1, 2, 1]).r2 < 0.5


def test_the_wasserstein_distance_is_that_of_sorted_points() -> None:
    """In one dimension the best assignment is that of the orders; of a shift it is the shift."""
    points, others = (torch.randn(50, 1, generator=stream(0, "points", k)) for k in range(2))
    found, partners = plane.wasserstein(points, others)
    assert found == pytest.approx(
        (points.sort(0).values - others.sort(0).values).square().mean().sqrt().item(), rel=1e-5
    )
    assert sorted(partners.tolist()) == list(range(50))
    plain = torch.randn(30, 2, generator=stream(0, "plain"))
    assert plane.wasserstein(plain, plain + torch.tensor([3.0, 4.0]))[0] == pytest.approx(5, rel=1e-5)


def test_points_are_drawn_evenly_and_each_as_often() -> None:
    """A draw of all points is all of them; of half, one from each pair of neighbours along the arc."""
    angle = torch.linspace(-3, 3, 100)
    data = torch.stack([angle.cos(), angle.sin()], 1)[torch.randperm(100, generator=stream(0, "order"))]
    drawn = plane.draw_evenly(data, 50, stream(0, "evenly"))
    place = torch.atan2(drawn[:, 1], drawn[:, 0]).add(3).mul(99 / 6).round().long()
    assert torch.equal(place // 2, torch.arange(50))
    assert len(set((place % 2).tolist())) == 2


def test_a_walk_that_begins_on_the_way_ends_where_the_whole_walk_does() -> None:
    """With the exact denoiser of points on an arc: from the very state that a walk from noise has at that time."""
    angle = 0.7 * torch.linspace(-math.pi, math.pi, 300)
    data = torch.stack([angle.cos(), angle.sin()], 1) / 2 + 0.5
    exact = exact_flow_denoiser(data, None, torch.zeros(40, 2))
    noise, begin = torch.randn(40, 2, generator=stream(0, "begin")), 0.4

    def network(_: torch.Tensor, state: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return exact(state, time)

    whole = walk(exact, noise, SamplingOptions(steps=400), bounded=True)
    state = noise
    for now in torch.linspace(0, begin, 401)[:-1]:  # straight steps as small as can be, up to the beginning
        state = state + begin / 400 / (1 - now) * (exact(state, now) - state)
    late = digits.draw_from(network, noise, state, begin, 400)
    assert (late - whole).norm(dim=1).median() < 0.01
    assert (noise - whole).norm(dim=1).median() > 0.5


def test_its_quick_form_finds_what_a_page_can_show(
    small_lecture: SmallLaboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first training to the last sentence, on a few tiny networks: finite figures, pictures, sentences."""
    monkeypatch.setattr(plane, "QUICK_POINTS", 60)
    study = find_study(SERIES, "perception")
    findings = study.run(small_lecture)
    check_findings(study, findings)
    assert {"distortion.digits.fewer-steps.2", "law_r2.digits.mean-to-sample"} <= findings.figures.keys()
    best = findings.figures["distortion.arc.mean-to-its-best-transport.1"]
    assert best.value < findings.figures["distortion.arc.mean-to-posterior-sample.1"].value
