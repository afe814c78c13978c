"""How near an estimate is to the truth: pure functions of two batches, one number per sample.

Knows tensors. Does not know models, corruptions or datasets; averages over a set are the caller's,
but for `pooled_psnr`, which is not an average of per-image values.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from daecore.errors import InputError

MSE_FLOOR = 1e-10  # a perfect image has 100 dB rather than infinitely many
SLACK = 1e-3  # beyond [0, 1]: what resampling and low precision leave
WINDOW = 11
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2  # (K L)^2 with the data range L = 1


def squared_error(estimate: Tensor, clean: Tensor) -> Tensor:
    """Mean squared error of each sample, ``mean((estimate - clean)^2)``, nothing clipped.

    Args:
        estimate: float32 ``(B, ...)``.
        clean: float32 ``(B, ...)``, the same shape.

    Returns:
        float32 ``(B,)``, in squared units of the data.

    Raises:
        InputError: They differ in shape.

    >>> squared_error(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2)).item()
    12.5
    """
    if estimate.shape != clean.shape:
        shapes = f"{tuple(estimate.shape)} and {tuple(clean.shape)}"
        raise InputError(f"Errors are taken value by value, but `estimate` and `clean` have the shapes {shapes}.")
    return (estimate - clean).square().flatten(1).mean(1)


def image_mse(estimate: Tensor, clean: Tensor) -> Tensor:
    """Mean squared error of each image, the estimate clipped to ``[0, 1]`` (what PSNR is made of).

    Args:
        estimate: float32 ``(B, C, H, W)``.
        clean: float32 ``(B, C, H, W)`` in ``[0, 1]``.

    Returns:
        float32 ``(B,)``.

    >>> image_mse(torch.full((1, 1, 2, 2), 1.5), torch.ones(1, 1, 2, 2)).item()
    0.0
    """
    return squared_error(estimate.clamp(0, 1), clean)


def psnr(estimate: Tensor, clean: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image, ``-10 log10(max(MSE, 1e-10))``, data range 1.

    Args:
        estimate: float32 ``(B, C, H, W)``; clipped to ``[0, 1]`` first.
        clean: float32 ``(B, C, H, W)`` in ``[0, 1]``.

    Returns:
        float32 ``(B,)``, in dB; at most 100.

    Raises:
        InputError: They are not images of floats, differ in shape, or the clean ones leave ``[0, 1]``.

    >>> psnr(torch.full((1, 1, 2, 2), 0.1), torch.zeros(1, 1, 2, 2))
    tensor([20.])
    """
    _require_comparable(estimate, clean, "psnr")
    return decibel(image_mse(estimate, clean))


def decibel(mse: Tensor) -> Tensor:
    """Mean squared errors as dB of PSNR, ``-10 log10(max(mse, 1e-10))``; any shape.

    >>> decibel(torch.tensor([0.001, 0.0]))
    tensor([ 30., 100.])
    """
    return -10 * mse.clamp_min(MSE_FLOOR).log10()


def pooled_psnr(mse: Tensor) -> Tensor:
    """PSNR of one MSE over a whole set, ``-10 log10(mean(mse))``: never above the mean of the per-image values.

    Args:
        mse: ``(N,)``, each image's MSE; images of one size (otherwise each image weighs the same).

    Returns:
        ``()``, in dB.

    >>> pooled_psnr(torch.tensor([0.0, 0.002]))
    tensor(30.)
    """
    return decibel(mse.mean())


def ssim(estimate: Tensor, clean: Tensor) -> Tensor:
    """Structural similarity of each image, averaged over channels and over where the window fits.

    ``(2 m_e m_c + C1)(2 s_ec + C2) / ((m_e^2 + m_c^2 + C1)(s_e^2 + s_c^2 + C2))`` with local means,
    variances and covariance under an 11 x 11 Gaussian window of sigma 1.5, K = (0.01, 0.03), data range 1.
    An image smaller than the window gets the largest odd one that fits.

    Args:
        estimate: float32 ``(B, C, H, W)``; clipped to ``[0, 1]`` first.
        clean: float32 ``(B, C, H, W)`` in ``[0, 1]``.

    Returns:
        float32 ``(B,)``, at most 1.

    Raises:
        InputError: They are not images of floats, differ in shape, or the clean ones leave ``[0, 1]``.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", IEEE TIP 13(4), 2004, equation 13.

    >>> image = torch.rand(2, 1, 16, 16)
    >>> ssim(image, image)
    tensor([1., 1.])
    """
    _require_comparable(estimate, clean, "ssim")
    batch, channels, height, width = clean.shape
    estimate = estimate.clamp(0, 1)
    maps = torch.cat([estimate, clean, estimate**2, clean**2, estimate * clean])  # (5B, C, H, W)
    smooth = _window(maps.reshape(-1, 1, height, width)).reshape(5, batch, channels, -1)
    mean_e, mean_c, square_e, square_c, product = smooth
    luminance = (2 * mean_e * mean_c + C1) / (mean_e**2 + mean_c**2 + C1)
    variances = square_e - mean_e**2 + square_c - mean_c**2
    structure = (2 * (product - mean_e * mean_c) + C2) / (variances + C2)
    similarity: Tensor = (luminance * structure).mean((1, 2))
    return similarity


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """The share of samples whose largest logit is the label's, in ``[0, 1]``.

    Args:
        logits: ``(B, classes)``.
        labels: int64 ``(B,)``.

    Returns:
        float32 ``()``.

    Raises:
        InputError: There is not one label for each row of logits.

    >>> accuracy(torch.eye(4), torch.tensor([0, 1, 2, 0]))
    tensor(0.7500)
    """
    if labels.shape != logits.shape[:1]:
        shapes = f"{tuple(logits.shape)} and labels {tuple(labels.shape)}"
        raise InputError(f"Accuracy takes logits (B, classes) and labels (B,), but got logits {shapes}.")
    return (logits.argmax(1) == labels).float().mean()


def error_percent(logits: Tensor, labels: Tensor) -> Tensor:
    """Classification error in percent, ``100 (1 - accuracy)``; arguments as for `accuracy`.

    >>> error_percent(torch.eye(4), torch.tensor([0, 1, 2, 0]))
    tensor(25.)
    """
    return 100 * (1 - accuracy(logits, labels))


def _require_comparable(estimate: Tensor, clean: Tensor, measure: str) -> None:
    """Refuse what would give a number that means nothing: other ranges, types and shapes."""
    for name, images in (("estimate", estimate), ("clean", clean)):
        if not isinstance(images, Tensor) or not images.is_floating_point() or images.ndim != 4:
            kind = f"{images.dtype} {tuple(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
            raise InputError(
                f"{measure} compares images of floats (B, C, H, W) with values in [0, 1], but `{name}` is {kind}. "
                "`daecore.data.samples.as_float` makes such of uint8."
            )
    if estimate.shape != clean.shape:
        shapes = f"{tuple(estimate.shape)} and {tuple(clean.shape)}"
        raise InputError(f"{measure} compares images of one shape, but `estimate` and `clean` have {shapes}.")
    low, high = (bound.item() for bound in clean.aminmax()) if clean.numel() else (0, 1)
    if not (low >= -SLACK and high <= 1 + SLACK):  # NaN is neither
        raise InputError(
            f"{measure} compares images with values in [0, 1], but `clean` has values from {low:.4g} to {high:.4g}. "
            "Divide both by what white is, as 255."
        )


def _window(maps: Tensor) -> Tensor:
    """Gaussian means where the window fits: ``(B, 1, H, W)`` to ``(B, 1, H - size + 1, W - size + 1)``."""
    side = min(maps.shape[-2:])
    size = min(WINDOW, side - 1 + side % 2)
    offset = torch.arange(size, device=maps.device) - size // 2
    weights = torch.softmax(-(offset**2) / (2 * SIGMA**2), 0)
    smooth: Tensor = F.conv2d(F.conv2d(maps, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
    return smooth
