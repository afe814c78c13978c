import doctest

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from daecore.errors import InputError
from daecore.rng import stream
from daecore.stats import metrics


@pytest.fixture
def images():
    """Two unlike batches, the estimate leaving [0, 1]."""
    generator = stream(0, "images")
    clean = torch.rand(4, 3, 24, 20, generator=generator)
    return clean + 0.2 * torch.randn(clean.shape, generator=generator), clean


def test_the_examples_in_the_docstrings_are_true():
    result = doctest.testmod(metrics)
    assert result.attempted >= 9
    assert result.failed == 0


def test_psnr_is_that_of_scikit_image(images):
    estimate, clean = images
    theirs = [
        peak_signal_noise_ratio(c.numpy(), e.clamp(0, 1).numpy(), data_range=1)
        for e, c in zip(estimate, clean, strict=True)
    ]
    assert metrics.psnr(estimate, clean).tolist() == pytest.approx(theirs, abs=1e-4)


def test_ssim_is_that_of_scikit_image(images):
    estimate, clean = images
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    theirs = [
        structural_similarity(c.numpy(), e.clamp(0, 1).numpy(), channel_axis=0, **options)
        for e, c in zip(estimate, clean, strict=True)
    ]
    assert metrics.ssim(estimate, clean).tolist() == pytest.approx(theirs, abs=1e-4)


def test_ssim_is_that_of_torchmetrics_where_the_window_fits(images):
    """The other library averages over mirrored borders too; without them the maps agree."""
    estimate, clean = images
    _, maps = structural_similarity_index_measure(
        estimate.clamp(0, 1), clean, data_range=1.0, reduction="none", return_full_image=True
    )
    theirs = maps[..., 5:-5, 5:-5].mean((1, 2, 3))
    assert metrics.ssim(estimate, clean).tolist() == pytest.approx(theirs.tolist(), abs=1e-4)


@pytest.mark.parametrize("side", [1, 2, 8, 10])
def test_ssim_takes_images_smaller_than_its_window(side):
    image = torch.rand(2, 1, side, side + 3)
    assert metrics.ssim(image, image).tolist() == pytest.approx([1, 1])


def test_pooled_psnr_is_never_above_the_mean_of_the_images(images):
    estimate, clean = images
    mse = metrics.image_mse(estimate * torch.tensor([1.0, 0.9, 0.5, 0.1]).view(-1, 1, 1, 1), clean)
    assert metrics.pooled_psnr(mse) < metrics.decibel(mse).mean()


def test_a_perfect_image_has_a_hundred_decibels():
    image = torch.rand(1, 1, 12, 12)
    assert metrics.psnr(image, image).item() == 100


ONES = torch.ones(2, 3, 8, 8)


@pytest.mark.parametrize("measure", [metrics.psnr, metrics.ssim])
@pytest.mark.parametrize(
    ("estimate", "clean", "message"),
    [
        (250 * ONES, 255 * ONES, "values from 255 to 255"),
        (ONES, (255 * ONES).byte(), r"`clean` is torch.uint8 \(2, 3, 8, 8\)"),
        ((255 * ONES).byte(), ONES, "`estimate` is torch.uint8"),
        (ONES, ONES[:, :1], r"\(2, 3, 8, 8\) and \(2, 1, 8, 8\)"),
        (ONES[0], ONES[0], r"\(3, 8, 8\)"),
        (ONES, ONES.numpy(), "`clean` is ndarray"),
        (ONES, -0.1 * ONES, "values from -0.1"),
    ],
    ids=["0 to 255", "uint8 truth", "uint8 estimate", "colour against grey", "one image", "numpy", "below zero"],
)
def test_what_would_give_a_number_that_means_nothing_is_refused(measure, estimate, clean, message):
    """-43 dB, 5.3 dB and 9.2 dB by broadcasting, before."""
    with pytest.raises(InputError, match=message):
        measure(estimate, clean)


def test_what_leaves_the_range_by_a_rounding_is_compared():
    assert metrics.psnr(ONES, ONES + 1e-4).min() > 70
    assert metrics.psnr(3 * ONES, ONES).min() == 100  # the estimate is clipped


def test_what_has_other_shapes_is_not_compared() -> None:
    """Neither errors nor labels are repeated along one another; NaN among the clean values is no picture."""
    with pytest.raises(InputError, match=r"shapes \(2, 1, 4, 4\) and \(2, 3, 4, 4\)"):
        metrics.squared_error(torch.rand(2, 1, 4, 4), torch.rand(2, 3, 4, 4))
    with pytest.raises(InputError, match=r"got logits \(4, 3\) and labels \(4, 1\)"):
        metrics.error_percent(torch.rand(4, 3), torch.zeros(4, 1, dtype=torch.int64))
    with pytest.raises(InputError, match="values from nan to nan"):
        metrics.psnr(torch.rand(2, 1, 4, 4), torch.full((2, 1, 4, 4), torch.nan))
    assert len(metrics.psnr(torch.rand(0, 1, 4, 4), torch.rand(0, 1, 4, 4))) == 0
