"""The study of objectives: its figures are what other code computes, and its recipes differ in what they say."""

import numpy as np
import pytest
from daecore_flows.store import recipes
from daecore_plugins.studies.lecture.objectives import STUDY, TINY, pool
from skimage.metrics import peak_signal_noise_ratio

from daecore.experiment.experiment import parse

CLEAN = parse(recipes.mapping("lecture/tiny-clean", []))


def test_pooled_decibels_are_those_of_one_large_picture() -> None:
    """As scikit-image measures all images laid side by side; the interval holds the value and is not empty."""
    generator = np.random.default_rng(0)
    clean = generator.random((50, 8, 8), dtype=np.float32)
    restored = clean + 0.1 * generator.random((50, 8, 8), dtype=np.float32)
    found = pool(np.square(restored - clean).mean((1, 2)))
    assert found.mean == pytest.approx(peak_signal_noise_ratio(clean, restored, data_range=1), abs=1e-4)
    assert found.low < found.mean < found.high


@pytest.mark.parametrize("row", [row for row in TINY if not row.control], ids=lambda row: row.name)
def test_the_tiny_rows_differ_in_their_objective_alone(row: object) -> None:
    """Same data, noise, network, training and seed: what a row gains or loses is its objective's doing."""
    experiment = parse(recipes.mapping(row.recipe, list(row.changes)))
    assert experiment.objective.name == row.name
    assert experiment.model_copy(update={"objective": CLEAN.objective}) == CLEAN


@pytest.mark.parametrize("row", [row for row in TINY if row.control], ids=lambda row: row.name)
def test_the_controls_see_no_noise(row: object) -> None:
    """They differ from the clean row in the missing corruption and in weight decay."""
    experiment = parse(recipes.mapping(row.recipe, list(row.changes)))
    assert experiment.corruptions == ()
    decay = experiment.training.weight_decay
    assert (decay > 0) == (row.name == "weight_decay")
    again = {"corruptions": CLEAN.corruptions, "training": experiment.training.model_copy(update={"weight_decay": 0.0})}
    assert experiment.model_copy(update=again) == CLEAN


def test_it_names_every_recipe_it_trains() -> None:
    assert set(STUDY.recipes) <= set(recipes.recipes())
