"""The lecture's studies of restoration: their figures are the numbers of the networks and images they are made from."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from daecore_plugins.studies.lecture import SERIES, block, blur, codes, erasure, information, matrix, superres
from daecore_plugins.studies.lecture.strengths import report
from torch import Tensor, nn

from daecore.analysis.information import bound_nats
from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_pairs
from daecore.data.samples import Pairs, Samples, Splits, as_float
from daecore.evaluation.baselines import measure
from daecore.evaluation.denoising import evaluate
from daecore.experiment.experiment import parse, read
from daecore.experiment.feasibility import check
from daecore.model.autoencoder import Shapes, initialise
from daecore.plugin.spec import spec
from daecore.stats.claims import format_gain_db
from daecore.stats.intervals import Interval
from daecore.stats.metrics import psnr
from daecore.study import Study

RECIPES = SERIES.recipes()
STUDIES: tuple[Study, ...] = tuple(it.STUDY for it in (erasure, blur, block, matrix, superres, information))


@pytest.fixture(autouse=True)
def _one_thread():
    """Nets this small gain nothing from threads, and lose much on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def digits() -> Splits:
    """The 8x8 digits that come with scikit-learn."""
    chosen = spec("dataset", "digits")
    return chosen.extension.function(chosen.options, cache=Path("unused"))


def corruptor(value: object) -> Corruptor:
    return Corruptor([spec("corruption", value)])


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.id)
def test_every_recipe_of_a_study_fits_together(study: Study) -> None:
    """`dae run` reproduces it: the file is there, its parts fit, and no classifiers are trained."""
    for recipe in study.recipes:
        experiment = parse(read(RECIPES[recipe]))
        check(experiment)
        assert experiment.transfer is None


def test_the_strengths_are_the_lectures() -> None:
    """Half and nine tenths, two and four pixels, ten and sixteen; two datasets, two networks on the first."""
    found = [parse(read(RECIPES[name])) for study in STUDIES[:3] for name in study.recipes]
    names = ("p", "sigma", "size")
    values = [
        next(getattr(it.corruptions[0].options, n) for n in names if hasattr(it.corruptions[0].options, n))
        for it in found
    ]
    assert values == [value for value in (0.5, 0.9, 2, 4, 10, 16) for _ in range(3)]
    assert [(it.dataset.name, it.architecture.name) for it in found] == 6 * [
        ("mnist", "conv"),
        ("mnist", "unet"),
        ("fashion_mnist", "conv"),
    ]


class Brightened(nn.Module):
    """A network that multiplies."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


def small_matrix() -> tuple[matrix.Matrix, dict[str, Pairs]]:
    pairs = {"erasure": draw_pairs(digits().test[0], corruptor({"erasure": {"p": 0.5}}), 50)}
    pairs["dimmed"] = Pairs(pairs["erasure"].clean, as_float(pairs["erasure"].clean.data) / 2)
    networks = {
        matrix.NOTHING: nn.Identity(),
        "dimmed": Brightened(2),
        "erasure": Brightened(1),
        matrix.BLIND: Brightened(1.5),
    }
    return matrix.measure(networks, pairs), pairs


def test_the_matrix_has_a_row_per_network_and_a_column_per_corruption() -> None:
    """Each cell is the mean PSNR of that network on that corruption's pairs."""
    found, pairs = small_matrix()
    assert found.psnr_db.shape == (4, 2, 50)
    clean = as_float(pairs["erasure"].clean.data)
    expected = psnr(1.5 * pairs["erasure"].corrupted, clean).mean().item()
    assert found.means[3, 0] == pytest.approx(expected, rel=1e-5)
    assert found.of("dimmed", "dimmed").min() == 100  # the exact inverse: no error at all
    assert found.of("dimmed") == pytest.approx(found.psnr_db[1].mean(0))


def test_the_figures_of_the_matrix_hold_every_cell_and_row() -> None:
    """With intervals, paired where the blind network is compared with a specialist."""
    found, _ = small_matrix()
    figures = dict(matrix.figures(found))
    assert len(figures) == 4 * (2 + 1) + 2
    cell = figures["blind.on.dimmed_db"]
    assert cell.low < cell.value < cell.high
    assert cell.n == 50
    behind = found.of("dimmed", "dimmed").mean() - found.of("blind", "dimmed").mean()
    assert figures["blind.behind.dimmed_db"].value == pytest.approx(behind, rel=1e-5)


def few_digits() -> Splits:
    """So few that baselines are measured within a second."""
    train, validation, (test,) = digits().train, digits().validation, digits().test
    first = [torch.arange(count) for count in (300, 60, 40)]
    return Splits(train.select(first[0]), validation.select(first[1]), (test.select(first[2]),), 10)


def test_figures_of_two_strengths_are_those_of_the_better_network() -> None:
    """The better of the two on digits gives `best_db` and the gain over the best baseline; the table is sorted."""
    splits, erased = few_digits(), corruptor({"erasure": {"p": 0.5}})
    baselines, pairs = measure(splits, erased), [draw_pairs(splits.test[0], erased)]
    chosen = {"conv": {"conv": {"code": 8}}, "unet": "unet", "fashion": {"conv": {"code": 16}}}
    shapes = Shapes((1, 8, 8), (1, 8, 8))
    evaluated = {
        name: evaluate(initialise(spec("architecture", network), shapes, 0), pairs, baselines)
        for name, network in chosen.items()
    }
    found = report.OneStrength(
        "erasure-0.5",
        "erasure, p = 0.5",
        {name: item.report for name, item in evaluated.items()},
        {name: item.scores["psnr_db"] for name, item in evaluated.items()},
    )
    figures = dict(report.figures(found))
    best = max(float(evaluated[name].scores["psnr_db"].mean()) for name in ("conv", "unet"))
    assert figures["erasure-0.5.best_db"].value == pytest.approx(best, rel=1e-5)
    gain = best - baselines.mean_db(baselines.best.name)
    assert figures["erasure-0.5.gain_db"].value == pytest.approx(gain, abs=1e-4)
    assert figures["erasure-0.5.linear_db"].value == pytest.approx(baselines.mean_db("linear"))
    decibels = [float(row[1]) for row in report.table(found).rows]
    assert decibels == sorted(decibels, reverse=True)
    assert len(decibels) == len(baselines.baselines) + 2


def test_a_lead_within_its_interval_is_not_claimed() -> None:
    """The note says so."""
    assert format_gain_db(Interval(mean=0.1, low=-0.2, high=0.4, n=9)).endswith("contains zero")
    assert format_gain_db(Interval(mean=0.4, low=0.2, high=0.6, n=9)) == "+0.40 dB [+0.20, +0.60]"


def test_interpolations_are_evaluated_on_the_pairs_of_the_network() -> None:
    """Of a flat picture every interpolation is perfect; the lead over each is paired and told."""
    clean = Samples(torch.full((6, 1, 8, 8), 51, dtype=torch.uint8))
    scores = superres.interpolate_all(Pairs(clean, torch.full((6, 1, 4, 4), 0.2)))
    assert list(scores) == ["nearest", "bilinear", "bicubic", "lanczos"]
    assert all((values == 100).all() for values in scores.values())
    figures = dict(superres.figures({"upscaler": np.full(6, 23, dtype=np.float32), **scores}))
    assert figures["gain_over_lanczos_db"].value == pytest.approx(-77)
    assert figures["upscaler_db"].value == pytest.approx(23)


def test_the_identity_is_at_the_floor_and_moves_with_its_pixels() -> None:
    """It has no error: the floor's nats; noise moves it by its own variance."""
    found = information.measure(nn.Identity(), nn.Identity(), digits(), None)
    pixels = as_float(digits().test[0].data).flatten(1).double()
    assert found.bound.at_floor
    assert found.bound.nats.mean == bound_nats(0, 64)
    apart = 2 * (pixels - pixels.mean(0)).square().sum(1).mean()
    assert found.robustness.mean == pytest.approx((64 * 0.5**2 / apart).item(), rel=0.02)
    assert found.error_percent.high < 15  # linear on digits: a known easy case
    names = dict(codes.figures({(8, 0.25): found}, found))
    assert names["at_floor.identity"].value == 1
    assert not any(name.startswith("corrupted") for name in names)  # of noisy pixels it says less, at each sigma
    assert names["bound_nats.8.sigma0.25"].value == found.bound.nats.mean
