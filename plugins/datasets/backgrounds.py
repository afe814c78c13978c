"""Backgrounds: patches of photographs that are not dull.

The photographs are those that scikit-image carries as PNG files, whatever DAE_NATURAL names: a problem must be the same
for everybody, and PNG decodes to the same pixels everywhere (JPEG does not). Their SHA-256 is checked.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import torch
from torch import Generator, Tensor

from daecore import DataError, read_image

from .problem import SIDE

PHOTOGRAPHS = {
    "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "brick.png": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    "camera.png": "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "coins.png": "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
    "grass.png": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    "gravel.png": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    "ihc.png": "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
    "moon.png": "78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577",
    "motorcycle_left.png": "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
}
DULL = 25  # a patch whose standard deviation is smaller, in grey levels of 255, is not taken


@dataclass(frozen=True)
class Photographs:
    """Grey photographs, one after the other.

    Attributes:
        pixels: uint8 ``(P,)``, row by row.
        shapes: int64 ``(K, 2)``: height and width of each.
    """

    pixels: Tensor
    shapes: Tensor

    def patches(self, count: int, generator: Generator) -> Tensor:
        """Patches of any photograph, each as likely, at any place, each as likely; dull ones are drawn again.

        "Patches which had low pixel variance (i.e. contained little texture) were ignored" (Larochelle et al. 2007);
        what is low is not published: here it is a standard deviation below 25 grey levels, a tenth of the range.

        Returns:
            uint8 ``(count, 28, 28)``.
        """
        found = self._lively(count, generator)
        while len(found) < count:
            found = torch.cat([found, self._lively(count, generator)])
        return found[:count]

    def _lively(self, count: int, generator: Generator) -> Tensor:
        which = torch.randint(len(self.shapes), (count,), generator=generator)
        position = torch.rand(count, 2, generator=generator, dtype=torch.float64)
        row, column = (position * (self.shapes[which] - SIDE + 1)).long().unbind(1)
        starts = self.shapes.prod(1).cumsum(0) - self.shapes.prod(1)
        corner = starts[which] + row * self.shapes[which, 1] + column
        steps = torch.arange(SIDE)
        rows = corner[:, None] + steps * self.shapes[which, 1:]  # (count, 28): where each row begins
        patches = self.pixels[rows[:, :, None] + steps]
        return patches[~is_dull(patches)]


def photographs() -> Photographs:
    """The photographs of `PHOTOGRAPHS`.

    Raises:
        DataError: This scikit-image carries no or another photograph of one of these names.
    """
    folder = Path(str(files("skimage"))) / "data"
    for name, expected in PHOTOGRAPHS.items():
        found = sha256((folder / name).read_bytes()).hexdigest() if (folder / name).is_file() else "no file"
        if found != expected:
            raise DataError(
                f"The backgrounds need scikit-image's photograph {name} with sha256 {expected}, but {folder} has "
                f"{found}. Another picture would be another problem: install scikit-image 0.25 or 0.26."
            )
    images = [read_image(folder / name, channels=1).pixels[0] for name in PHOTOGRAPHS]
    pixels = torch.cat([image.flatten() for image in images])
    return Photographs(pixels, torch.tensor([image.shape for image in images]))


def is_dull(patches: Tensor) -> Tensor:
    """Whether patches ``(N, H, W)`` vary too little: bool ``(N,)``; in whole numbers, so the same everywhere."""
    values = patches.flatten(1).long()
    size = values.shape[1]
    return size * values.square().sum(1) - values.sum(1).square() < size**2 * DULL**2
