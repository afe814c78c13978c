"""Classical denoisers, each a function of a batch and one strength: the baselines that learn nothing.

Knows scipy and scikit-image. Does not know which strength is best, nor how a baseline is evaluated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Method:
    """A denoiser with the strengths it is tried at.

    Attributes:
        function: ``(x, strength) -> restored``, float32 ``(B, C, H, W)`` on the CPU, the shape kept.
        strengths: From weak to strong; their unit is the function's own.
        slow: Whether it works image by image, so that it is evaluated on a subset.
    """

    function: Callable[[Tensor, float], Tensor]
    strengths: tuple[float, ...]
    slow: bool = False


def median(x: Tensor, strength: float) -> Tensor:
    """The median of a square window ``strength`` pixels wide, borders mirrored."""
    from scipy.ndimage import median_filter

    size = int(strength)
    return torch.from_numpy(median_filter(x.numpy(), size=(1, 1, size, size), mode="reflect"))


def gaussian(x: Tensor, strength: float) -> Tensor:
    """A Gaussian blur of ``strength`` pixels standard deviation, borders mirrored."""
    from scipy.ndimage import gaussian_filter

    return torch.from_numpy(gaussian_filter(x.numpy(), sigma=(0, 0, strength, strength), mode="reflect"))


def bilinear(x: Tensor, strength: float) -> Tensor:
    """Shrunk ``strength`` times by antialiased bilinear interpolation and enlarged again; 1 changes nothing."""
    if strength == 1:
        return x
    height, width = x.shape[-2:]
    size = (max(1, round(height / strength)), max(1, round(width / strength)))
    small = F.interpolate(x, size=size, mode="bilinear", antialias=True)
    return F.interpolate(small, size=(height, width), mode="bilinear")


def wavelet(x: Tensor, strength: float) -> Tensor:
    """BayesShrink of Haar coefficients, told that the noise has standard deviation ``strength``.

    Source: Chang, Yu, Vetterli, "Adaptive wavelet thresholding", IEEE TIP 9(9), 2000.
    """
    from skimage.restoration import denoise_wavelet

    return _each(x, lambda image, axis: denoise_wavelet(image, sigma=strength, wavelet="haar", channel_axis=axis))


def total_variation(x: Tensor, strength: float) -> Tensor:
    """Chambolle's total-variation denoising of weight ``strength``.

    Source: Chambolle, "An algorithm for total variation minimization", JMIV 20, 2004.
    """
    from skimage.restoration import denoise_tv_chambolle

    denoise: Callable[..., Any] = denoise_tv_chambolle
    return _each(x, lambda image, axis: denoise(image, weight=strength, max_num_iter=50, channel_axis=axis))


def nonlocal_means(x: Tensor, strength: float) -> Tensor:
    """Non-local means, 5 x 5 patches within 6 pixels, filter parameter h = ``strength``.

    Source: Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005.
    """
    from skimage.restoration import denoise_nl_means

    window = {"patch_size": 5, "patch_distance": 6, "fast_mode": True}
    return _each(x, lambda image, axis: denoise_nl_means(image, h=strength, channel_axis=axis, **window))


METHODS: dict[str, Method] = {
    "bilinear": Method(bilinear, (1, 2, 3, 4)),
    "median": Method(median, (3, 5, 7)),
    "gaussian": Method(gaussian, (0.5, 0.75, 1.0, 1.5, 2.0)),
    "wavelet": Method(wavelet, (0.05, 0.1, 0.2, 0.4), slow=True),
    "tv": Method(total_variation, (0.05, 0.1, 0.2, 0.4, 0.8), slow=True),
    "nlm": Method(nonlocal_means, (0.1, 0.2, 0.4, 0.8), slow=True),
}


def _each(x: Tensor, function: Callable[[Image, int | None], Any]) -> Tensor:
    """Apply a function image by image: a grey one as ``(H, W)``, one of several channels with its channel axis."""
    grey = x.shape[1] == 1
    images = [function(image[0] if grey else image, None if grey else 0) for image in x.numpy()]
    return torch.from_numpy(np.stack(images).astype(np.float32)).view_as(x)
