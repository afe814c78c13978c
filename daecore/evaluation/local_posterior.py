"""LocalPosterior: the baseline that knows patches, as a record that can be kept, and the sets it is meant for.

Knows training pictures and the likelihood of a pixel. Nothing is trained. Does not know how its window was chosen: see
`daecore.evaluation.local_posterior_fit`. A gain over it is what a network knows beyond patches at their own place.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daecore.analysis.local_posterior import local_posterior_mean
from daecore.analysis.pixel_channel import Bins, FactoredChannel
from daecore.corruption.pairs import draw_positions, enlarge
from daecore.data.batch_source import Shape
from daecore.data.samples import Samples, as_float

ORIGINALS, PIXELS = 10_000, 8_000_000  # at most so many training pictures, and pixels of them
LONGEST_SIDE = 32  # pixels; larger pictures are not centred at the precision of a window
CENTRED = 0.1  # the least share of the variance that the mean picture explains


@dataclass(frozen=True)
class LocalPosterior:
    """A local posterior mean with everything it needs.

    Attributes:
        originals: ``(N, 1, H, W)`` as they are stored.
        references: uint8 ``(N, 1, H, W)``, levels of what a corrupted picture is compared with.
        channel: The likelihood of one pixel.
        window: Side of the square that is looked through, in pixels.
    """

    originals: Tensor
    references: Tensor
    channel: FactoredChannel
    window: int

    def __call__(self, x: Tensor, shape: Shape) -> Tensor:
        """Restore a corrupted batch ``(B, ...)``, enlarged where it is smaller, to ``(B, *shape)``."""
        y = enlarge(x, shape)
        return local_posterior_mean(y, self.originals, self.channel, window=self.window, references=self.references)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As plain arrays, the bytes of a file."""
        bins = self.channel.bins
        return {
            "originals": self.originals.numpy(),
            "references": self.references.numpy(),
            "seen": self.channel.seen.numpy(),
            "shown": self.channel.shown.numpy(),
            "bins": np.array([bins.low, bins.step]),
            "window": np.array(self.window),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "LocalPosterior":
        """What `to_arrays` gave.

        Raises:
            KeyError: One is missing.
            ValueError: They are something else.
        """
        _require_arrays(arrays)
        tensors = {name: torch.from_numpy(arrays[name]) for name in ("originals", "references", "seen", "shown")}
        low, step = arrays["bins"].tolist()
        channel = FactoredChannel(Bins(low, step, len(tensors["seen"])), tensors["seen"], tensors["shown"])
        return cls(tensors["originals"], tensors["references"], channel, int(arrays["window"]))


def unfit_for_local_posterior(train: Samples) -> str:
    """Why patches at their own place say little of these samples; empty if they say much.

    A set is centred if its mean picture explains at least a tenth of its variance: then what a place holds differs from
    place to place, and patches there are more alike than elsewhere. Handwritten digits are, photographs are not.
    """
    shape = train.shape
    if len(shape) != 3:
        return f"it is for pictures, and samples have the shape {shape}"
    if shape[0] != 1:
        return f"it is for grey pictures, and these have {shape[0]} channels"
    if max(shape[1:]) > LONGEST_SIDE:
        size = f"{shape[1]} x {shape[2]}"
        return f"it is for pictures of at most {LONGEST_SIDE} x {LONGEST_SIDE} pixels, and these have {size}"
    explained = explained_by_the_mean(as_float(choose_originals(train).data))
    if explained < CENTRED:
        return (
            f"it is for centred pictures, whose mean explains at least {CENTRED:.0%} of their variance, and that of "
            f"these explains {explained:.1%}"
        )
    return ""


def explained_by_the_mean(images: Tensor) -> float:
    """The share of the pixels' variance that lies in the mean picture, from 0 to 1; of equal pixels 1.

    Args:
        images: float32 ``(N, C, H, W)``.
    """
    whole = images.var(correction=0).item()
    return images.mean(0).var(correction=0).item() / whole if whole > 0 else 1.0


def choose_originals(train: Samples) -> Samples:
    """The training pictures that are weighed: a fixed choice of at most 10,000, fewer where they are large."""
    wanted = max(1, min(ORIGINALS, PIXELS // math.prod(train.shape)))
    return train.select(draw_positions(len(train), wanted, "local posterior", train.digest).to(train.device))


def _require_arrays(arrays: Mapping[str, NDArray[Any]]) -> None:
    originals, references, seen, shown = (arrays[name] for name in ("originals", "references", "seen", "shown"))
    kinds = [originals.dtype in (np.uint8, np.uint16, np.float32), references.dtype == np.uint8]
    kinds += [it.dtype == np.float32 and it.ndim == 2 and bool(np.isfinite(it).all()) for it in (seen, shown)]
    shapes = [originals.ndim == 4, originals.shape == references.shape, seen.shape[-1] == shown.shape[-1]]
    places = [
        arrays["bins"].shape == (2,) and arrays["bins"][1] > 0,
        arrays["window"].shape == (),
        int(arrays["window"].flat[0]) % 2 == 1,
    ]
    if not all(kinds + shapes + places) or int(references.max(initial=0)) >= len(shown):
        raise ValueError("local_posterior's arrays are not those of a local posterior")
