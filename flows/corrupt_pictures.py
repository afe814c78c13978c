"""Corrupting a user's picture files, one at a time, as the plugins would.

Knows files and a `Corruptor`. Knows no run, no store and no network; which file becomes which says `picture_plan`.
"""

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from torch import Generator, Tensor

from daecore.corruption.corruptor import Corruptor
from daecore.data.dimensions import EVERYTHING, Choice
from daecore.data.image_file import ImageFile
from daecore.data.image_values import extent_of
from daecore.data.picture_file import PictureFile, open_picture_file
from daecore.data.samples import as_float
from daecore.data.value_range import TYPES, Extent, RangeOption, ValueRange, find_range
from daecore.errors import DaecoreError, InputError
from daecore.model.tiling import Watch, ignore_tiles
from daecore.rng import stream

from .picture_plan import Job
from .picture_writing import Written, require_target, together, write_pictures


def range_of(files: Iterable[Path], asked: RangeOption, choice: Choice = EVERYTHING) -> ValueRange | None:
    """Which numbers of these files are 0 and 1; what cannot be read says nothing of it.

    Raises:
        InputError: They do not say it.
    """
    if asked in ("auto", "dtype"):
        return find_range(asked, _extents(files, choice) if asked == "auto" else [])
    return ValueRange(low=asked[0], high=asked[1], kinds=TYPES)


def _extents(files: Iterable[Path], choice: Choice) -> Iterator[Extent]:
    for file in files:
        try:
            with open_picture_file(file, choice) as pictures:
                yield from (extent_of(pictures.stored(number)) for number in range(len(pictures)))
        except DaecoreError:
            continue  # it is told when its turn comes


def corrupt_file(
    job: Job,
    corruptor: Corruptor,
    seed: int,
    value_range: ValueRange | None = None,
    choice: Choice = EVERYTHING,
    watch: Watch = ignore_tiles,
) -> Written:
    """Corrupt a picture, or each of a stack, and write it, whole or not at all, in the numbers of its file.

    The noise follows from the seed and the file's name: in a folder every picture has its own, and with the same seed
    the same again. Whole numbers are rounded, and clipped to what their type holds, as a camera clips; floats are not.

    Args:
        job: The picture.
        corruptor: What corrupts it.
        seed: Another one, another noise.
        value_range: Which of the file's numbers are 0 and 1, where its type does not say it.
        choice: What is taken of a file with several pictures.
        watch: Told how many of how many pictures of a stack are done.

    Raises:
        DataError: It cannot be read.
        InputError: No such corruption takes it, or its format cannot hold what becomes of it.
        NonFiniteError: It holds NaN or infinity.
    """
    began, parts = time.perf_counter(), list[Written]()
    with open_picture_file(job.source, choice) as pictures:
        require_target(pictures, job.target)

        def make(number: int) -> list[ImageFile]:
            picture = pictures.read(number, value_range=value_range)
            pixels = _corrupt(picture, corruptor, stream(seed, "corrupt", job.source.name, number), job.source)
            before, after = ((it.shape[2], it.shape[1]) for it in (picture.pixels, pixels))
            parts.append(Written(before, after, notes=picture.notes))
            watch(number + 1, len(pictures))
            return [_unclipped(picture).with_pixels(pixels)]

        scale = _scale(pictures, corruptor) if len(pictures) > 1 else 1
        write_pictures(pictures, job.targets, map(make, range(len(pictures))), scale)
    return together(parts, time.perf_counter() - began)


def _scale(pictures: PictureFile, corruptor: Corruptor) -> float:
    """Pixels that are written for one that was read, along each side."""
    height, width, channels = pictures.stored(0).values.shape
    wide = corruptor.output_shape((channels, height, width))[-1]
    return wide / int(width)


def _corrupt(picture: ImageFile, corruptor: Corruptor, generator: Generator, source: Path) -> Tensor:
    """The corrupted pixels, float32 ``(C, H', W')``."""
    clean = as_float(picture.pixels)[None]
    corruptor.output_shape(tuple(clean.shape[1:]))
    try:
        return corruptor(clean, generator).x[0]
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{corruptor} cannot be applied to {source}: {error}") from None


def _unclipped(picture: ImageFile) -> ImageFile:
    """The same; floats are written as they are, also beyond 0 and 1."""
    if not picture.kind.startswith("float"):
        return picture
    return replace(picture, scale=replace(picture.counted, least=-math.inf, most=math.inf))
