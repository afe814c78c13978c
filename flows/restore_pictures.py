"""Restoring a user's picture files, one at a time, with the samples and bounds that are wanted.

Knows files and a `Restorer`. Knows no run, no store and no flow; which file becomes which says `picture_plan`.
"""

import time
from dataclasses import dataclass, replace

import torch

from daecore.data.image_encoding import encode_image
from daecore.data.image_file import ImageFile
from daecore.data.picture_file import read_image
from daecore.data.samples import as_float
from daecore.data.value_range import ValueRange
from daecore.errors import DataError
from daecore.model.picture_sampling import draw_picture
from daecore.model.restorer import Restorer
from daecore.model.sampling import SamplingOptions
from daecore.model.tiling import tile_count
from daecore.uncertainty.error_bars import ErrorBars
from daecore.uncertainty.estimator import DerivativeEstimator
from daecore.uncertainty.picture_bars import PictureBars, bound_picture

from .picture_plan import Job
from .store.files import write_atomically

Size = tuple[int, int]  # width, height
SAMPLING = SamplingOptions()
SLACK = 1e-4  # of a step: what rounding leaves of a bound that is one


@dataclass(frozen=True)
class Done:
    """How one picture went.

    Attributes:
        before: Its size.
        after: Its size when it was restored.
        tiles: Into how many it was cut.
        seconds: How long it took.
        notes: What a user must know.
        promised_db: The PSNR that is promised to pictures of the calibration; None without bounds.
        unlike: What it is not promised to, if this picture is that; else empty.
    """

    before: Size
    after: Size
    tiles: int
    seconds: float
    notes: tuple[str, ...] = ()
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
    """

    restorer: Restorer
    sampling: SamplingOptions = SAMPLING
    bars: ErrorBars | None = None
    value_range: ValueRange | None = None


def restore_file(job: Job, how: Restoration) -> Done:
    """Restore one picture and write it, whole or not at all; with it the samples and bounds that are wanted.

    Args:
        job: The picture.
        how: By what, and how.

    Raises:
        DataError: It cannot be read, or is too large for the device.
        InputError: It has other channels than the network, or its format cannot hold it.
        NonFiniteError: It holds NaN or infinity, or what was restored does.
    """
    began = time.perf_counter()
    restorer, bars = how.restorer, how.bars
    picture = read_image(job.source, value_range=how.value_range)
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
    contents = [encode_image(one, job.target.suffix.lower()) for one in wanted]
    job.target.parent.mkdir(parents=True, exist_ok=True)
    for file, content in zip(job.targets, contents, strict=True):
        write_atomically(file, content)
    height, width = picture.pixels.shape[-2:]
    tiles = tile_count((height, width), *restorer.tiling(height, width))
    after = (restored.shape[2], restored.shape[1])
    done = Done((width, height), after, tiles, time.perf_counter() - began, picture.notes)
    if bounded is None or bars is None:
        return done
    return replace(done, promised_db=bounded.promised_db, unlike=_unlike(picture, restorer, bars))


def _unlike(picture: ImageFile, restorer: Restorer, bars: ErrorBars) -> str:
    """What sets this picture apart from those that bounds were calibrated on, as far as it can be seen."""
    channels, height, width = restorer.shape
    if tuple(picture.pixels.shape[-2:]) != (height, width):
        return f"another size than {width}x{height}"
    if picture.pixels.numel() != channels * height * width:
        return "other channels"
    clipped = isinstance(bars.estimator, DerivativeEstimator) and _whole(picture)
    return "a picture whose noise was clipped, as in a file of 8 or 16 bits" if clipped else ""


def _whole(picture: ImageFile) -> bool:
    """Whether its file holds whole numbers, which are clipped and rounded."""
    return not picture.kind.startswith("float")


def _outwards(bounded: PictureBars, picture: ImageFile) -> list[ImageFile]:
    """Lower bound, upper bound and width, rounded outwards to steps of the file, so that rounding breaks no promise."""
    lower, upper, width = bounded.lower.cpu(), bounded.upper.cpu(), bounded.width.cpu()
    if _whole(picture):
        low, span = picture.counted.low, picture.counted.high - picture.counted.low
        counted = (lower.double() * span + low + SLACK).floor(), (upper.double() * span + low - SLACK).ceil()
        lower, upper = (((it - low) / span).float() for it in counted)
        width = ((counted[1] - counted[0]) / span).float()
    return [picture.with_pixels(lower), picture.with_pixels(upper), picture.with_difference(width)]
