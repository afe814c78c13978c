"""Corrupting a user's picture files, one at a time, as the plugins would.

Knows files and a `Corruptor`. Knows no run, no store and no network; which file becomes which says `picture_plan`.
"""

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from daecore.corruption.corruptor import Corruptor
from daecore.data.image_encoding import encode_image
from daecore.data.image_file import ImageFile
from daecore.data.image_values import extent_of
from daecore.data.picture_file import open_picture_file, read_image
from daecore.data.samples import as_float
from daecore.data.value_range import TYPES, Extent, RangeOption, ValueRange, find_range
from daecore.errors import DaecoreError, InputError
from daecore.rng import stream

from .picture_plan import Job
from .store.files import write_atomically


@dataclass(frozen=True)
class Corrupted:
    """How one picture went.

    Attributes:
        before: Its width and height.
        after: Those of the corrupted one.
        seconds: How long it took.
        notes: What a user must know.
    """

    before: tuple[int, int]
    after: tuple[int, int]
    seconds: float
    notes: tuple[str, ...] = ()


def range_of(files: Iterable[Path], asked: RangeOption) -> ValueRange | None:
    """Which numbers of these files are 0 and 1; what cannot be read says nothing of it.

    Raises:
        InputError: They do not say it.
    """
    if asked in ("auto", "dtype"):
        return find_range(asked, _extents(files) if asked == "auto" else [])
    return ValueRange(low=asked[0], high=asked[1], kinds=TYPES)


def _extents(files: Iterable[Path]) -> Iterator[Extent]:
    for file in files:
        try:
            with open_picture_file(file) as pictures:
                yield from (extent_of(pictures.stored(number)) for number in range(len(pictures)))
        except DaecoreError:
            continue  # it is told when its turn comes


def corrupt_file(job: Job, corruptor: Corruptor, seed: int, value_range: ValueRange | None = None) -> Corrupted:
    """Corrupt one picture and write it, whole or not at all, in the numbers of its file.

    The noise follows from the seed and the file's name: in a folder every picture has its own, and with the same seed
    the same again. Whole numbers are rounded, and clipped to what their type holds, as a camera clips; floats are not.

    Args:
        job: The picture.
        corruptor: What corrupts it.
        seed: Another one, another noise.
        value_range: Which of the file's numbers are 0 and 1, where its type does not say it.

    Raises:
        DataError: It cannot be read.
        InputError: No such corruption takes it, or its format cannot hold what becomes of it.
        NonFiniteError: It holds NaN or infinity.
    """
    began = time.perf_counter()
    picture = read_image(job.source, value_range=value_range)
    pixels = _corrupt(picture, corruptor, seed, job.source)
    content = encode_image(_unclipped(picture).with_pixels(pixels), job.target.suffix.lower())
    job.target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(job.target, content)
    before, after = ((it.shape[2], it.shape[1]) for it in (picture.pixels, pixels))
    return Corrupted(before, after, time.perf_counter() - began, picture.notes)


def _corrupt(picture: ImageFile, corruptor: Corruptor, seed: int, source: Path) -> Tensor:
    """The corrupted pixels, float32 ``(C, H', W')``."""
    clean = as_float(picture.pixels)[None]
    corruptor.output_shape(tuple(clean.shape[1:]))
    try:
        return corruptor(clean, stream(seed, "corrupt", source.name)).x[0]
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{corruptor} cannot be applied to {source}: {error}") from None


def _unclipped(picture: ImageFile) -> ImageFile:
    """The same; floats are written as they are, also beyond 0 and 1."""
    if not picture.kind.startswith("float"):
        return picture
    return replace(picture, scale=replace(picture.counted, least=-math.inf, most=math.inf))
