"""A folder of the user's own images: random crops to train on, crops or whole images to test on.

Knows how files become three sets. Reading them, and telling all that cannot be used, is `reading`'s affair.
"""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from daecore import Dataset, Found, InputError, Options, Samples, Splits, find_images, hookimpl, stream, user_path
from daecore.data import Crops, Decoded, Listed, RangeOption, by_size, decode, in_range

from .reading import require_all

FEWEST = 3  # files, or else pictures: to train, to validate and to test on
progress = logging.getLogger("daecore.progress")


class Choose(Options):
    """Which pictures of a file with several are taken, by number from 0, or by the name that the file gives."""

    time: int | str | None = Field(default=None, description="of the times")
    depth: int | str | None = Field(default=None, description="of the depths")
    channel: int | str | None = Field(default=None, description="of the channels, as DAPI")
    page: int | str | None = Field(default=None, description="of pages that nobody names")


class ImageFolder(Options):
    """Your own images (png, jpg, tif, webp, bmp ...), searched in all subfolders; no file is in two sets."""

    path: str = Field(default="", description="the folder with the images")
    test_path: str = Field(default="", description="a folder with the test images; empty: a part of `path`")
    mode: Literal["crops", "whole"] = Field(
        default="crops", description="what the test sees: random crops, or whole images (training always sees crops)"
    )
    size: int = Field(default=40, ge=4, le=1024, description="side of a crop, in pixels")
    colour: bool = Field(default=False, description="three channels; otherwise grey")
    range: RangeOption = Field(
        default="auto",
        description="which numbers are 0 and 1: auto: what the files hold; dtype: what their type says; [low, high]",
    )
    choose: Choose | None = Field(default=None, description="what is taken of files with several pictures; else all")
    crops_per_image: int = Field(default=32, ge=1, le=10_000, description="crops of each image, at places of their own")
    validation: float = Field(default=0.1, gt=0, lt=0.5, description="fraction of the files to validate on")
    test: float = Field(default=0.1, gt=0, lt=0.5, description="fraction of the files to test on")
    seed: int = Field(default=0, ge=0, le=2**31, description="another seed, other crops and another split")


def image_folder(options: ImageFolder, *, cache: Path) -> Splits:
    """Read the images: training crops ``(N, C, size, size)``; the whole images to test in a group per shape.

    They are uint8 or uint16, as their files are; a set of several types, of floats, or of whole numbers that do not
    reach from 0 to what their type holds, is float32 in ``[0, 1]``. Files are decoded once, into the data folder, and
    mapped from there; crops are cut when a batch is read. What was found, and what was left out, is logged.

    Raises:
        InputError: A folder is not given, does not exist, or has too few images.
        DataError: Images cannot be read, or are smaller than a crop: all of them are named.
    """
    found = {"path": search(options.path), **({"test_path": search(options.test_path)} if options.test_path else {})}
    for option, images in found.items():
        progress.info("image_folder: %s has %s", option, images)
    own = found.get("test_path", Found(()))
    listed = found["path"].without(own).listed  # one may lie in the other
    return read_splits(options, listed, own.listed, cache)


def read_splits(options: ImageFolder, files: Sequence[Listed], own: Sequence[Listed], cache: Path) -> Splits:
    """Read these files as `image_folder` does.

    Args:
        options: All but the folders.
        files: To train, to validate and, if there are no own ones, to test on.
        own: The files to test on; empty: a part of the others.
        cache: The data folder.
    """
    every = [*files, *own]
    choice = options.choose.model_dump(exclude_none=True) if options.choose else {}
    decoded = decode(every, 3 if options.colour else 1, cache, choice)
    if len(decoded.pictures) > len(every):
        progress.info("image_folder: %d files have %d pictures", len(every), len(decoded.pictures))
    if len(files) < FEWEST:
        require_all(
            decoded, every, np.empty(0, np.int64), options.size
        )  # else too few pictures might be all that is said
    parts = _parts(options, decoded, len(files), len(own))
    decoded = in_range(decoded, every, options.range, np.concatenate(parts[:2]))
    require_all(decoded, every, np.concatenate(parts[:2] if options.mode == "whole" else parts), options.size)
    train, validation, test = (decoded.pictures.select(part) for part in parts)
    cut = partial(Crops, side=options.size, count=options.crops_per_image, seed=options.seed)
    evaluated = by_size(test) if options.mode == "whole" else [cut(test)]
    value_range = decoded.pictures.value_range
    if value_range:
        progress.info("image_folder: the numbers %s become 0 to 1", value_range)
    tests = tuple(map(Samples, evaluated))
    return Splits(Samples(cut(train)), Samples(cut(validation)), tests, value_range=value_range)


def sample_shape(options: ImageFolder) -> tuple[int, int, int]:
    """``(channels, size, size)`` of a crop."""
    return (3 if options.colour else 1, options.size, options.size)


def fingerprint(options: ImageFolder) -> str:
    """A line a file: the option that names its folder, its path there, size and time."""
    folders = {"path": options.path, **({"test_path": options.test_path} if options.test_path else {})}
    return "\n".join(
        f"{option} {it.name} {it.size} {it.changed_ns}"
        for option, path in folders.items()
        for it in search(path).listed
    )


def _parts(options: ImageFolder, decoded: Decoded, files: int, own: int) -> list[NDArray[np.int64]]:
    """The places of the pictures of each set, at least one in each.

    No file is in two sets. Where there are too few files for that, as where one holds all pictures, what lies next to
    each other stays together: neighbours in a stack are alike.
    """
    fewest = FEWEST - 1 if own else FEWEST
    if files >= fewest:
        return [np.flatnonzero(np.isin(decoded.places, part)) for part in _split(options, files, own)]
    mine, theirs = np.flatnonzero(decoded.places < files), np.flatnonzero(decoded.places >= files)
    if len(mine) < fewest:
        return _split(options, files, own)  # which says so
    test_count, validation_count = (max(1, round(part * len(mine))) for part in (options.test, options.validation))
    rest, test = (mine, theirs) if own else (mine[:-test_count], mine[-test_count:])
    return [rest[:-validation_count], rest[-validation_count:], test]


def _split(options: ImageFolder, files: int, own: int) -> list[NDArray[np.int64]]:
    """The places of the files of each set, at least one, drawn by the seed; own files come behind all others.

    Raises:
        InputError: There are too few.
    """
    drawn = torch.randperm(files, generator=stream(options.seed, "image_folder", "split")).numpy()
    test_count, validation_count = (max(1, round(part * files)) for part in (options.test, options.validation))
    drawn, test = (drawn, files + np.arange(own)) if own else (drawn[:-test_count], drawn[-test_count:])
    train, validation = drawn[:-validation_count], drawn[-validation_count:]
    if not len(train):
        raise InputError(
            f"The dataset image_folder found {files} image(s) in {options.path!r}, too few for training, "
            "validation and test without an image in two of them. Add images, or name another folder as `test_path`."
        )
    return [np.sort(part) for part in (train, validation, test)]


def search(folder: str) -> Found:
    """All images in a folder and its subfolders, sorted, and what was left out.

    Raises:
        InputError: The folder is not given, does not exist, or has no image.
    """
    if not folder:
        raise InputError("The dataset image_folder needs a folder with images: set its option `path`.")
    root = _root(folder)
    if not root.is_dir():
        raise InputError(f"The dataset image_folder was given {folder!r}, but there is no such folder.")
    found = find_images(root)
    if not found.listed:
        raise InputError(f"The dataset image_folder found no image in {folder!r}: {found}. {found.searched_for}")
    return found


def _root(folder: str) -> Path:
    return user_path(folder, "A folder of image_folder")


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `image_folder`."""
    return [
        Dataset(
            name="image_folder",
            options=ImageFolder,
            function=image_folder,
            shapes="images",
            sample_shape=sample_shape,
            fingerprint=fingerprint,
        )
    ]
