"""The built-in metrics keep the contract, and give what their papers say."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from daecore_plugins.metrics.gmsd import Gmsd, gmsd
from daecore_plugins.metrics.mae import Mae, mae
from scipy.ndimage import convolve

from daecore.testing import contract


@contract("metric", "mae")
def test_mae_keeps_the_contract(check: Callable[[], None]) -> None:
    check()


@contract("metric", "gmsd")
def test_gmsd_keeps_the_contract(check: Callable[[], None]) -> None:
    check()


def test_the_mean_absolute_error_is_one_per_sample() -> None:
    clean = torch.zeros(2, 3)
    restored = torch.tensor([[1.0, -2.0, 3.0], [0.0, 0.0, 0.0]])
    assert mae(restored, clean, Mae()).tolist() == [2.0, 0.0]


def by_hand(restored: np.ndarray, clean: np.ndarray) -> float:
    """Xue et al. 2014, equations 1 to 6, of values up to 255, written once more."""

    def magnitude(image: np.ndarray) -> np.ndarray:
        halved = image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2).mean((1, 3))
        across = np.array([[1, 0, -1]] * 3) / 3
        parts = [convolve(halved, kernel, mode="constant") for kernel in (across, across.T)]
        return np.sqrt(parts[0] ** 2 + parts[1] ** 2)

    ours, theirs = magnitude(255 * restored.clip(0, 1)), magnitude(255 * clean)
    return float(((2 * ours * theirs + 170) / (ours**2 + theirs**2 + 170)).std())


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.5])
def test_the_deviation_of_gradients_is_the_paper_s(sigma: float) -> None:
    rng = np.random.default_rng(0)
    clean = rng.random((6, 24, 32)).cumsum(2) % 1.0
    restored = clean + sigma * rng.standard_normal(clean.shape)
    found = gmsd(torch.tensor(restored)[:, None].float(), torch.tensor(clean)[:, None].float(), Gmsd())
    assert found.tolist() == pytest.approx([by_hand(a, b) for a, b in zip(restored, clean, strict=True)], abs=1e-4)


def test_a_grey_picture_in_colour_has_the_same_deviation() -> None:
    clean, restored = torch.rand(2, 3, 1, 16, 16).unbind(0)
    grey = gmsd(restored, clean, Gmsd())
    assert gmsd(restored.expand(-1, 3, -1, -1), clean.expand(-1, 3, -1, -1), Gmsd()).tolist() == pytest.approx(
        grey.tolist(), abs=1e-5
    )
