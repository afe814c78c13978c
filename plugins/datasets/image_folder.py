"""A folder of the user's own images: random crops to train on, crops or whole images to judge.

Knows how files become three sets. Reading one file is `pixels`' affair.
"""

from itertools import groupby
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from daecore import DataError, Extension, InputError, Options, Samples, Splits, hookimpl, stream

from .pixels import read_pixels

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}


class ImageFolder(Options):
    """Your own images (png, jpg, tif), searched in all subfolders; whole files go to one set, so no image is in two."""

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
    """Read the images: uint8, training ``(N, C, size, size)``; the whole images to test in a group per shape.

    Raises:
        InputError: The folder is not given, does not exist, or has too few images.
        DataError: An image cannot be read, or is smaller than a crop.
        NonFiniteError: An image holds NaN or infinity.
    """
    own = files_of(options.test_path) if options.test_path else []
    return read_splits(
        options, [file for file in files_of(options.path) if file not in own], own
    )  # one folder may lie in the other


def read_splits(options: ImageFolder, files: list[Path], own: list[Path]) -> Splits:
    """Read these files as `image_folder` does.

    Args:
        options: All but the folders.
        files: To train, to validate and, if there are no own ones, to test on.
        own: The files to test on; empty: a part of the others.
    """
    train, validation, test = _split(options, files, own)
    groups = _whole(options, test) if options.mode == "whole" else (_crops(options, test),)
    return Splits(_crops(options, train), _crops(options, validation), groups)


def sample_shape(options: ImageFolder) -> tuple[int, int, int]:
    """``(channels, size, size)`` of a crop."""
    return (3 if options.colour else 1, options.size, options.size)


def fingerprint(options: ImageFolder) -> str:
    """A line a file: the option that names its folder, its path there, size and time."""
    folders = {"path": options.path, **({"test_path": options.test_path} if options.test_path else {})}
    return "\n".join(line for option, folder in folders.items() for line in _lines(option, folder))


def _lines(option: str, folder: str) -> list[str]:
    root = _root(folder)
    stats = [(file.relative_to(root).as_posix(), file.stat()) for file in files_of(folder)]
    return [f"{option} {name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats]


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


def files_of(folder: str) -> list[Path]:
    """All images in a folder and its subfolders, sorted.

    Raises:
        InputError: The folder is not given, does not exist, or has no image.
    """
    if not folder:
        raise InputError("The dataset image_folder needs a folder with images: set its option `path`.")
    root = _root(folder)
    if not root.is_dir():
        raise InputError(f"The dataset image_folder was given {folder!r}, but there is no such folder.")
    files = sorted(file for file in root.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise InputError(
            f"The dataset image_folder found no image in {folder!r}; it reads {', '.join(sorted(SUFFIXES))}."
        )
    return files


def _root(folder: str) -> Path:
    return Path(folder).expanduser().resolve()


def _crops(options: ImageFolder, files: list[Path]) -> Samples:
    """Crops ``(files * crops_per_image, C, size, size)``."""
    return Samples(torch.cat([_crops_of(options, file) for file in files]))


def _crops_of(options: ImageFolder, file: Path) -> Tensor:
    """Crops of one image ``(crops_per_image, C, size, size)``; the stream is named by the file."""
    image, size = read_pixels(file, options.colour), options.size
    rows, columns = image.shape[1] - size + 1, image.shape[2] - size + 1
    if min(rows, columns) < 1:
        raise DataError(
            f"The image {file} has {image.shape[1]} x {image.shape[2]} pixels, smaller than a crop of {size} x {size}. "
            "Take it out of the folder, or choose a smaller `size`."
        )
    generator = stream(options.seed, "image_folder", "crops", file.name)
    top = torch.randint(rows, (options.crops_per_image,), generator=generator).tolist()
    left = torch.randint(columns, (options.crops_per_image,), generator=generator).tolist()
    return torch.stack([image[:, y : y + size, x : x + size] for y, x in zip(top, left, strict=True)])


def _whole(options: ImageFolder, files: list[Path]) -> tuple[Samples, ...]:
    """Whole images, cut to nothing: a group ``(N, C, H, W)`` per shape, in the order of the shapes."""
    images = sorted((read_pixels(file, options.colour) for file in files), key=lambda image: tuple(image.shape))
    return tuple(Samples(torch.stack(list(group))) for _, group in groupby(images, key=lambda image: image.shape))


@hookimpl
def register_datasets() -> list[Extension]:
    """Ship `image_folder`."""
    return [
        Extension(
            name="image_folder",
            options=ImageFolder,
            function=image_folder,
            shapes="images",
            sample_shape=sample_shape,
            fingerprint=fingerprint,
        )
    ]
