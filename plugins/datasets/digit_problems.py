"""Digits with more factors of variation: turned, before noise, before photographs (Larochelle et al. 2007).

Made of MNIST's 70,000 digits, no digit in two sets, the same ones in all five problems. A digit is laid over its
background by the larger value of the two at each pixel, after it was turned; backgrounds are never turned.
"""

import math
from collections.abc import Callable
from pathlib import Path

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional as F

from daecore import Dataset, Samples, Splits, hookimpl, stream

from ..bibliography import cite
from .backgrounds import photographs
from .idx import CLASSES, DOWNLOAD_BYTES
from .mnist import Mnist, mnist
from .problem import SHAPE, SIDE, Problem

CHUNK = 1_000  # digits that share a random stream; every set is made of whole chunks, and then cut
SIZES = {"train": 10_000, "validation": 2_000, "test": 50_000}
STEPS = 128  # of a position, per pixel: with them a bilinear sum is exact in float32, so the same everywhere
Varied = Callable[[Tensor, Generator], Tensor]  # digits (N, 28, 28) become pictures (N, 28, 28), both uint8


class DigitProblem(Problem):
    """Where MNIST's files are, and how many of the samples are used."""

    folder: str = Field(default="", description="a folder that already has MNIST's four files; empty: download")


class MnistBasic(DigitProblem):
    """MNIST's digits, but 10,000 to train, 2,000 to validate and 50,000 to test."""


class MnistRot(DigitProblem):
    """MNIST's digits, turned by any angle."""


class MnistBgRand(DigitProblem):
    """MNIST's digits before uniform noise."""


class MnistBgImg(DigitProblem):
    """MNIST's digits before patches of photographs."""


class MnistBgImgRot(DigitProblem):
    """MNIST's digits, turned by any angle, before patches of photographs."""


def mnist_basic(options: MnistBasic, *, cache: Path) -> Splits:
    """Take the digits as they are: uint8 ``(N, 1, 28, 28)`` with labels.

    Raises:
        DataError: MNIST's files cannot be had.
    """
    return digit_problem("mnist_basic", _all_digits(options, cache), options, lambda digits, generator: digits)


def mnist_rot(options: MnistRot, *, cache: Path) -> Splits:
    """Turn each digit about the picture's centre, by an angle uniform in [0, 2 pi).

    Raises:
        DataError: MNIST's files cannot be had.
    """
    return digit_problem("mnist_rot", _all_digits(options, cache), options, turn)


def mnist_bg_rand(options: MnistBgRand, *, cache: Path) -> Splits:
    """Lay each digit over noise, uniform over 0 to 255 at each pixel.

    Raises:
        DataError: MNIST's files cannot be had.
    """
    return digit_problem("mnist_bg_rand", _all_digits(options, cache), options, before_noise)


def mnist_bg_img(options: MnistBgImg, *, cache: Path) -> Splits:
    """Lay each digit over a patch of a photograph that is not dull.

    Raises:
        DataError: MNIST's files cannot be had, or scikit-image's photographs are not those expected.
    """
    return digit_problem("mnist_bg_img", _all_digits(options, cache), options, before_photographs())


def mnist_bg_img_rot(options: MnistBgImgRot, *, cache: Path) -> Splits:
    """Turn each digit as in `mnist_rot`, then lay it over a patch as in `mnist_bg_img`.

    Raises:
        DataError: MNIST's files cannot be had, or scikit-image's photographs are not those expected.
    """
    before = before_photographs()

    def vary(digits: Tensor, generator: Generator) -> Tensor:
        return before(turn(digits, generator), generator)

    return digit_problem("mnist_bg_img_rot", _all_digits(options, cache), options, vary)


def before_noise(digits: Tensor, generator: Generator) -> Tensor:
    """Digits over noise that is uniform over the 256 grey levels."""
    return torch.maximum(digits, torch.randint(256, digits.shape, generator=generator, dtype=torch.uint8))


def before_photographs() -> Varied:
    """What lays digits over patches of photographs."""
    source = photographs()
    return lambda digits, generator: torch.maximum(digits, source.patches(len(digits), generator))


def turn(digits: Tensor, generator: Generator) -> Tensor:
    """Digits, each turned counter-clockwise by its own uniform angle, black around."""
    return rotate(digits, 2 * math.pi * torch.rand(len(digits), generator=generator, dtype=torch.float64))


def rotate(images: Tensor, angles: Tensor) -> Tensor:
    """Pictures turned about their centre with bilinear interpolation, black around.

    Positions are rounded to a 128th of a pixel; the rest is exact, and rounded once. `grid_sample` would leave its
    last bits to the processor, and a value beside a half would then be another grey level there.

    Args:
        images: uint8 ``(N, 28, 28)``.
        angles: float64 ``(N,)``, in radians, counter-clockwise.

    Returns:
        uint8 ``(N, 28, 28)``.
    """
    centred = torch.arange(SIDE, dtype=torch.float64) - (SIDE - 1) / 2
    down, right = centred[:, None], centred[None, :]
    cosine, sine = ((part * 2**20).round()[:, None, None] / 2**20 for part in (angles.cos(), angles.sin()))
    positions = [cosine * down + sine * right, cosine * right - sine * down]  # where a pixel comes from: (N, 28, 28)
    row, column = (
        ((position + (SIDE - 1) / 2) * STEPS).round().clamp(-STEPS, SIDE * STEPS).long() for position in positions
    )
    return _bilinear(F.pad(images, (1, 2, 1, 2)), row + STEPS, column + STEPS)


def _bilinear(padded: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Pictures ``(N, H, W)`` read between their pixels, at places in 128ths of a pixel: uint8, rounded."""
    width = padded.shape[2]
    flat = padded.flatten(1).float()
    corner = (row // STEPS * width + column // STEPS).flatten(1)
    down, right = ((position % STEPS).flatten(1).float() / STEPS for position in (row, column))
    upper = flat.gather(1, corner) * (1 - right) + flat.gather(1, corner + 1) * right
    lower = flat.gather(1, corner + width) * (1 - right) + flat.gather(1, corner + width + 1) * right
    return (upper * (1 - down) + lower * down).round().to(torch.uint8).reshape(row.shape)


def digit_problem(name: str, digits: Samples, options: DigitProblem, vary: Varied) -> Splits:
    """A problem made of digits: each digit in one set at most, each chunk varied by its own stream.

    Args:
        name: The problem's; the stream of a chunk is ``(0, name, set, number)``.
        digits: All 70,000, uint8 ``(N, 1, 28, 28)`` with labels; their order is drawn once for all problems.
        options: How many samples are used.
        vary: What is done to the digits.
    """
    order = torch.randperm(len(digits), generator=stream(0, "digit_problems", "order"))
    sets, first = [], 0
    for part, size in SIZES.items():
        count = options.sizes[part]
        chosen = digits.select(order[first : first + math.ceil(count / CHUNK) * CHUNK])
        chunks = [
            vary(chunk, stream(0, name, part, number)) for number, chunk in enumerate(chosen.data[:, 0].split(CHUNK))
        ]
        sets.append(Samples(torch.cat(chunks)[:count, None], chosen.labels[:count]))  # type: ignore[index]
        first += size
    return Splits(sets[0], sets[1], (sets[2],), classes=CLASSES)


def _all_digits(options: DigitProblem, cache: Path) -> Samples:
    """MNIST's 70,000 digits, as `mnist` orders them."""
    splits = mnist(Mnist(folder=options.folder), cache=cache)
    sets = [splits.train, splits.validation, *splits.test]
    labels = [part.labels for part in sets if part.labels is not None]
    return Samples(torch.cat([part.data for part in sets]), torch.cat(labels))


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `mnist_basic`, `mnist_rot`, `mnist_bg_rand`, `mnist_bg_img` and `mnist_bg_img_rot`."""
    problems: list[tuple[str, type[DigitProblem], Callable[..., Splits]]] = [
        ("mnist_basic", MnistBasic, mnist_basic),
        ("mnist_rot", MnistRot, mnist_rot),
        ("mnist_bg_rand", MnistBgRand, mnist_bg_rand),
        ("mnist_bg_img", MnistBgImg, mnist_bg_img),
        ("mnist_bg_img_rot", MnistBgImgRot, mnist_bg_img_rot),
    ]
    return [
        Dataset(
            name=name,
            options=options,
            function=function,
            source=cite("larochelle2007"),
            shapes="images",
            sample_shape=lambda options: SHAPE,
            classes=CLASSES,
            download_bytes=DOWNLOAD_BYTES,
        )
        for name, options, function in problems
    ]
