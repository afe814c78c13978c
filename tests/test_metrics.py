import doctest

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from daecore import metrics
from daecore.rng import stream


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
