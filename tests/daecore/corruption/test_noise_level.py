"""Noise estimated from pictures: known noise is found again, changes are told, strengths are matched or refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.restoration import estimate_sigma
from torch import Tensor

from daecore.corruption.noise_level import (
    NoiseEstimate,
    describe_drift,
    estimate_noise,
    expected_noise,
    matched_strength,
    strength_of,
    with_strength,
)
from daecore.data.samples import as_float
from daecore.errors import InputError
from daecore.plugin.spec import spec
from daecore.rng import stream


def smooth(images: int = 32, size: int = 64) -> Tensor:
    """Slow waves around mid-grey, float32 ``(N, 1, size, size)`` in ``[0.3, 0.7]``."""
    line = torch.linspace(0, 3, size)
    phase = torch.linspace(0, 6, images)[:, None, None]
    return (0.5 + 0.2 * torch.sin(phase + line[:, None] + 0.5 * line))[:, None]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tensor, Tensor]:
    """Real pictures: 200 to search a strength with, 300 others that come in."""
    data = spec("dataset", "digits")
    splits = data.extension.function(data.options, cache=Path(tmp_path_factory.mktemp("data")))
    return as_float(splits.validation.data), as_float(splits.test[0].data)


def noisy(clean: Tensor, sigma: float) -> Tensor:
    return clean + sigma * torch.randn(clean.shape, generator=stream(1, "test", "noise"))


@pytest.mark.parametrize("sigma", [0.02, 0.05, 0.1, 0.3])
def test_a_known_sigma_is_found_on_smooth_pictures(sigma: float) -> None:
    """Within 3 %, whether or not the values leave [0, 1]."""
    assert estimate_noise(noisy(smooth(), sigma)).sigma == pytest.approx(sigma, rel=0.03)


def test_one_picture_gets_what_scikit_image_says(digits: tuple[Tensor, Tensor]) -> None:
    """The same estimator, against somebody else's code."""
    for picture in (noisy(smooth(1), 0.1), noisy(digits[0][:1], 0.2)):
        assert estimate_noise(picture).sigma == pytest.approx(estimate_sigma(picture[0, 0].numpy()), rel=1e-4)


def test_more_noise_is_a_larger_sigma(digits: tuple[Tensor, Tensor]) -> None:
    """Strictly, on real pictures clipped and rounded as files are."""
    specs = [spec("corruption", {"gaussian_noise": {"sigma": sigma}}) for sigma in np.linspace(0.05, 1, 10).tolist()]
    found = [expected_noise([item], digits[0]).sigma for item in specs]
    assert found == sorted(set(found))


def test_flat_pictures_have_neither_noise_nor_holes() -> None:
    """Dark or bright: a dark background is not missing."""
    for value in (0.0, 1.0):
        assert estimate_noise(torch.full((3, 3, 8, 8), value)) == NoiseEstimate(sigma=0, missing=0, images=3)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_erased_pixels_are_counted(p: float) -> None:
    """On pictures without dark places the missing share is the probability, within 0.01."""
    erased = expected_noise([spec("corruption", {"erasure": {"p": p}})], smooth(64))
    assert erased.missing == pytest.approx(p, abs=0.01)


def test_a_dark_background_does_not_count_as_missing() -> None:
    """A bright square in the dark: only what is erased inside it is missing."""
    picture = torch.zeros(64, 1, 64, 64)
    picture[:, :, 16:48, 16:48] = 0.8
    assert estimate_noise(picture).missing == 0
    erased = expected_noise([spec("corruption", {"erasure": {"p": 0.4}})], picture)
    assert erased.missing == pytest.approx(0.4, abs=0.02)


def test_a_pixel_is_missing_in_all_its_channels() -> None:
    """A zero in one channel alone is a colour."""
    picture = torch.full((1, 3, 8, 8), 0.5)
    picture[:, 0] = 0
    assert estimate_noise(picture).missing == 0


@pytest.mark.parametrize("shape", [(4, 2), (0, 1, 8, 8), (1, 1, 3, 8)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    """The message says what was expected and what came."""
    with pytest.raises(InputError, match="at least 4 x 4 pixels"):
        estimate_noise(torch.zeros(shape))


def estimate(sigma: float, missing: float = 0.0) -> NoiseEstimate:
    return NoiseEstimate(sigma=sigma, missing=missing, images=100)


def test_a_change_within_the_tolerance_is_none() -> None:
    """Of sigma relative and above a floor; of the missing share absolute."""
    assert describe_drift(estimate(0.2, 0.5), estimate(0.24, 0.7), 0.25) == ""
    assert describe_drift(estimate(0.001), estimate(0.009), 0.25) == ""


@pytest.mark.parametrize("now", [0.3, 0.1])
def test_a_change_of_sigma_is_told_with_both_values(now: float) -> None:
    """Stronger or weaker."""
    said = describe_drift(estimate(0.2), estimate(now), 0.25)
    assert said == f"the noise has changed: its sigma went from 0.200 to {now:.3f}"


def test_a_change_of_missing_pixels_is_told_beside_one_of_sigma() -> None:
    """One sentence."""
    said = describe_drift(estimate(0.2, 0.1), estimate(0.4, 0.6), 0.25)
    assert said.endswith("its sigma went from 0.200 to 0.400 and its missing pixels went from 10 % to 60 %")


def test_the_sigma_of_gaussian_noise_is_matched(digits: tuple[Tensor, Tensor]) -> None:
    """Pictures that come in with sigma 0.2: found within 10 % from other clean pictures."""
    known, others = digits
    wanted = expected_noise([spec("corruption", {"gaussian_noise": {"sigma": 0.2}})], others)
    found = matched_strength(spec("corruption", "gaussian_noise"), known, wanted)
    assert found == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("pictures", ["digits", "smooth"])
def test_the_probability_of_erasure_is_matched(pictures: str, digits: tuple[Tensor, Tensor]) -> None:
    """Its sigma rises and falls again, so the missing share tells it: 0.6 within 0.05."""
    known, others = digits if pictures == "digits" else (smooth(), smooth(24))
    wanted = expected_noise([spec("corruption", {"erasure": {"p": 0.6}})], others)
    assert matched_strength(spec("corruption", "erasure"), known, wanted) == pytest.approx(0.6, abs=0.05)


def test_a_strength_is_set_and_the_other_options_stay() -> None:
    """A whole number where the option is one."""
    changed = with_strength(spec("corruption", {"gaussian_noise": {"clip": True}}), 0.4)
    assert changed == spec("corruption", {"gaussian_noise": {"sigma": 0.4, "clip": True}})
    assert strength_of(with_strength(spec("corruption", "block_mask"), 4.6)) == 5


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("at_random_strength", 0.2),  # there is no strength
        ("block_mask", 0.2),  # no estimate tells it
        ("gaussian_noise", 0.001),  # weaker than the weakest sensible strength
        ("gaussian_noise", 3.0),  # stronger than the strongest
    ],
)
def test_a_strength_that_cannot_be_told_is_not_pretended(name: str, wanted: float) -> None:
    """None, instead of the nearest end."""
    assert matched_strength(spec("corruption", name), smooth(), estimate(wanted)) is None


def test_the_strength_of_what_has_none_is_refused() -> None:
    """The corruption is named."""
    with pytest.raises(InputError, match="at_random_strength"):
        strength_of(spec("corruption", "at_random_strength"))
