"""Calibration: the promise holds on unseen pictures whatever the scores, and is refused where pictures are too few."""

import math

import pytest
import torch
from torch import Tensor

from daecore.errors import InputError
from daecore.rng import stream
from daecore.uncertainty.calibration import (
    fit_constant,
    fit_thresholds,
    require_count,
)
from daecore.uncertainty.psnr_promise import fit_decibels
from daecore.uncertainty.thresholds import Scored

LEVEL = 0.9


def scored(count: int, seed: int, values: int = 50) -> Scored:
    """Scores whose scale grows with the width, and that are worse in some pictures than in others."""
    generator = stream(seed, "test", "scored")
    width = torch.rand(count, values, generator=generator)
    hard = 0.5 + torch.rand(count, 1, generator=generator)
    score = torch.randn(count, values, generator=generator).abs() * (0.2 + width**2) * hard
    return Scored(score, width, torch.rand(count, values, generator=generator) < 0.6)


def coverage(thresholds, unseen: Scored) -> tuple[float, list[float]]:
    """Of all uncertain values, and by fifths of the width."""
    inside = unseen.score <= thresholds(unseen.width, unseen.uncertain)
    fifths = [(unseen.width >= i / 5) & (unseen.width < (i + 1) / 5) & unseen.uncertain for i in range(5)]
    return inside[unseen.uncertain].double().mean().item(), [inside[it].double().mean().item() for it in fifths]


def test_the_promise_holds_on_the_average_over_calibrations() -> None:
    """And hardly more than that: the last term is at most one picture's."""
    unseen = scored(3000, -1)
    found = [coverage(fit_thresholds(scored(200, seed), LEVEL), unseen)[0] for seed in range(20)]
    mean = sum(found) / len(found)
    assert mean >= LEVEL - 0.004
    assert mean <= LEVEL + 0.03


def test_the_promise_holds_at_every_width_though_scores_grow_with_it() -> None:
    """One threshold for all would cover every narrow value and too few of the wide ones."""
    _, fifths = coverage(fit_thresholds(scored(4000, 0), LEVEL), scored(4000, 1))
    assert all(0.87 < share < 0.93 for share in fifths)


@pytest.mark.parametrize(("level", "count"), [(0.9, 60), (0.95, 120)])
def test_the_promise_holds_where_pictures_and_not_pixels_are_hard(level: float, count: int) -> None:
    """Width and score belong to the picture, so that the largest scores of one half are often not enough."""

    def alike(pictures: int, seed: int) -> Scored:
        generator = stream(seed, "test", "alike")
        width = torch.rand(pictures, 1, generator=generator).expand(-1, 30)
        score = torch.rand(pictures, 1, generator=generator).expand(-1, 30)
        return Scored(score, width, torch.ones(pictures, 30, dtype=torch.bool))

    unseen = alike(3000, -1)
    found = [coverage(fit_thresholds(alike(count, seed), level), unseen)[0] for seed in range(40)]
    assert sum(found) / len(found) >= level - 0.004


def test_thresholds_grow_with_the_level() -> None:
    known, unseen = scored(400, 0), scored(1000, 1)
    shares = [coverage(fit_thresholds(known, level), unseen)[0] for level in (0.5, 0.8, 0.9, 0.95)]
    assert shares == sorted(shares)
    assert shares == pytest.approx([0.5, 0.8, 0.9, 0.95], abs=0.03)


@pytest.mark.parametrize(("level", "least"), [(0.5, 19), (0.9, 19), (0.95, 38), (0.99, 198)])
def test_too_few_pictures_are_refused_before_anything_is_trained(level: float, least: int) -> None:
    """One less than the very least; that many go on."""
    require_count(least, level)
    with pytest.raises(
        InputError, match=f"need at least {least} validation pictures, and this dataset has {least - 1}"
    ):
        require_count(least - 1, level)


def test_too_few_uncertain_values_are_refused_with_the_number_of_pictures_that_is_needed() -> None:
    known = scored(20, 0)
    few = Scored(known.score, known.width, torch.rand(known.score.shape, generator=stream(0, "few")) < 0.1)
    with pytest.raises(InputError, match=r"need about \d+ validation pictures, and there are 20"):
        fit_thresholds(few, LEVEL)
    none = Scored(known.score, known.width, torch.zeros_like(known.uncertain))
    with pytest.raises(InputError, match="No value of the 20 validation pictures is uncertain"):
        fit_thresholds(none, LEVEL)


def test_one_width_for_all_keeps_the_same_promise() -> None:
    known, unseen = scored(2000, 0), scored(2000, 1)
    half = fit_constant(known.score, known.uncertain, LEVEL)
    share = (unseen.score <= half)[unseen.uncertain].double().mean().item()
    assert share == pytest.approx(LEVEL, abs=0.01)


def psnrs(count: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = stream(seed, "test", "psnr")
    predicted = 20 + 3 * torch.randn(count, generator=generator)
    return predicted + torch.randn(count, generator=generator).exp(), predicted


def test_a_picture_has_the_psnr_promised_to_it_in_19_of_20_cases() -> None:
    """On the average over calibrations; exactly k / (n + 1) are below with n pictures."""
    measured, predicted = psnrs(20000, -1)
    held = [(measured >= predicted + fit_decibels(*psnrs(59, seed))).double().mean().item() for seed in range(200)]
    assert sum(held) / len(held) == pytest.approx(1 - 3 / 60, abs=0.005)


def test_eighteen_pictures_promise_no_psnr() -> None:
    with pytest.raises(InputError, match="needs 19 validation pictures, and there are 18"):
        fit_decibels(*psnrs(18, 0))
    assert math.isfinite(fit_decibels(*psnrs(19, 0)))
