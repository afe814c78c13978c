"""Further metrics of an evaluation: one value per sample, with intervals, or one sentence."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from daecore import define_metric, spec
from daecore.errors import InputError, NonFiniteError
from daecore.evaluation.further_metrics import measure, summarise
from daecore.experiment.experiment import parse
from daecore.experiment.feasibility import check
from daecore.plugin import definitions as defined

CLEAN = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(0))
CORRUPTED = CLEAN + 0.2
RESTORED = CLEAN + 0.1


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defined, "_definitions", {})
    monkeypatch.setattr(defined, "_sources", {})


def test_both_are_measured_and_more_gain_is_better() -> None:
    found = measure([spec("metric", "mae")], CORRUPTED, RESTORED, CLEAN)
    scores = {name: values.numpy() for name, values in found.items()}
    assert scores["metric.mae"] == pytest.approx(np.full(200, 0.1), abs=1e-6)
    assert scores["corrupted.metric.mae"] == pytest.approx(np.full(200, 0.2), abs=1e-6)
    score = summarise(spec("metric", "mae"), scores)
    assert not score.higher_is_better
    assert score.gain is not None
    assert score.gain.mean == pytest.approx(0.1, abs=1e-6)


def test_a_smaller_picture_is_enlarged_and_other_shapes_are_left_out() -> None:
    small = torch.nn.functional.avg_pool2d(CLEAN, 2)
    assert "corrupted.metric.mae" in measure([spec("metric", "mae")], small, RESTORED, CLEAN)
    points = torch.rand(5, 2)
    assert set(measure([spec("metric", "mae")], torch.rand(5, 3), points, points)) == {"metric.mae"}


def test_a_metric_of_this_program_has_options_and_a_direction() -> None:
    @define_metric(higher_is_better=True, unit="%")
    def close(restored: Tensor, clean: Tensor, within: float = 0.15) -> Tensor:
        return 100 * ((restored - clean).abs() < within).float().flatten(1).mean(1)

    for within, share in ((0.15, 100.0), (0.05, 0.0)):
        chosen = spec("metric", {"close": {"within": within}})
        scores = {name: values.numpy() for name, values in measure([chosen], CORRUPTED, RESTORED, CLEAN).items()}
        score = summarise(chosen, scores)
        assert (score.restored.mean, score.unit, score.higher_is_better) == (share, "%", True)


@pytest.mark.parametrize(
    ("gives", "error", "said"),
    [
        (lambda x: x.mean(), InputError, r"must give a float for each of 200 samples.*it gave torch.float32 \(\)"),
        (lambda x: 1.0, InputError, "it gave a float"),
        (lambda x: x.flatten(1).mean(1) > 0, InputError, "it gave torch.bool"),
        (lambda x: x.flatten(1).mean(1) / 0, NonFiniteError, "NaN or infinity for 200 of 200 samples"),
    ],
    ids=["one for all", "no tensor", "no float", "infinite"],
)
def test_what_is_no_metric_is_told_in_a_sentence(gives: Any, error: type[Exception], said: str) -> None:
    @define_metric
    def odd(restored: Tensor, clean: Tensor) -> Any:
        return gives(restored)

    with pytest.raises(error, match=said):
        measure([spec("metric", "odd")], CORRUPTED, RESTORED, CLEAN)


def test_an_experiment_with_metrics_is_another_one_and_none_changes_nothing() -> None:
    plain = {"dataset": {"digits": {}}, "architecture": {"conv": {"code": 8}}, "transfer": None}
    one = parse({**plain, "metrics": "gmsd"})
    assert [metric.name for metric in one.metrics] == ["gmsd"]
    assert one.digest != parse(plain).digest == parse({**plain, "metrics": []}).digest
    check(one)


def test_metrics_of_other_samples_and_of_one_name_are_refused() -> None:
    points = {"dataset": {"arc": {}}, "corruptions": {"gaussian_noise": {}}, "architecture": {"dense": {"code": 8}},
              "transfer": None}  # fmt: skip
    with pytest.raises(InputError, match="The metric gmsd compares images"):
        check(parse({**points, "metrics": "gmsd"}))
    with pytest.raises(InputError, match="The metric mae is named twice"):
        check(parse({**points, "metrics": [{"mae": {}}, {"mae": {}}]}))
