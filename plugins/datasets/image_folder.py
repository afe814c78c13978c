"""A folder of the user's own images: random crops to train on, crops or whole images to test on.

Knows how files become three sets. Reading them, and telling all that cannot be used, is `reading`'s affair.
"""

import logging
from itertools import groupby
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from daecore import (
    Dataset,
    Found,
    InputError,
    Options,
    Samples,
    Splits,
    as_float,
    find_images,
    hookimpl,
    stream,
    user_path,
)

from .reading import Reading

progress = logging.getLogger("daecore.progress")


class ImageFolder(Options):
    """Your own images (png, jpg, tif, webp, bmp ...), searched in all subfolders; no file is in two sets."""

    path: str = Field(default="", description="the folder with the images")
    test_path: str = Field(default="", description="a folder with the test images; empty: a part of `path`")
    mode: Literal["crops", "whole"] = Field(
        default="crops", description="what the test sees: random crops, or whole images (training always sees crops)"
    )
    size: int = Field(default=40, ge=4, le=1024, description="side of a crop, in pixels")
    colour: bool = Field(default=False, description="three channels; otherwise grey")
    crops_per_image: int = Field(default=32, ge=1, le=10_000, description="crops drawn from each image, once")
    validation: float = Field(default=0.1, gt=0, lt=0.5, description="fraction of the files to validate on")
    test: float = Field(default=0.1, gt=0, lt=0.5, description="fraction of the files to test on")
    seed: int = Field(default=0, ge=0, le=2**31, description="another seed, other crops and another split")


def image_folder(options: ImageFolder, *, cache: Path) -> Splits:
    """Read the images: training ``(N, C, size, size)``; the whole images to test in a group per shape.

    They are uint8; a set with a file of more than 8 bits is float32 in ``[0, 1]``. What was found, and what was left
    out, is logged.

    Raises:
        InputError: A folder is not given, does not exist, or has too few images.
        DataError: Images cannot be read, or are smaller than a crop: all of them are named.
    """
    found = {"path": search(options.path), **({"test_path": search(options.test_path)} if options.test_path else {})}
    for option, images in found.items():
        progress.info("image_folder: %s has %s", option, images)
    own = found.get("test_path", Found(()))
    return read_splits(options, [*found["path"].without(own).files], [*own.files])  # one may lie in the other


def read_splits(options: ImageFolder, files: list[Path], own: list[Path]) -> Splits:
    """Read these files as `image_folder` does.

    Args:
        options: All but the folders.
        files: To train, to validate and, if there are no own ones, to test on.
        own: The files to test on; empty: a part of the others.
    """
    train, validation, test = _split(options, files, own)
    reading = Reading(3 if options.colour else 1)
    cut, held_out = _crops(options, train, reading), _crops(options, validation, reading)
    evaluated = _by_shape(reading.images(test)) if options.mode == "whole" else [_crops(options, test, reading)]
    reading.require_all(options.size)
    return Splits(_samples(cut), _samples(held_out), tuple(map(_samples, evaluated)))


def sample_shape(options: ImageFolder) -> tuple[int, int, int]:
    """``(channels, size, size)`` of a crop."""
    return (3 if options.colour else 1, options.size, options.size)


def fingerprint(options: ImageFolder) -> str:
    """A line a file: the option that names its folder, its path there, size and time."""
    folders = {"path": options.path, **({"test_path": options.test_path} if options.test_path else {})}
    return "\n".join(line for option, folder in folders.items() for line in _lines(option, folder))


def _lines(option: str, folder: str) -> list[str]:
    root = _root(folder)
    found = ((file.relative_to(root).as_posix(), _size_and_time(file)) for file in search(folder).files)
    return [f"{option} {name} {said}" for name, said in found if said]


def _size_and_time(file: Path) -> str:
    """Size and time; empty where somebody has just taken the file away."""
    try:
        status = file.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def _split(options: ImageFolder, files: list[Path], own: list[Path]) -> tuple[list[Path], list[Path], list[Path]]:
    """The files of each set, at least one; drawn by the seed, in the order of their names."""
    order = torch.randperm(len(files), generator=stream(options.seed, "image_folder", "split")).tolist()
    drawn = [files[position] for position in order]
    test = own or _pop(drawn, options.test * len(files))
    validation = _pop(drawn, options.validation * len(files))
    if not drawn:
        raise InputError(
            f"The dataset image_folder found {len(files)} image(s) in {options.path!r}, too few for training, "
            "validation and test without an image in two of them. Add images, or name another folder as `test_path`."
        )
    return sorted(drawn), sorted(validation), sorted(test)


def _pop(files: list[Path], count: float) -> list[Path]:
    """Take at least one file off the end."""
    return [files.pop() for _ in range(max(1, round(count))) if files]


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
    if not found.files:
        raise InputError(f"The dataset image_folder found no image in {folder!r}: {found}. {found.searched_for}")
    return found


def _root(folder: str) -> Path:
    return user_path(folder, "A folder of image_folder")


def _crops(options: ImageFolder, files: list[Path], reading: Reading) -> list[Tensor]:
    """Of each image that can be read and is large enough ``(crops_per_image, C, size, size)``."""
    images = ((file, reading.image(file, options.size)) for file in files)
    return [_crops_of(options, file, image) for file, image in images if image is not None]


def _crops_of(options: ImageFolder, file: Path, image: Tensor) -> Tensor:
    """Crops of one image ``(crops_per_image, C, size, size)``; the stream is named by the file."""
    size = options.size
    rows, columns = image.shape[1] - size + 1, image.shape[2] - size + 1
    generator = stream(options.seed, "image_folder", "crops", file.name)
    top = torch.randint(rows, (options.crops_per_image,), generator=generator).tolist()
    left = torch.randint(columns, (options.crops_per_image,), generator=generator).tolist()
    return torch.stack([image[:, y : y + size, x : x + size] for y, x in zip(top, left, strict=True)])


def _by_shape(images: list[Tensor]) -> list[list[Tensor]]:
    """Whole images, a group ``(1, C, H, W)`` each per shape, in the order of the shapes."""
    ordered = sorted(images, key=lambda image: tuple(image.shape))
    return [[image[None] for image in group] for _, group in groupby(ordered, key=lambda image: image.shape)]


def _samples(parts: list[Tensor]) -> Samples:
    """One set of ``(n, C, H, W)`` each: float32 where one of them is, as its file has more than 8 bits."""
    deep = any(part.is_floating_point() for part in parts)
    return Samples(torch.cat([as_float(part) if deep else part for part in parts]))


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
