"""Pictures as they come in: a folder of them as tensors, and an experiment fitted to their noise.

Knows files and strengths. Decides nothing.
"""

import logging
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from daecore.errors import DataError, InputError
from daecore.experiment import Experiment
from daecore.noise import NoiseEstimate, drifted, estimate_noise, expected_noise, matched_strength, with_strength

log = logging.getLogger("daecore.progress")  # heard whatever level libraries give the root

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
NEWEST = 500  # pictures that are looked at
FEWEST = 10  # with fewer, an estimate says more of the pictures than of their noise


def incoming_noise(folder: str, channels: int) -> NoiseEstimate | None:
    """The noise of the newest pictures in a folder and its subfolders; None, and a warning, if there are too few.

    Args:
        folder: The folder; empty: nothing is watched.
        channels: 1 reads them grey, 3 in colour.

    Raises:
        InputError: There is no such folder.
        DataError: A picture cannot be read, or is not of 8 bits.
    """
    if not folder:
        return None
    files = pictures_in(folder)
    if len(files) < FEWEST:
        log.warning("%s holds %d pictures; noise is watched from %d on", folder, len(files), FEWEST)
        return None
    newest = sorted(files, key=lambda file: (-file.stat().st_mtime_ns, file.name))[:NEWEST]
    return estimate_noise(_stacked([_pixels(file, channels) for file in newest]))


def pictures_in(folder: str) -> list[Path]:
    """The picture files in a folder and its subfolders.

    Raises:
        InputError: There is no such folder.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise InputError(f"The noise of what comes in was to be watched in {folder!r}, but there is no such folder.")
    return [file for file in root.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()]


def fitted(
    experiment: Experiment, clean: Tensor, incoming: NoiseEstimate | None, tolerance: float
) -> tuple[Experiment, str]:
    """The experiment at the strength that gives the noise of what comes in, and a sentence about it.

    It stays as it is, with an empty sentence, where nothing is watched or its own noise is that already.

    Args:
        experiment: What was asked for.
        clean: float32 ``(N, C, H, W)``, some of its clean pictures.
        incoming: The noise to be met.
        tolerance: Which difference is let pass, see `drifted`.
    """
    if incoming is None or not drifted(expected_noise(experiment.corruptions, clean), incoming, tolerance):
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


def _pixels(file: Path, channels: int) -> Tensor:
    """One picture, uint8 ``(C, H, W)``."""
    try:
        with Image.open(file) as image:
            if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
                raise DataError(
                    f"The picture {file} has the mode {image.mode}; noise is watched in pictures of 8 bits."
                )
            pixels = np.array(image.convert("L" if channels == 1 else "RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"The picture {file} cannot be read: {error}. Take it out of the folder.") from None
    return torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1)


def _stacked(pictures: list[Tensor]) -> Tensor:
    """The pictures as one float32 batch, each cut to the smallest height and width among them."""
    height, width = (min(picture.shape[axis] for picture in pictures) for axis in (1, 2))
    return torch.stack([picture[:, :height, :width] for picture in pictures]).to(torch.float32).mul_(1 / 255)
