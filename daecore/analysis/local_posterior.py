"""The local posterior mean: what the best denoiser knows that looks at every pixel through a small window.

For each pixel the originals are weighed by how well they explain the corrupted picture in a window around it, at the
same place; its value is their weighted mean. As wide as the picture, the window gives `daecore.analysis.posterior`.
Knows likelihoods of independent pixels that are a scalar product of factors of the two pictures. Does not know which
window is best, nor any corruption.

Source: Kamb and Ganguli, "An analytic theory of creativity in convolutional diffusion models", ICML 2025, PMLR 267:
their local score machine. Theirs also averages over places if it is to be equivariant; this one never moves a window.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from daecore.data.samples import as_float
from daecore.errors import InputError

QUERIES = 50  # corrupted pictures at a time: enough for a matrix product, few enough for the cache


class PixelLikelihood(Protocol):
    """log p(y | x) of one pixel as a scalar product of K factors of y and K of x, both per pixel.

    What depends on the corrupted picture alone may be left out: it cancels among the originals.
    """

    def corrupted_factors(self, corrupted: Tensor) -> Tensor:
        """Of pictures ``(B, C, H, W)``: float32 ``(B, K, H, W)``."""
        ...

    def original_factors(self, references: Tensor) -> Tensor:
        """Of what the pictures are compared with, ``(N, C, H, W)`` or rows of it: float32 ``(N, K, H, W)``."""
        ...


@dataclass(frozen=True)
class GaussianPixels:
    """Original + sigma n, n standard normal: ``(x y - x^2 / 2) / sigma^2`` in nats, summed over channels.

    Attributes:
        sigma: Standard deviation, in units of full intensity; above 0.
    """

    sigma: float

    def corrupted_factors(self, corrupted: Tensor) -> Tensor:
        """The picture and a one, over the variance: float32 ``(B, C + 1, H, W)``."""
        return torch.cat([corrupted, torch.ones_like(corrupted[:, :1])], 1) / self.sigma**2

    def original_factors(self, references: Tensor) -> Tensor:
        """The picture and minus half its square: float32 ``(N, C + 1, H, W)``."""
        x = as_float(references)
        return torch.cat([x, x.square().sum(1, keepdim=True) / -2], 1)


def local_posterior_mean(
    corrupted: Tensor,
    originals: Tensor,
    likelihood: PixelLikelihood,
    *,
    window: int,
    references: Tensor | None = None,
) -> Tensor:
    """At each pixel the mean of the originals' values, weighed by their likelihood in the window around it.

    ``m_i(y) = sum_n x_ni w_ni(y)``, ``w_ni`` the softmax over n of ``sum_j log p(y_j | r_nj)``, j within a square
    of ``window`` pixels around i; at the border what lies inside the picture. A pixel at which all originals are equal
    has their value.

    Args:
        corrupted: float32 ``(B, C, H, W)``.
        originals: ``(N, C, H, W)`` as they are stored, all equally likely.
        likelihood: Of one pixel.
        window: Side of the square, odd, in pixels; from twice the longer side minus one on, it always holds all.
        references: What the likelihood is told in place of each original, ``(N, ., H, W)``; the originals by default.

    Returns:
        float32 ``(B, C, H, W)``, on the pictures' device.

    Raises:
        InputError: The window is even or the pictures do not fit together.
    """
    references = originals if references is None else references
    _require_fit(corrupted, originals, references, window)
    seen = likelihood.corrupted_factors(corrupted).permute(2, 3, 0, 1).contiguous()  # (H, W, B, K)
    bands = references.split(1, 2)  # row by row, so that what is transposed stays in the cache
    shown = torch.stack([likelihood.original_factors(band)[:, :, 0].permute(2, 1, 0) for band in bands])  # (H, W, K, N)
    values = as_float(originals).permute(2, 3, 0, 1).contiguous()  # (H, W, N, C)
    rows, reach = [], window // 2
    for row, row_values in enumerate(values):
        near = slice(max(0, row - reach), row + reach + 1)
        left = seen[near].permute(1, 2, 0, 3).flatten(2)  # (W, B, rows * K)
        right = shown[near].transpose(0, 1).flatten(1, 2)  # (W, rows * K, N)
        parts = [_restore_row(few, right, row_values, reach) for few in left.split(QUERIES, 1)]
        rows.append(torch.cat(parts, 1))
    return torch.stack(rows).permute(2, 3, 0, 1).contiguous()


def _restore_row(left: Tensor, right: Tensor, values: Tensor, reach: int) -> Tensor:
    """One row of a few pictures: ``(W, b, rows * K)``, ``(W, rows * K, N)``, ``(W, N, C)`` to ``(W, b, C)``."""
    mean = values[:, :1].expand(-1, left.shape[1], -1).clone()
    varies = (values != values[:, :1]).flatten(1).any(1).tolist()
    if any(varies):
        for column, nats in enumerate(_slide(left, right, reach)):
            if varies[column]:
                torch.mm(nats.softmax(1), values[column], out=mean[column])
    return mean


def _slide(left: Tensor, right: Tensor, reach: int) -> Iterator[Tensor]:
    """The log-likelihood in the window around each column, ``(b, N)``: one buffer, to be used before the next comes."""
    columns = len(left)
    nats = left.new_zeros(left.shape[1], right.shape[2])
    for column in range(-reach, columns):
        comes, goes = column + reach, column - reach - 1
        if comes < columns:
            nats.addmm_(left[comes], right[comes])
        if goes >= 0:
            nats.addmm_(left[goes], right[goes], alpha=-1)
        if column >= 0:
            yield nats


def _require_fit(corrupted: Tensor, originals: Tensor, references: Tensor, window: int) -> None:
    if window < 1 or window % 2 == 0:
        raise InputError(
            f"A local posterior looks through a square with a pixel in its middle, but the window is {window} pixels "
            "wide. Give an odd number, at least 1."
        )
    shapes = [tuple(it.shape) for it in (corrupted, originals, references)]
    sizes = {shape[2:] for shape in shapes}
    if any(len(shape) != 4 for shape in shapes) or len(sizes) > 1 or len(originals) != len(references):
        raise InputError(
            "A local posterior compares pictures (B, C, H, W) pixel by pixel with originals and their references "
            f"(N, C, H, W), but got {shapes[0]}, {shapes[1]} and {shapes[2]}. Enlarge corrupted pictures that are "
            "smaller, and give one reference for each original."
        )
