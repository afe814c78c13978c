"""How equal numbers are: bit by bit, by what rounding explains, or not."""

from typing import Any

import numpy as np
import pytest
import torch
from daecore_flows.verify.comparison import (
    TOLERANCE,
    compare_arrays,
    compare_figures,
    compare_weights,
    tolerance_of,
)
from daecore_flows.verify.record import worst

NEAR = TOLERANCE["float32"]
EQUAL, WITHIN, OTHER = "bit-equal", "equal within tolerance", "different"


def verdicts(kept: Any, now: Any) -> dict[str, str]:
    return {one.name: one.verdict for one in compare_figures(kept, now, "it", NEAR)}


@pytest.mark.parametrize(
    ("kept", "now", "verdict"),
    [
        (0.01, 0.01, EQUAL),
        (0.01, 0.01 * (1 + 5e-6), WITHIN),
        (0.01, 0.01 * (1 + 5e-5), OTHER),  # a squared error is compared by its value, however small
        (1000.0, 1000.005, WITHIN),
        (0.0, 1e-12, OTHER),
        (300, 301, OTHER),
        ("linear", "median", OTHER),
        (None, 0.5, OTHER),
    ],
)
def test_a_number_is_compared_by_its_value(kept: Any, now: Any, verdict: str) -> None:
    """Counts, names and what is not there are equal or not."""
    assert verdicts({"x": kept}, {"x": now}) == {"it.x": verdict}


def test_decibels_are_compared_by_what_a_squared_error_changes_them() -> None:
    """1e-5 of a squared error is 4.3e-5 dB, whether the PSNR is 20 dB or a gain is 0."""
    for name in ("restored_db", "db"):
        for value in (20.0, 0.0, -0.5):
            assert verdicts({name: value}, {name: value + 4e-5}) == {f"it.{name}": WITHIN}
            assert verdicts({name: value}, {name: value + 5e-5}) == {f"it.{name}": OTHER}
    assert verdicts({"db_held": 0.9}, {"db_held": 0.9 + 4e-5}) == {"it.db_held": OTHER}  # a share


def test_the_ends_of_an_interval_are_compared_by_the_largest_of_them() -> None:
    """A gain may be about zero, while what it is the mean of is not."""
    kept = {"gain_mse": {"mean": 1e-9, "low": -0.5, "high": 0.5}}
    now = {"gain_mse": {"mean": 2e-9, "low": -0.5 - 4e-6, "high": 0.5 + 6e-6}}
    assert verdicts(kept, now) == {"it.gain_mse.mean": WITHIN, "it.gain_mse.low": WITHIN, "it.gain_mse.high": OTHER}


def test_what_only_one_report_has_is_different() -> None:
    assert verdicts({"a": [1, 2]}, {"a": [1], "b": 0.5}) == {"it.a.0": EQUAL, "it.a.1": OTHER, "it.b": OTHER}


def test_scores_are_compared_one_by_one() -> None:
    """One that is off is found among many, and how many are; an infinite one that stays so is equal."""
    kept = {"psnr_db": np.array([20.0, np.inf, 30.0], np.float32), "mse": np.array([1.0, 1e-6, 1.0], np.float32)}
    now = {name: values.copy() for name, values in kept.items()}
    now["mse"][1] = 2e-6  # beside the mean of 0.67 this is rounding
    equal, within = compare_arrays(kept, now, "per_image", NEAR)
    assert (equal.verdict, within.verdict, within.remark) == (EQUAL, WITHIN, "1 of 3 differ")
    now["psnr_db"][2] += 0.01
    assert compare_arrays(kept, now, "per_image", NEAR)[0].verdict == OTHER
    now["psnr_db"] = now["psnr_db"][:2]
    assert compare_arrays(kept, now, "per_image", NEAR)[0].remark == "(3,) then, (2,) now"
    now["psnr_db"] = np.array([20.0, 1.0, 30.0], np.float32)
    assert compare_arrays(kept, now, "per_image", NEAR)[0].verdict == OTHER


def test_a_score_that_is_not_a_number_is_equal_to_nothing_but_its_own_bits() -> None:
    kept = {"mse": np.array([np.nan, 1.0])}
    assert compare_arrays(kept, {"mse": kept["mse"].copy()}, "it", NEAR)[0].verdict == EQUAL
    assert compare_arrays(kept, {"mse": np.array([0.5, 1.0])}, "it", NEAR)[0].verdict == OTHER


def test_weights_are_compared_by_their_relative_distance() -> None:
    kept = {"a": torch.ones(3, 4), "b": torch.zeros(2)}
    for step, verdict in ((5e-6, WITHIN), (5e-5, OTHER)):
        found = compare_weights("net", kept, {"a": kept["a"] * (1 + step), "b": kept["b"]}, ("x", "y"), NEAR)
        assert found.verdict == verdict
        assert found.difference == pytest.approx(step, rel=0.02)
    assert compare_weights("net", None, kept, ("x", "x"), NEAR).verdict == EQUAL  # gone, but their digest is kept
    assert compare_weights("net", None, kept, ("x", "y"), NEAR).verdict == OTHER
    assert compare_weights("net", {"a": torch.ones(2)}, kept, ("x", "y"), NEAR).verdict == OTHER


def test_the_coarser_precision_says_what_counts_as_equal() -> None:
    cpu, gpu = {"device": "cpu", "precision": "float32"}, {"device": "cuda", "precision": "float32"}
    assert tolerance_of(cpu, cpu) == TOLERANCE["float32"] < tolerance_of(gpu, cpu) == TOLERANCE["tf32"]
    assert tolerance_of(cpu, {"device": "cpu", "precision": "bf16"}) == TOLERANCE["bf16"]


def test_the_whole_is_as_equal_as_its_worst_part() -> None:
    assert worst([EQUAL, OTHER, WITHIN]) == OTHER
    assert worst([EQUAL, WITHIN]) == WITHIN
    assert worst([EQUAL]) == EQUAL
