"""Small patches of pictures as vectors: whitened photographs, as filters are learnt from, or crops of digits.

Knows which pictures there are, and how patches are cut. Making them white is `whitening`'s affair.
"""

from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from daecore import Dataset, Options, Samples, Splits, hookimpl, stream
from daecore.data import WHITE

from . import natural
from .fashion_mnist import FashionMnist, fashion_mnist
from .image_folder import ImageFolder, read_splits
from .mnist import Mnist, mnist
from .whitening import Whitening, centre

DULL = {
    "natural": 4 / 255,
    "mnist": 0.1,
    "fashion_mnist": 0.1,
}  # patches with a smaller standard deviation are left out
HELD_OUT = 10  # a patch to validate on and one to test on for so many to train on


class Patches(Options):
    """Small square patches as vectors: of photographs, whitened; or of digits or clothes, as they are."""

    source: Literal["natural", "mnist", "fashion_mnist"] = Field(
        default="natural", description="pictures: photographs (those of the dataset natural), digits, or clothes"
    )
    size: int = Field(default=12, ge=8, le=28, description="side of a patch, in pixels")
    count: int = Field(default=20_000, ge=1_000, le=500_000, description="patches to cut for training; dull ones go")
    whiten: Literal["photographs", "always", "never"] = Field(
        default="photographs", description="whose patches lose their mean and are whitened (ZCA)"
    )
    seed: int = Field(default=0, ge=0, le=2**31, description="another seed, other patches")

    @property
    def white(self) -> bool:
        """Whether the patches are whitened."""
        return self.whiten == "always" or (self.whiten == "photographs" and self.source == "natural")


def patches(options: Patches, *, cache: Path) -> Splits:
    """Cut the patches, leave out the dull ones, and whiten what is to be white.

    The three sets come from different pictures. What whitens is measured on the training patches alone.

    Returns:
        float32 vectors ``(N, size * size)``, rows of the patch after each other, without labels: in units of the
        standard deviation with mean zero where white, else of full intensity.

    Raises:
        InputError: DAE_NATURAL names a folder that lacks images.
        DataError: The pictures cannot be had or read.
    """
    cut = [_lively(part, options) for part in _cut(options, cache)]
    if options.white:
        level = [centre(part) for part in cut]
        whitening = Whitening.of(level[0])
        cut = [whitening(part) for part in level]
    train, validation, test = (Samples(part.float()) for part in cut)
    return Splits(train, validation, (test,))


def fingerprint(options: Patches) -> str:
    """Where the pictures come from; another text when the user's have changed."""
    if options.source == "natural":
        return natural.fingerprint(natural.Natural())
    return f"the images of {options.source}, by the checksums of its files"


def _cut(options: Patches, cache: Path) -> list[Tensor]:
    """Training, validation and test patches ``(N, 1, size, size)``: uint8 or uint16, or float32 of other files."""
    if options.source == "natural":
        train, test = natural.image_files()
        chosen = ImageFolder(
            size=options.size,
            crops_per_image=max(1, -(-options.count // len(train))),
            validation=natural.VALIDATION,
            seed=options.seed,
        )
        splits = read_splits(chosen, natural.listed(train), natural.listed(test), cache)
        return [splits.train.data, splits.validation.data, splits.test[0].data]
    images = mnist(Mnist(), cache=cache) if options.source == "mnist" else fashion_mnist(FashionMnist(), cache=cache)
    parts = (
        ("train", images.train, 1),
        ("validation", images.validation, HELD_OUT),
        ("test", images.test[0], HELD_OUT),
    )
    return [_crops(options, part, samples.data, options.count // share) for part, samples, share in parts]


def _crops(options: Patches, part: str, images: Tensor, count: int) -> Tensor:
    """Patches at random places of random images, uint8 ``(count, 1, size, size)``."""
    generator = stream(options.seed, "patches", options.source, part)
    chosen = torch.randint(len(images), (count,), generator=generator)
    top, left = torch.randint(images.shape[-1] - options.size + 1, (2, count, 1), generator=generator)
    side = torch.arange(options.size)
    rows, columns = (top + side)[:, :, None], (left + side)[:, None, :]  # (count, size, 1), (count, 1, size)
    return images[chosen[:, None, None], 0, rows, columns].unsqueeze(1)


def _lively(images: Tensor, options: Patches) -> Tensor:
    """Patches whose values differ enough, as float64 vectors ``(N, size * size)`` in ``[0, 1]``."""
    vectors = images.flatten(1).double() / WHITE.get(images.dtype, 1)
    return vectors[vectors.std(1, correction=0) >= DULL[options.source]]


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `patches`."""
    return [
        Dataset(
            name="patches",
            options=Patches,
            function=patches,
            shapes="points",
            sample_shape=lambda options: (options.size**2,),
            fingerprint=fingerprint,
        )
    ]
