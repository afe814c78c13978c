import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from daecore import Corrupted, Corruptor, InputError, NonFiniteError, Samples, Splits
from daecore.evaluation.baselines import measure
from daecore.evaluation.denoising import DenoisingReport, draw_pairs, evaluate
from daecore.model.restore import restore


class Noisy(Corruptor):
    """Gaussian noise of deviation 0.2, so that no plugin is needed."""

    def __call__(self, clean, generator):
        return Corrupted(clean + 0.2 * torch.randn(clean.shape, generator=generator))


class Affine(nn.Module):
    """The linear baseline's own map, as a model."""

    def __init__(self, linear):
        super().__init__()
        self.linear = linear

    def forward(self, x):
        return self.linear(x, tuple(x.shape[1:]))


@pytest.fixture(scope="module")
def splits():
    images = torch.from_numpy(load_digits().images / 16 * 255).to(torch.uint8)[:, None]
    return Splits(
        Samples(images[:1000]), Samples(images[1000:1100]), (Samples(images[1100:1400]), Samples(images[1400:1500]))
    )


@pytest.fixture(scope="module")
def baselines(splits):
    return measure(splits, Noisy())


@pytest.fixture(scope="module")
def pairs(splits):
    return [draw_pairs(group, Noisy()) for group in splits.test]


def test_a_model_that_is_the_linear_baseline_gains_nothing_over_it(pairs, baselines):
    report = evaluate(Affine(baselines.linear), pairs, baselines).report
    assert report.restored_db == pytest.approx(report.baselines["linear"].db, abs=1e-4)
    assert report.gain_over_linear_db.mean == pytest.approx(0, abs=1e-4)
    assert report.gain_over_linear_db.n == 400
    over = report.gain_over_corrupted_db
    assert over.mean == pytest.approx(report.restored_db - report.corrupted_db, abs=1e-4)
    assert over.low > 0


def test_a_model_that_changes_nothing_loses_to_the_best_baseline(pairs, baselines):
    report = evaluate(nn.Identity(), pairs, baselines).report
    assert report.restored_db == report.corrupted_db == pytest.approx(baselines.mean_db("identity"), abs=1e-4)
    assert report.pooled_db < report.restored_db
    assert report.gain_db.high < 0
    assert report.images == 400
    assert report.gain_db.n == report.best_baseline.images == 300  # it is slow, and measured on a subset
    assert report.gain_over_corrupted_db.mean == report.gain_over_corrupted_db.high == 0


def test_the_report_is_small_json_and_the_scores_are_per_image(pairs, baselines):
    evaluation = evaluate(nn.Identity(), pairs, baselines)
    text = evaluation.report.model_dump_json()
    assert len(text) <= 8192
    assert DenoisingReport.model_validate_json(text) == evaluation.report
    assert set(evaluation.scores) == {"psnr_db", "ssim", "mse", "corrupted_db", "corrupted_mse", "index"}
    assert all(values.shape == (400,) for values in evaluation.scores.values())
    assert evaluation.digest == baselines.digest


def test_points_are_evaluated_by_squared_error():
    data = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    splits = Splits(Samples(data[:200]), Samples(data[200:250]), (Samples(data[250:]),))
    baselines = measure(splits, Noisy())
    report = evaluate(nn.Identity(), [draw_pairs(splits.test[0], Noisy())], baselines).report
    assert report.unit == "squared error"
    assert report.restored_db is report.gain_db is report.ssim is None
    assert report.gain_mse.mean == pytest.approx(report.best_baseline.mse - report.mse, abs=1e-6)
    assert report.gain_over_corrupted_mse.mean == pytest.approx(report.corrupted_mse - report.mse, abs=1e-6)


def test_a_value_that_is_not_finite_names_how_many_images(pairs, baselines):
    class Broken(nn.Module):
        def forward(self, x):
            return torch.where(torch.arange(len(x)).view(-1, 1, 1, 1) < 3, torch.nan, x)

    with pytest.raises(NonFiniteError, match="3 of 300"):
        evaluate(Broken(), pairs, baselines)


def test_other_pairs_than_the_baselines_had_are_refused(pairs, baselines):
    with pytest.raises(InputError, match="got 300 pairs that are not the ones the baselines were measured on"):
        evaluate(nn.Identity(), pairs[:1], baselines)


def test_restore_works_in_evaluation_mode_and_gives_the_mode_back():
    model = nn.Dropout(0.5).train()
    x = torch.rand(7, 1, 4, 4)
    assert torch.equal(restore(model, x, batch=3), x)
    assert model.training


def test_restore_in_bf16_is_near_float32_and_returns_float32():
    torch.manual_seed(0)
    model, x = nn.Conv2d(1, 1, 3, padding=1), torch.rand(4, 1, 8, 8)
    mixed = restore(model, x, precision="bf16")
    assert mixed.dtype == torch.float32
    assert np.allclose(mixed, restore(model, x), atol=0.02)
