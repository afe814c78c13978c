"""Pictures as they come in: a folder of them as tensors, and an experiment fitted to their noise.

Knows files and strengths. Decides nothing.
"""

import logging
from pathlib import Path

import torch
from torch import Tensor

from daecore.corruption.noise_level import (
    NoiseEstimate,
    describe_drift,
    estimate_noise,
    expected_noise,
    matched_strength,
    with_strength,
)
from daecore.data.image_listing import Found
from daecore.data.image_search import find_images
from daecore.data.picture_file import read_image
from daecore.data.samples import as_float
from daecore.data.value_range import ValueRange
from daecore.errors import DaecoreError, InputError
from daecore.experiment.experiment import Experiment
from daecore.paths import user_path

log, progress = logging.getLogger("daecore"), logging.getLogger("daecore.progress")

NEWEST = 500  # pictures that are looked at
SMALLEST = 4  # pixels along a side, which an estimate needs
FEWEST = 10  # with fewer, an estimate says more of the pictures than of their noise


def incoming_noise(folder: str, channels: int, value_range: ValueRange | None = None) -> NoiseEstimate | None:
    """The noise of the newest pictures in a folder and its subfolders; None, and a warning, if there are too few.

    A picture that cannot be read stops nobody: it is warned of and left out.

    Args:
        folder: The folder; empty: nothing is watched.
        channels: 1 reads them grey, 3 in colour.
        value_range: Which of their numbers are 0 and 1, where their type does not say it.

    Raises:
        InputError: There is no such folder.
    """
    if not folder:
        return None
    found = pictures_in(folder)
    progress.info("%s has %s", folder, found)
    newest = sorted(found.files, key=lambda file: (-_written_at(file), file.name))[:NEWEST]
    pictures = [picture for file in newest if (picture := _pixels(file, channels, value_range)) is not None]
    if len(pictures) < FEWEST:
        log.warning("%s holds %d pictures; noise is watched from %d on", folder, len(pictures), FEWEST)
        return None
    return estimate_noise(_stack(pictures))


def pictures_in(folder: str) -> Found:
    """The picture files in a folder and its subfolders, and what was left out.

    Raises:
        InputError: There is no such folder.
    """
    root = user_path(folder, "The folder of what comes in")
    if not root.is_dir():
        raise InputError(f"The noise of what comes in was to be watched in {folder!r}, but there is no such folder.")
    return find_images(root)


def fit_strength(
    experiment: Experiment, clean: Tensor, incoming: NoiseEstimate | None, tolerance: float
) -> tuple[Experiment, str]:
    """The experiment at the strength that gives the noise of what comes in, and a sentence about it.

    It stays as it is, with an empty sentence, where nothing is watched or its own noise is that already.

    Args:
        experiment: What was asked for.
        clean: float32 ``(N, C, H, W)``, some of its clean pictures.
        incoming: The noise to be met.
        tolerance: Which difference is let pass, see `describe_drift`.
    """
    if incoming is None or not describe_drift(expected_noise(experiment.corruptions, clean), incoming, tolerance):
        return experiment, ""
    stays = f"What comes in has {incoming}, which this experiment's corruption has not; it stays as it is, because"
    if len(experiment.corruptions) != 1:
        return experiment, f"{stays} a chain of {len(experiment.corruptions)} corruptions has no single strength."
    (corruption,) = experiment.corruptions
    strength = matched_strength(corruption, clean, incoming)
    if strength is None:
        return experiment, f"{stays} no strength of {corruption.name} gives that noise."
    matched = with_strength(corruption, strength)
    found = expected_noise([matched], clean)
    said = f"The corruption was set to {matched}, which shows {found}: what comes in has {incoming}."
    return experiment.model_copy(update={"corruptions": (matched,)}), said


def _written_at(file: Path) -> int:
    """When it was written, in nanoseconds; 0, before all others, if it was taken away: reading it warns of that."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _pixels(file: Path, channels: int, value_range: ValueRange | None) -> Tensor | None:
    """One picture, float32 ``(C, H, W)``; None, and a warning, where it cannot be read or is too small."""
    try:
        image = read_image(file, channels, value_range)
    except InputError:
        raise
    except DaecoreError as error:
        log.warning("a picture was left out: %s", error)
        return None
    if min(image.pixels.shape[1:]) < SMALLEST:
        log.warning("a picture was left out: %s has fewer than %d pixels along a side", file, SMALLEST)
        return None
    for note in image.notes:
        log.warning("%s: %s", file, note)
    return as_float(image.pixels)


def _stack(pictures: list[Tensor]) -> Tensor:
    """The pictures as one float32 batch, each cut to the smallest height and width among them."""
    height, width = (min(picture.shape[axis] for picture in pictures) for axis in (1, 2))
    return torch.stack([picture[:, :height, :width] for picture in pictures])
