"""Second-order Tweedie: what a denoiser of Gaussian noise says of its own uncertainty, by a few products.

For ``y = x + sigma n`` the best denoiser ``f(y) = E[x | y]`` has ``Cov[x | y] = sigma^2 J(y)``, J its Jacobian. Knows a
denoiser as a function. Does not know whether it is the best one: of another one the same numbers are an estimate.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional as F

from daecore.errors import InputError
from daecore.rng import stream

PRODUCTS = 12  # of the Jacobian with a vector, for each picture
TINY = 1e-30
SMALLEST = 1e-3  # of the largest eigenvalue: what lies below is noise of the other products

Denoiser = Callable[[Tensor], Tensor]
"""Restores a batch ``(B, *shape)``."""


@dataclass(frozen=True)
class Moments:
    """What is known of the originals of B noisy samples.

    Attributes:
        mean: float32 ``(B, *shape)``, what the denoiser answers.
        variance: float32 ``(B, *shape)``, of each value, at least 0.
        total: float32 ``(B,)``, ``sigma^2 tr J``: the expected squared error of all values together. Single
            variances are cut at 0 and this sum is not: for a poor denoiser it may be below theirs, or negative.
        directions: float32 ``(B, K, *shape)``, of length 1: along the first one the originals differ most.
        eigenvalues: float32 ``(B, K)``, the variance along each direction, descending.
    """

    mean: Tensor
    variance: Tensor
    total: Tensor
    directions: Tensor
    eigenvalues: Tensor


def posterior_moments(denoiser: Denoiser, corrupted: Tensor, sigma: float, *, directions: int = 1) -> Moments:
    """Variance of each value, total variance and leading directions, by at most `PRODUCTS` products a sample.

    The probes ``w_i`` are random signs on a lattice: values of one colour are, in grey pictures, three pixels apart
    down and four to the right; with more channels they are nearer. Where the Jacobian is local, as a network's is, a
    product shows the diagonal at once. What is not local, as the posterior of a small set, has few directions: those
    that the *other* products show are taken off before the diagonal is read (a Nystrom approximation that leaves one
    out), so that over the signs the estimate has no bias before variances are cut at 0.

    Args:
        denoiser: Of Gaussian noise, in float32 or more; what it does must be differentiable forwards.
        corrupted: float32 ``(B, *shape)``: clean samples with noise of this sigma, not clipped.
        sigma: Standard deviation of the noise, in units of the samples; above 0.
        directions: How many, at most as many as there are products.

    Raises:
        InputError: A step of the denoiser has no derivative that can be taken forwards.

    Source: Efron, "Tweedie's formula and selection bias", JASA 106, 2011; directions by products: Manor and Michaeli,
    ICLR 2024; leaving one out: Epperly, Tropp and Webber, "XTrace", SIAM J. Matrix Anal. Appl. 45, 2024; probing by a
    colouring: Tang and Saad, Numer. Linear Algebra Appl. 19, 2012.
    """
    shape = tuple(corrupted.shape[1:])
    probes = lattice_probes(shape).to(corrupted.device)  # (k, *shape)
    pairs = [derivative(denoiser, corrupted, probe.expand_as(corrupted)) for probe in probes]
    products = torch.stack([slope.flatten(1) for _, slope in pairs], 1)  # (B, k, d)
    flat = probes.flatten(1)
    diagonal = _diagonal(flat, products)
    vectors, values = _leading(flat, products, min(directions, len(probes)))
    return Moments(
        mean=pairs[0][0], variance=sigma**2 * diagonal.clamp_min(0).view_as(corrupted),
        total=sigma**2 * diagonal.sum(1), directions=vectors.view(len(corrupted), -1, *shape),
        eigenvalues=sigma**2 * values,
    )  # fmt: skip


def derivative(denoiser: Denoiser, x: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """``f(x)`` and ``J(x) v``, both float32 ``(B, *shape)``, by one pass.

    Raises:
        InputError: A step of the denoiser has no derivative that can be taken forwards.
    """
    try:
        # torch writes some of its own derivatives in a way that it now calls deprecated.
        with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad(), forward_ad.dual_level():
            warnings.simplefilter("ignore", FutureWarning)
            x = x.clone(memory_format=torch.contiguous_format)  # one made in inference mode has no derivative
            value, slope = forward_ad.unpack_dual(denoiser(forward_ad.make_dual(x, direction.contiguous())))
    except NotImplementedError as error:
        raise InputError(
            f"The variance of what is restored is read off the network's derivative, and a step of this network has "
            f"none that can be taken forwards: {' '.join(str(error).split())[:200]} Teach error bars in its place."
        ) from None
    return value.float(), torch.zeros_like(value).float() if slope is None else slope.float()


def lattice_probes(shape: tuple[int, ...]) -> Tensor:
    """Random signs, each value in one of at most `PRODUCTS` probes, neighbours in different ones: ``(k, *shape)``."""
    colours = _colours(shape)
    signs = torch.randint(2, shape, generator=stream(0, "probes", *shape)) * 2.0 - 1
    count = int(colours.max()) + 1
    return (F.one_hot(colours, count).movedim(-1, 0) * signs).float()


def _colours(shape: tuple[int, ...]) -> Tensor:
    """The probe of each value, int64 ``shape``."""
    if len(shape) != 3:
        return (torch.arange(math.prod(shape)) % PRODUCTS).view(shape)
    channels, height, width = shape
    planes = min(channels, PRODUCTS)
    cells = PRODUCTS // planes
    down = max(step for step in range(1, cells + 1) if cells % step == 0 and step * step <= cells)
    across = cells // down
    plane, row, column = (torch.arange(size) for size in (channels, height, width))
    return (
        (plane % planes)[:, None, None] * cells + (row % down)[None, :, None] * across + (column % across)[None, None]
    )


def _diagonal(probes: Tensor, products: Tensor) -> Tensor:
    """The diagonal of J by leaving one probe out: float32 ``(B, d)``."""
    count = len(probes)
    core = _core(probes, products)  # (B, k, k)
    diagonal = torch.zeros_like(products[:, 0])
    for left_out in range(count):
        others = [number for number in range(count) if number != left_out]
        own, probe = products[:, left_out], probes[left_out]
        shown, rotated = own.new_zeros(own.shape), own.new_zeros(own.shape)
        if others:
            root = _root(core[:, others][:, :, others], products[:, others])  # (B, k - 1, d)
            shown = root.square().sum(1)
            rotated = torch.einsum("bkd,bk->bd", root, torch.einsum("bkd,d->bk", root, probe))
        diagonal += (probe != 0) * shown + probe * (own - rotated)
    return diagonal


def _leading(probes: Tensor, products: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The first directions ``(B, count, d)`` and eigenvalues ``(B, count)`` of the part that all products show."""
    root = _root(_core(probes, products), products)  # (B, k, d): J is about root^T root
    values, vectors = torch.linalg.eigh((root @ root.transpose(1, 2)).double())
    values, vectors = values.flip(1)[:, :count].clamp_min(0), vectors.flip(2)[:, :, :count]
    found = vectors.transpose(1, 2).float() @ root
    return F.normalize(found, dim=2), values.float()


def _core(probes: Tensor, products: Tensor) -> Tensor:
    """``W J W^T`` of the probes W, its symmetric part: float64 ``(B, k, k)``; a network's is not quite symmetric."""
    core = torch.einsum("kd,bld->bkl", probes, products).double()
    return (core + core.transpose(1, 2)) / 2


def _root(core: Tensor, products: Tensor) -> Tensor:
    """``core^(-1/2) products``, without the directions in which the core is not clearly positive."""
    values, vectors = torch.linalg.eigh(core)
    kept = values > SMALLEST * values[:, -1:].clamp_min(TINY)
    scale = torch.where(kept, values.clamp_min(TINY).rsqrt(), 0.0)
    root: Tensor = (vectors * scale[:, None]).transpose(1, 2).float() @ products
    return root
