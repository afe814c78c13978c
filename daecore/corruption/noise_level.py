"""Noise, estimated from pictures alone: how strong it is, whether it has changed, which strength would give it.

Knows corruptions and their declared strengths. Does not know where pictures come from, nor what follows.
The estimates carry the pictures' own texture: compare them with each other, never with a nominal strength.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from daecore.corruption.corruptor import Corruptor
from daecore.data.batch_source import Shape
from daecore.errors import InputError
from daecore.plugin.spec import CorruptionSpec, spec
from daecore.rng import stream

MAD = 0.6744897501960817  # the 75 % point of a standard normal: median(|n|) of its samples
FLAT = 1e-6  # a smaller coefficient is float32 rounding in a flat place
FLOOR = 0.01  # sigma, in units of full intensity: smaller changes are not told from none (2.5 of 255 grey levels)
GRID = 9  # strengths at which a corruption is tried before one is searched for in between
HALVINGS = 12
MOVES = {"sigma": 0.01, "missing": 0.1}  # by how much an estimate must move over all strengths to tell one
SLACK, STEEP = 0.01, 0.03  # shares of that movement: a step back that is let pass, a step that tells a strength


class NoiseEstimate(BaseModel):
    """What pictures say of their noise.

    Attributes:
        sigma: Standard deviation of white noise that would explain their finest detail, in units of full intensity.
        missing: Share of holes: of the pixels between two lit ones, those that are exactly 0.
        images: How many pictures were looked at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sigma: float
    missing: float
    images: int

    def __str__(self) -> str:
        return f"sigma {self.sigma:.3f}, {100 * self.missing:.1f} % missing ({self.images} pictures)"


def estimate_noise(images: Tensor) -> NoiseEstimate:
    """Estimate the noise of pictures.

    ``sigma = median(|d|) / 0.6745`` over the finest diagonal coefficients d (wavelet db2) of all pictures together,
    without those that are 0 (flat places, which clipping makes), as scikit-image does it picture by picture.
    Texture counts as noise (8 x 8 pictures are all texture), and clipping takes noise away.

    ``missing`` counts exact zeros only where the pixels to the left and to the right, or above and below, are both
    lit, so that a dark background is not taken for holes. Of pixels erased independently with probability p it finds
    ``p + (1 - p) h``, h the holes of the clean pictures; of erased areas too few; and noise that was clipped at 0 in
    a dark background counts as holes.

    Args:
        images: float32 ``(N, C, H, W)``, N >= 1, of at least 4 x 4 pixels; values may leave ``[0, 1]``.

    Raises:
        InputError: There is no picture, or they are too small.

    Source: Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81, 1994.
    """
    if images.ndim != 4 or not len(images) or min(images.shape[-2:]) < 4:
        raise InputError(
            f"Noise is estimated from pictures (N, C, H, W) of at least 4 x 4 pixels, but got {tuple(images.shape)}."
        )
    return NoiseEstimate(sigma=_sigma(images), missing=_missing(images), images=len(images))


def expected_noise(corruptions: Sequence[CorruptionSpec], clean: Tensor) -> NoiseEstimate:
    """The estimate of pictures that these corruptions damage, clipped and rounded to 8 bits as files are.

    Always drawn from one stream, so that two strengths differ in nothing else.

    Args:
        corruptions: The chain.
        clean: float32 ``(N, C, H, W)`` in ``[0, 1]``.
    """
    corrupted = Corruptor(corruptions)(clean, stream(0, "noise")).x
    return estimate_noise(corrupted.clamp(0, 1).mul(255).round().div(255))


def describe_drift(reference: NoiseEstimate, current: NoiseEstimate, tolerance: float) -> str:
    """How the noise has changed, as one sentence; empty where it has not.

    Args:
        reference: What it was.
        current: What it is, estimated the same way.
        tolerance: The relative change of sigma (changes below 0.01 never count), and the absolute change of the
            missing share, that are let pass.
    """
    said = []
    change = current.sigma - reference.sigma
    if abs(change) > max(FLOOR, tolerance * reference.sigma):
        said.append(f"its sigma went from {reference.sigma:.3f} to {current.sigma:.3f}")
    if abs(current.missing - reference.missing) > tolerance:
        said.append(f"its missing pixels went from {100 * reference.missing:.0f} % to {100 * current.missing:.0f} %")
    return f"the noise has changed: {' and '.join(said)}" if said else ""


def matched_strength(corruption: CorruptionSpec, clean: Tensor, wanted: NoiseEstimate) -> float | None:
    """The strength at which clean pictures, corrupted, show the wanted noise: found by bisection.

    The sigma is matched where it moves steadily from the weakest to the strongest sensible strength, else the
    missing share where that does.

    Args:
        corruption: Which corruption; its strength is what is searched, its other options stay.
        clean: float32 ``(N, C, H, W)`` in ``[0, 1]``, pictures like those the noise was estimated from.
        wanted: The estimate to be met.

    Returns:
        The strength, or None: there is none to set, no estimate tells it, or what is wanted lies outside the
        sensible strengths.
    """
    tried = _possible(corruption, tuple(clean.shape[1:]))
    found = [expected_noise([item], clean) for item in tried]
    for measure in ("sigma", "missing") if len(tried) > 1 else ():
        curve = [getattr(estimate, measure) for estimate in found]
        if _steady(curve, MOVES[measure]):
            index = _bracket(curve, getattr(wanted, measure))
            return None if index is None else _bisect(tried[index : index + 2], clean, measure, wanted)
    return None


def with_strength(corruption: CorruptionSpec, strength: float) -> CorruptionSpec:
    """The corruption at another strength; its other options stay."""
    extension = corruption.extension
    assigned = {extension.strength.option: extension.as_strength(strength)} if extension.strength else {}
    return spec("corruption", {corruption.name: {**corruption.dump()[corruption.name], **assigned}})


def strength_of(corruption: CorruptionSpec) -> float:
    """The corruption's strength as it is set.

    Raises:
        InputError: It declares none.
    """
    strength = corruption.extension.strength
    if strength is None:
        raise InputError(f"The corruption {corruption.name!r} declares no strength that could be matched.")
    return float(getattr(corruption.options, strength.option))


def _sigma(images: Tensor) -> float:
    import numpy as np
    import pywt

    _, (_, _, diagonal) = pywt.dwt2(images.cpu().numpy(), "db2", axes=(-2, -1))
    sizes = np.abs(diagonal)
    sizes = sizes[sizes > FLAT]
    return float(np.median(sizes)) / MAD if sizes.size else 0.0


def _missing(images: Tensor) -> float:
    lit = (images != 0).any(1)  # (N, H, W): in any channel
    between = torch.zeros_like(lit)
    between[:, :, 1:-1] |= lit[:, :, :-2] & lit[:, :, 2:]
    between[:, 1:-1] |= lit[:, :-2] & lit[:, 2:]
    between_count = int(between.sum())
    return int((between & ~lit).sum()) / between_count if between_count else 0.0


def _possible(corruption: CorruptionSpec, shape: Shape) -> list[CorruptionSpec]:
    """The corruption from its weakest to its strongest sensible strength, as far as these samples can take it."""
    found = []
    for value in corruption.extension.strengths(GRID):
        try:
            changed = with_strength(corruption, value)
            Corruptor([changed]).output_shape(shape)
        except (InputError, ValueError):
            continue
        found.append(changed)
    return found


def _steady(curve: list[float], least: float) -> bool:
    """Whether an estimate moves, and one way only."""
    whole = curve[-1] - curve[0]
    return abs(whole) > least and all((after - before) / whole > -SLACK for before, after in pairwise(curve))


def _bracket(curve: list[float], wanted: float) -> int | None:
    """Between which two neighbours the wanted value lies; None where that is none, or the curve is flat there."""
    for index, (before, after) in enumerate(pairwise(curve)):
        if min(before, after) <= wanted <= max(before, after):
            return index if abs(after - before) > STEEP * abs(curve[-1] - curve[0]) else None
    return None


def _bisect(ends: Sequence[CorruptionSpec], clean: Tensor, measure: str, wanted: NoiseEstimate) -> float:
    """The strength between two corruptions at which the measure has the wanted value, to 4 digits."""
    corruption, target = ends[0], getattr(wanted, measure)
    low, high = (strength_of(item) for item in ends)
    rising = getattr(expected_noise([ends[1]], clean), measure) > getattr(expected_noise([ends[0]], clean), measure)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found = getattr(expected_noise([with_strength(corruption, middle)], clean), measure)
        low, high = (middle, high) if (found < target) == rising else (low, middle)
    return corruption.extension.as_strength(float(f"{(low + high) / 2:.4g}"))
