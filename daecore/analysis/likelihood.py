"""How probable a corrupted sample is, given each of many originals: log p(corrupted | original), in nats.

Knows three channels in closed form: Gaussian noise; pixels erased, then Gaussian noise; one square covered at
an unknown place, then Gaussian noise. Without the noise hardly any original would have a likelihood above zero.
Does not know which originals are likely beforehand (see `daecore.analysis.posterior`).
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from daecore.data.samples import as_float
from daecore.errors import InputError

LEVELS = 256  # a stored pixel has one of so many values
ORIGINALS = 5_000  # turned into floats at a time
QUERIES, IN_CACHE = 64, 128  # corrupted and original pictures at a time, so that what lies between stays in the cache


class Likelihood(Protocol):
    """``likelihood(corrupted, originals)`` is log p(corrupted[b] | originals[n]), ``(B, N)``, in nats."""

    def __call__(self, corrupted: Tensor, originals: Tensor) -> Tensor:
        """All pairs of a batch ``(B, *shape)`` and of originals ``(N, *shape)`` as they are stored."""
        ...


@dataclass(frozen=True)
class GaussianNoised:
    """Original + sigma n, n standard normal: for points and images.

    Computed in float64, as differences of large squares would else drown the weights far from the data.

    Attributes:
        sigma: Standard deviation, in units of the samples; above 0.
    """

    sigma: float

    def __call__(self, corrupted: Tensor, originals: Tensor) -> Tensor:
        """``-D/2 log(2 pi sigma^2) - |y - x|^2 / (2 sigma^2)``, float64 ``(B, N)``, differentiable in y."""
        y = corrupted.double()
        parts = [_distances(y, as_float(some).double()) for some in originals.split(ORIGINALS)]
        return -torch.cat(parts, 1) / (2 * self.sigma**2) - y[0].numel() * _log_width(self.sigma)


@dataclass(frozen=True)
class ErasedThenNoised:
    """Each pixel is set to ``fill`` with probability p, then Gaussian noise is added: for stored grey images.

    The pixels are independent, each a mixture of two Gaussians: ``p N(y; fill, sigma^2) + (1 - p) N(y; x, sigma^2)``.
    A stored pixel has one of 256 values, so that every term is looked up in a table of pixels and values, and only the
    pixels that are not black are summed: a sixth of the work on handwritten digits.

    Attributes:
        p: Probability that a pixel is erased, between 0 and 1 and neither of them.
        sigma: Standard deviation of the noise, in units of full intensity; above 0.
        fill: Value of an erased pixel.
    """

    p: float
    sigma: float
    fill: float = 0.0

    def __call__(self, corrupted: Tensor, originals: Tensor) -> Tensor:
        """float32 ``(B, N)``; originals uint8 ``(N, 1, H, W)``."""
        pixels = _to_uint8(originals)
        image, position = pixels.nonzero(as_tuple=True)
        entries = position * LEVELS + pixels[image, position].long()
        begins = F.pad(pixels.count_nonzero(1).cumsum(0), (1, 0))[:-1]  # each image's first entry
        return torch.cat([self._sum(few.flatten(1), entries, begins) for few in corrupted.split(QUERIES)])

    def _sum(self, y: Tensor, entries: Tensor, begins: Tensor) -> Tensor:
        """The terms of a few pictures ``(b, pixels)``, summed over each original's entries of the table: ``(b, N)``."""
        table = self._table(y)  # (pixels, 256, b)
        more = F.embedding_bag(entries, (table - table[:, :1]).flatten(0, 1), begins, mode="sum")  # (N, b)
        return table[:, 0].sum(0)[:, None] + more.T  # a black picture, and what is not black

    def _table(self, y: Tensor) -> Tensor:
        """The logarithm of one pixel's density, for every pixel, stored value and picture: ``(pixels, 256, B)``."""
        value = torch.arange(LEVELS, device=y.device) / (LEVELS - 1)
        seen = y.T[:, None]  # (pixels, 1, B)
        kept = math.log1p(-self.p) - (seen - value[:, None]).square() / (2 * self.sigma**2)
        erased = math.log(self.p) - (seen - self.fill).square() / (2 * self.sigma**2)
        return torch.logaddexp(kept, erased) - _log_width(self.sigma)


@dataclass(frozen=True)
class CoveredThenNoised:
    """One square, wholly inside the picture at a uniform unknown place, is set to ``fill``, then noise is added.

    The likelihood is the mean over all places of a Gaussian. A square slides down a column of places: one row of
    pixels comes in and one goes out, so that each place costs one thin matrix product for all pairs at once.

    Attributes:
        size: Side of the square, in pixels, from 1 to the picture's shorter side.
        sigma: Standard deviation of the noise, in units of full intensity; above 0.
        fill: Value of a covered pixel.
    """

    size: int
    sigma: float
    fill: float = 0.0

    def __call__(self, corrupted: Tensor, originals: Tensor) -> Tensor:
        """float32 ``(B, N)``; originals uint8 ``(N, 1, H, W)``.

        Raises:
            InputError: The square does not fit in.
        """
        _to_uint8(originals)
        if not 1 <= self.size <= min(originals.shape[-2:]):
            raise InputError(
                f"A square of side {self.size} does not fit into pictures of {originals.shape[-2]} x "
                f"{originals.shape[-1]} pixels. Give the size that the corruption had, at least 1."
            )
        return torch.cat([self._all(few[:, 0], originals[:, 0]) for few in corrupted.split(QUERIES)])

    def _all(self, y: Tensor, originals: Tensor) -> Tensor:
        """A few pictures ``(b, H, W)`` beside all originals ``(N, H, W)``."""
        height, width = y.shape[1:]
        positions = (height - self.size + 1) * (width - self.size + 1)
        windows = self._windows(y)
        parts = []
        for some in originals.split(IN_CACHE):
            x = as_float(some)
            parts.append(self._part(windows, x) - _distances(y, x) / (2 * self.sigma**2))
        return torch.cat(parts, 1) - math.log(positions) - height * width * _log_width(self.sigma)

    def _part(self, windows: Tensor, x: Tensor) -> Tensor:
        """Log of the sum over all squares of ``exp(what covering explains better)``: ``(B, n)`` for a few originals."""
        values = torch.cat([x, x.square(), torch.ones_like(x[..., :1])], -1).permute(1, 2, 0)  # (H, 2 W + 1, n)
        rows = torch.bmm(windows, values.contiguous())  # (H, B * positions, n): one row of pixels under a square
        gains = [rows[: self.size].sum(0)]
        for comes in range(self.size, len(rows)):
            gains.append((gains[-1] + rows[comes]).sub_(rows[comes - self.size]))
        positions = x.shape[-1] - self.size + 1
        nats: Tensor = torch.stack(gains).unflatten(1, (-1, positions))  # (rows, B, columns, n): of positions
        return nats.logsumexp((0, 2))

    def _windows(self, y: Tensor) -> Tensor:
        """What makes nats of a row of an original, ``(x, x^2, 1)``, under each square: ``(H, B * positions, 2 W + 1)``.

        They sum ``(|y - x|^2 - |y - fill|^2) / (2 sigma^2) = (x^2 - 2 y x + 2 y fill - fill^2) / (2 sigma^2)``.
        """
        columns = torch.arange(y.shape[-1], device=y.device)
        first = columns[: len(columns) - self.size + 1, None]
        inside = ((columns >= first) & (columns < first + self.size)).to(y)  # (positions, W)
        seen = y.transpose(0, 1)[:, :, None] * inside  # (H, B, positions, W)
        alone = 2 * self.fill * seen.sum(-1, keepdim=True) - self.size * self.fill**2
        parts = [-2 * seen, inside.expand_as(seen), alone]
        return torch.cat(parts, -1).flatten(1, 2).div(2 * self.sigma**2)


def _distances(y: Tensor, x: Tensor) -> Tensor:
    """``|y[b] - x[n]|^2``, ``(B, N)``, as one matrix product."""
    y, x = y.flatten(1), x.flatten(1)
    return torch.addmm(x.square().sum(1), y, x.T, alpha=-2) + y.square().sum(1)[:, None]


def _log_width(sigma: float) -> float:
    """``log(2 pi sigma^2) / 2``: what normalises one Gaussian."""
    return math.log(2 * math.pi) / 2 + math.log(sigma)


def _to_uint8(originals: Tensor) -> Tensor:
    """Grey images as stored, flat: uint8 ``(N, H * W)``.

    Raises:
        InputError: They are something else.
    """
    if originals.dtype != torch.uint8 or originals.dim() != 4 or originals.shape[1] != 1:
        raise InputError(
            "This likelihood is for grey images as they are stored, uint8 (N, 1, H, W), but the originals are "
            f"{originals.dtype} {tuple(originals.shape)}. Give Samples.data of such a dataset, or use GaussianNoised."
        )
    return originals.flatten(1)
