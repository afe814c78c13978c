"""Restoring a user's picture files, one picture at a time, with the samples and bounds that are wanted.

Knows files and a `Restorer`. Knows no run, no store and no flow; which file becomes which says `picture_plan`.
"""

import time
from dataclasses import dataclass, field, replace

import torch

from daecore.data.dimensions import EVERYTHING, Choice
from daecore.data.image_file import ImageFile
from daecore.data.picture_file import PictureFile, open_picture_file
from daecore.data.samples import as_float
from daecore.data.value_range import ValueRange
from daecore.errors import DataError
from daecore.model.picture_sampling import draw_picture
from daecore.model.restorer import Restorer
from daecore.model.sampling import SamplingOptions
from daecore.model.tiling import Watch, tile_count
from daecore.uncertainty.error_bars import ErrorBars
from daecore.uncertainty.picture_bars import PictureBars, bound_picture, unlike

from .picture_plan import Job
from .picture_writing import Written, require_target, together, write_pictures

SAMPLING = SamplingOptions()


@dataclass(frozen=True)
class Done(Written):
    """What came of one file.

    Attributes:
        tiles: Into how many its pictures were cut, together.
        promised_db: The PSNR that is promised to pictures of the calibration; None without bounds.
        unlike: What it is not promised to, if this picture is that; else empty.
    """

    tiles: int = 1
    promised_db: float | None = None
    unlike: str = ""


@dataclass(frozen=True)
class Restoration:
    """How pictures are restored.

    Attributes:
        restorer: What restores them.
        sampling: How samples are drawn.
        bars: What gives bounds; needed where a job wants them.
        value_range: Which of a file's numbers are 0 and 1, where its type does not say it; so they are written again.
        choice: What is taken of a file with several pictures.
    """

    restorer: Restorer
    sampling: SamplingOptions = SAMPLING
    bars: ErrorBars | None = None
    value_range: ValueRange | None = None
    choice: Choice = field(default_factory=lambda: EVERYTHING)


def restore_file(job: Job, how: Restoration) -> Done:
    """Restore a picture, or each of a stack, and write it, whole or not at all; with it the samples and bounds wanted.

    Args:
        job: The picture.
        how: By what, and how.

    Raises:
        DataError: It cannot be read, or is too large for the device.
        InputError: It has other channels than the network, or its format cannot hold it.
        NonFiniteError: It holds NaN or infinity, or what was restored does.
    """
    began, parts = time.perf_counter(), list[Done]()
    with open_picture_file(job.source, how.choice) as pictures:
        require_target(pictures, job.target)
        made = (_restore(pictures, number, job, how, parts) for number in range(len(pictures)))
        write_pictures(pictures, job.targets, made, how.restorer.scale)
    return replace(
        together(parts, time.perf_counter() - began),
        tiles=sum(it.tiles for it in parts),
        promised_db=min((it.promised_db for it in parts if it.promised_db is not None), default=None),
        unlike=next((it.unlike for it in parts if it.unlike), ""),
    )


def _restore(pictures: PictureFile, number: int, job: Job, how: Restoration, parts: list[Done]) -> list[ImageFile]:
    """What is made of one picture of a file; how it went is appended to ``parts``."""
    bars = how.bars
    restorer = replace(how.restorer, watch=_part_of(how.restorer.watch, number, len(pictures)))
    picture = pictures.read(number, value_range=how.value_range)
    device = next(restorer.model.parameters()).device
    try:
        pixels = as_float(picture.pixels.to(device))
        restored = restorer(pixels).cpu()
        drawn = draw_picture(restorer, pixels, job.samples, how.sampling).cpu() if job.samples else None
        bounded = bound_picture(restorer, bars, pixels, restored.to(device)) if job.bounds and bars else None
    except torch.OutOfMemoryError:
        raise DataError(
            f"{job.source} does not fit into the device's memory. Take smaller tiles: --tile 256."
        ) from None
    wanted = [picture.with_pixels(one) for one in (restored, *([] if drawn is None else drawn))]
    wanted += [picture.with_difference(drawn.std(0))] if drawn is not None and len(drawn) > 1 else []
    wanted += [] if bounded is None else _outwards(bounded, picture)
    height, width = picture.pixels.shape[-2:]
    tiles, after = tile_count((height, width), *restorer.tiling(height, width)), (restored.shape[2], restored.shape[1])
    done = Done((width, height), after, tiles=tiles, notes=picture.notes)
    if bounded is not None and bars is not None:
        done = replace(
            done,
            promised_db=bounded.promised_db,
            unlike=unlike(tuple(picture.pixels.shape), restorer, bars, whole=_whole(picture)),
        )
    parts.append(done)
    return wanted


def _part_of(watch: Watch, number: int, count: int) -> Watch:
    """What is to be told of the tiles of one picture of a stack, where all of its tiles are watched."""
    return lambda done, total: watch(number * total + done, count * total)


def _whole(picture: ImageFile) -> bool:
    """Whether its file holds whole numbers, which are clipped and rounded."""
    return not picture.kind.startswith("float")


def _outwards(bounded: PictureBars, picture: ImageFile) -> list[ImageFile]:
    """Lower bound, upper bound and width, as the file holds them."""
    whole = bounded.outwards(picture.counted) if _whole(picture) else bounded
    lower, upper, width = whole.lower.cpu(), whole.upper.cpu(), whole.width.cpu()
    return [picture.with_pixels(lower), picture.with_pixels(upper), picture.with_difference(width)]
