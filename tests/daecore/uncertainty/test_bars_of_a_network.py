"""Error bars of a network, on small pictures: learned or by the derivative, calibrated, measured, in tiles."""

import pytest
import torch
from torch import Tensor, nn

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import draw_pairs
from daecore.data.samples import Pairs, Samples, as_uint8
from daecore.errors import InputError
from daecore.model.restorer import Restorer
from daecore.plugin.spec import spec
from daecore.testing.drawing import pictures
from daecore.uncertainty.error_bars import ErrorBars, choose_estimator, fit_error_bars
from daecore.uncertainty.estimator import DerivativeEstimator, LearnedEstimator
from daecore.uncertainty.picture_bars import bound_picture
from daecore.uncertainty.report import measure_error_bars

SHAPE = (1, 8, 8)


class _Smoothing(nn.Module):
    """A denoiser that nobody trained: the mean of three by three."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def samples(count: int, start: int) -> Samples:
    return Samples(as_uint8(pictures(SHAPE, 2000)[start : start + count]))


@pytest.fixture(scope="module", params=["erasure", "gaussian_noise", "downscale"])
def bounded(request: pytest.FixtureRequest) -> tuple[nn.Module, ErrorBars, Pairs, bool]:
    corruptor = Corruptor([spec("corruption", request.param)])
    model = _Smoothing() if request.param != "downscale" else nn.Sequential(nn.Upsample(scale_factor=2), _Smoothing())
    estimator = choose_estimator(
        model.eval(), corruptor, samples(400, 0), level=0.9, examples=1600, seed=0, precision="float32"
    )
    bars = fit_error_bars(model, estimator, draw_pairs(samples(400, 400), corruptor), 0.9)
    return model, bars, draw_pairs(samples(1200, 800), corruptor), request.param == "gaussian_noise"


def test_gaussian_noise_needs_no_teaching(bounded: tuple[nn.Module, ErrorBars, Pairs, bool]) -> None:
    """Everything else does."""
    _, bars, _, gaussian = bounded
    assert isinstance(bars.estimator, DerivativeEstimator if gaussian else LearnedEstimator)


def test_the_promise_is_kept_on_unseen_pictures(bounded: tuple[nn.Module, ErrorBars, Pairs, bool]) -> None:
    """Of uncertain values, and of PSNR; by a denoiser that is not the best one."""
    model, bars, unseen, _ = bounded
    report = measure_error_bars(model, bars, unseen)
    assert report.coverage is not None
    assert report.coverage.mean == pytest.approx(0.9, abs=0.025)
    assert report.db_held.mean == pytest.approx(0.95, abs=0.035)
    assert [group.number for group in report.quintiles] == [1, 2, 3, 4, 5]
    widths = [group.width for group in report.quintiles]
    assert widths == sorted(widths)


def test_bounds_of_a_picture_in_tiles_hold_its_restoration(bounded: tuple[nn.Module, ErrorBars, Pairs, bool]) -> None:
    """In colour too, and of another size than those of the calibration."""
    model, bars, unseen, _ = bounded
    scale = 8 // unseen.corrupted.shape[-1]
    restorer = Restorer(model, tuple(unseen.corrupted.shape[1:]), scale, any_size=True, side=8)
    image = torch.rand(3, 17, 21, generator=torch.Generator().manual_seed(0))
    restored = restorer(image)
    found = bound_picture(restorer, bars, image, restored)
    assert found.lower.shape == found.upper.shape == restored.shape
    assert (found.lower <= restored.clamp(0, 1)).all()
    assert (found.upper >= restored.clamp(0, 1)).all()
    assert found.width.mean() > 0.01
    assert 0 < found.promised_db < 40


def test_teaching_leaves_the_network_and_the_global_stream_as_they_were() -> None:
    """Twice it gives the same error network."""
    corruptor, model = Corruptor([spec("corruption", "erasure")]), _Smoothing()
    before, state = model.gain.item(), torch.random.get_rng_state()
    networks = [
        choose_estimator(model, corruptor, samples(100, 0), level=0.9, examples=100, seed=0, precision="float32")
        for _ in range(2)
    ]
    assert model.gain.item() == before
    assert torch.equal(torch.random.get_rng_state(), state)
    weights = [it.network.state_dict() for it in networks if isinstance(it, LearnedEstimator)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_points_are_refused_in_a_paragraph() -> None:
    with pytest.raises(InputError, match=r"Error bars are for pictures.* these samples have shape"):
        choose_estimator(
            nn.Linear(2, 2), Corruptor([]), Samples(torch.zeros(3, 2)), level=0.9, examples=1, seed=0,
            precision="float32",
        )  # fmt: skip
