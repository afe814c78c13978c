"""The study of filters: what it says follows from what was measured, and its recipes differ in what they name."""

from functools import cache

import numpy as np
import pytest
import torch
from daecore_flows.store import recipes
from daecore_plugins.studies.lecture.filters.report import figures, growth, means, notes, table, verdict
from daecore_plugins.studies.lecture.filters.scores import NAMES, Sheet, Taught, best_of, difference, mean, noise
from daecore_plugins.studies.lecture.filters.study import MASKED, PHOTOGRAPHS, STUDY
from torch import nn

from daecore.analysis.gabor import Wave, gabor
from daecore.experiment.experiment import parse
from daecore.plots.figures import png
from daecore.plots.filter_sheets import filter_sheets, sheet, spreads
from daecore.rng import stream
from daecore.stats.intervals import Interval

SIDE = 12
DECAY = Taught("weight_decay-1", "weight decay 1", "weight_decay", "none")
GAUSS = Taught("gaussian-1", "Gaussian noise 1", "gaussian", "none")
STRONG = Taught("weight_decay-2", "weight decay 2", "weight_decay", "none")
WEAK = Taught("gaussian-0.1", "Gaussian noise 0.1", "gaussian", "none")


@cache  # scored once
def random(seed: int) -> Sheet:
    return Sheet(torch.randn((6, SIDE, SIDE), generator=stream(seed, "sheet")))


@cache
def waves() -> Sheet:
    """Six elongated waves in six directions."""
    angles = torch.arange(6, dtype=torch.float64) / 2
    values = [torch.full_like(angles, it) for it in (0.0, 0.0, 0.2, 0.5, 1.5)]
    return Sheet(gabor(Wave(*values[:2], angles, *values[2:]), SIDE)[0])


FLOOR = noise(6, SIDE)


def interval(low: float, high: float) -> Interval:
    return Interval(mean=(low + high) / 2, low=low, high=high, n=5)


def test_a_sheet_holds_the_rows_of_the_first_layer() -> None:
    layer = nn.Linear(9, 4)
    found = Sheet.of(nn.Sequential(nn.Flatten(), layer, nn.Sigmoid(), nn.Linear(4, 2)))
    assert torch.equal(found.filters[1], layer.weight[1].view(3, 3))


def test_waves_are_gabor_like_and_noise_is_not() -> None:
    assert waves().scores["gabor_like"].mean() == 1
    assert FLOOR.scores["gabor_like"].mean() == 0


def test_a_dead_unit_scores_nothing_however_pretty_its_direction_is() -> None:
    """Weight decay shrinks units to nothing, and what is left of them can look like anything."""
    dead = Sheet(waves().filters * 1e-3)
    assert all(values.tolist() == [0] * 6 for values in dead.scores.values())
    assert waves().scores["living"].tolist() == [1] * 6
    half = Sheet(torch.cat([waves().filters, dead.filters]))
    assert half.scores["living"].mean() == 0.5
    assert half.scores["r2"].mean() == pytest.approx(waves().scores["r2"].mean() / 2)


def test_the_seed_that_chose_does_not_score() -> None:
    """Student's over the means of the others; a first seed alone gives an interval over its filters."""
    found = mean([waves(), random(0), random(1), random(2)], "r2")
    assert (found.n, found.mean) == (3, pytest.approx(np.mean([random(it).scores["r2"].mean() for it in range(3)])))
    assert mean([random(0)], "r2").n == 6
    assert difference([waves(), random(0), random(1)], [random(0), random(0), random(1)], "r2").mean == 0
    assert difference([waves()], [random(0), waves(), waves()], "r2").n == 6


def test_the_first_seed_chooses_strengths_and_a_rival_for_each_score() -> None:
    """Of weight decay one may fit best and another be the most selective."""
    pixel = torch.zeros((6, SIDE, SIDE))
    pixel[:, 5, 5] = 1
    sheets = {DECAY.name: [Sheet(pixel)], STRONG.name: [random(0)], WEAK.name: [random(1)], GAUSS.name: [waves()]}
    best = best_of([STRONG, DECAY, WEAK, GAUSS], sheets)
    assert best.of == {"weight_decay": DECAY, "gaussian": GAUSS}
    assert best.ours is GAUSS
    assert best.rivals["r2"] is DECAY
    assert best.rivals["selectivity"] is STRONG
    assert best.rivals["gabor_like"] is DECAY  # none has a Gabor-like filter: the best fit counts
    assert {row.name for row in best.scored} >= {GAUSS.name, DECAY.name, STRONG.name}


def evaluated(decay: Sheet, gauss: Sheet, seeds: int) -> dict[str, list[Sheet]]:
    return {DECAY.name: [decay] * seeds, GAUSS.name: [gauss] * seeds}


def test_notes_say_who_is_better_whoever_it_is() -> None:
    """The same page with the two exchanged says the contrary."""
    for decay, gauss, said in ((random(0), waves(), "beats weight decay"), (waves(), random(0), "does not beat")):
        sheets = evaluated(decay, gauss, 6)
        assert said in next(notes(sheets, best_of([DECAY, GAUSS], sheets), FLOOR))


def test_one_seed_claims_nothing() -> None:
    sheets = evaluated(random(0), waves(), 1)
    best = best_of([DECAY, GAUSS], sheets)
    assert next(notes(sheets, best, FLOOR)).endswith("One seed: nothing is claimed.")
    found = dict(figures(sheets, best))
    assert found["r2.gaussian.over_weight_decay"].low > 0
    assert "r2.weight_decay.over_weight_decay" not in found


def test_the_leads_stand_first_among_the_figures() -> None:
    """MLflow's metrics are the first of them; the study has more means than fit."""
    sheets = evaluated(random(0), waves(), 1)
    names = [name for name, _ in figures(sheets, best_of([DECAY, GAUSS], sheets))]
    assert names[:3] == [f"{score}.gaussian.over_weight_decay" for score in NAMES]
    assert names[3:] == [name for name, _ in means(sheets)]


def test_a_verdict_needs_every_interval_to_leave_out_zero() -> None:
    up, down, both = interval(0.1, 0.3), interval(-0.3, -0.1), interval(-0.1, 0.3)
    fit, selective = "Gabor fit, R^2", "orientation selectivity"
    for one, other, said in (
        (up, up, "Denoising beats weight decay on every score."),
        (down, down, "does not beat weight decay: it is worse on every score."),
        (up, both, f"every score: it is better on {fit}; neither surely better nor worse on {selective}."),
        (down, up, f"every score: it is better on {selective}; worse on {fit}."),
        (both, both, f"every score: it is neither surely better nor worse on {fit} and {selective}."),
    ):
        assert verdict({"r2": one, "selectivity": other}).endswith(said)


def test_growth_says_which_way() -> None:
    said = growth({"none": [random(0)], "most": [waves()]}, "none", "most")
    assert "grain is coarser" in said
    assert "fewer pixels" in said
    assert "finer" in growth({"none": [waves()], "most": [random(0)]}, "none", "most")


def test_the_rows_of_photographs_differ_in_noise_penalty_and_rate_alone() -> None:
    """Same patches, network, steps and seed; the rate is each recipe's own."""
    rows = [parse(recipes.mapping(row.recipe, [*row.changes, "training.learning_rate=0.1"])) for row in PHOTOGRAPHS]
    alike = {"corruptions": (), "objective": rows[0].objective}
    assert all(row.model_copy(update=alike) == rows[0].model_copy(update=alike) for row in rows)
    decay = [row for row in rows if row.objective.name == "weight_decay"]
    assert len(decay) >= 3
    assert all(row.corruptions == () for row in decay)


def test_every_name_and_recipe_is_there_once() -> None:
    names = [row.name for row in (*PHOTOGRAPHS, *MASKED)]
    assert len(set(names)) == len(names)
    assert set(STUDY.recipes) <= set(recipes.recipes())


def test_a_sheet_s_picture_scales_each_filter_by_itself() -> None:
    """Each tile reaches black or white, its mean is grey, and a filter without variance is grey all over."""
    filters = torch.stack([torch.zeros(3, 3), 100 * torch.eye(3)])
    picture = sheet(filters, most=10)
    assert picture.shape == (3, 16 * 4 - 1)
    assert not picture[:, :3].any()
    assert picture[:, 4:7].mean() == pytest.approx(0, abs=1e-12)
    assert np.abs(picture[:, 4:7]).max() == 1


def test_sheets_and_spreads_are_drawn() -> None:
    charts = {"fit": {"one": np.arange(4.0), "two": np.ones(3)}, "other": {"one": np.zeros(4), "two": np.ones(3)}}
    for figure in (filter_sheets({"a": waves().filters, "b": random(0).filters}), spreads(charts, {"fit": {"x": 1.0}})):
        assert png(figure).startswith(b"\x89PNG")


def test_a_table_has_a_cell_for_each_column() -> None:
    made = table("title", {GAUSS.name: "Gaussian"}, {GAUSS.name: [random(0)]})
    assert [len(row) for row in made.rows] == [len(made.head)]
