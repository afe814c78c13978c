"""Natural images, grey: crops to train on, whole images to test on, as denoising papers do.

Knows two sources: the folder that DAE_NATURAL names, with the 400 training images of DnCNN (Zhang et al. 2017) and
Set12, and, where it names none, the photographs that scikit-image carries. Which one it is, the fingerprint says.
"""

import os
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from pydantic import Field

from daecore import DataError, Dataset, InputError, Options, Splits, hookimpl, user_path
from daecore.data import Listed

from ..bibliography import cite
from .image_folder import ImageFolder, read_splits, search

FOLDER = "DAE_NATURAL"
TRAIN, TEST = "train400", "set12"
VALIDATION = 0.05  # of the files
TRAIN_PHOTOGRAPHS = (
    "brick.png", "coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png",
    "motorcycle_left.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip
TEST_PHOTOGRAPHS = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png")


class Natural(Options):
    """Grey natural images: crops of DnCNN's 400 to train, Set12 to test; or scikit-image's photographs."""

    size: int = Field(default=40, ge=8, le=160, description="side of a crop, in pixels")
    crops: int = Field(default=12_800, ge=20, le=1_000_000, description="crops in all, drawn once, as many per image")
    seed: int = Field(default=0, ge=0, le=2**31, description="another seed, other crops")


def natural(options: Natural, *, cache: Path) -> Splits:
    """Cut the crops: training ``(N, 1, size, size)``; the test images whole, in a group per shape.

    Raises:
        InputError: DAE_NATURAL names a folder that lacks ``train400`` or ``set12``.
        DataError: Images cannot be read, or are smaller than a crop.
    """
    train, test = image_files()
    chosen = ImageFolder(
        mode="whole",
        size=options.size,
        crops_per_image=max(1, options.crops // len(train)),
        validation=VALIDATION,
        seed=options.seed,
    )
    return read_splits(chosen, listed(train), listed(test), cache)


def listed(files: list[Path]) -> list[Listed]:
    """How these files look now.

    Raises:
        DataError: One cannot be opened, as somebody has just taken it away.
    """
    return [_listed(file) for file in files]


def _listed(file: Path) -> Listed:
    try:
        return Listed.of(file.parent.parent, f"{file.parent.name}/{file.name}")
    except OSError as error:
        raise _gone(file, error) from None


def fingerprint(options: Natural) -> str:
    """Its first line says in words where the images come from; another text when they have changed.

    Raises:
        InputError: DAE_NATURAL names a folder that lacks ``train400`` or ``set12``.
        DataError: An image cannot be opened, as somebody has just taken it away.
    """
    train, test = image_files()
    where = f"{TRAIN} and {TEST} in the folder that {FOLDER} names"
    photographs = f"photographs that scikit-image carries, as {FOLDER} names no folder"
    stats = [f"{file.name} {_digest(file)}" for file in (*train, *test)]
    said = f"{len(train)} images to train and {len(test)} to test on: {where if _folder() else photographs}"
    return "\n".join([said, *stats])


def _digest(file: Path) -> str:
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise _gone(file, error) from None


def _gone(file: Path, error: OSError) -> DataError:
    return DataError(
        f"The image {file} cannot be opened: {error.strerror or error}. If the files are being changed, run again "
        "when nobody writes there."
    )


def _folder() -> str:
    return os.environ.get(FOLDER, "")


def image_files() -> tuple[list[Path], list[Path]]:
    """The images to train and to test on.

    Raises:
        InputError: DAE_NATURAL names a folder that lacks ``train400`` or ``set12``.
    """
    if not _folder():
        carried = Path(str(files("skimage"))) / "data"
        return [carried / name for name in TRAIN_PHOTOGRAPHS], [carried / name for name in TEST_PHOTOGRAPHS]
    root = user_path(_folder(), FOLDER)
    missing = [name for name in (TRAIN, TEST) if not (root / name).is_dir()]
    if missing:
        raise InputError(
            f"The dataset natural looks for the folders {TRAIN} and {TEST} in {_folder()!r}, which {FOLDER} names, and "
            f"found no {' and no '.join(missing)}. Put the images there, or unset {FOLDER} to take scikit-image's "
            "photographs."
        )
    train, test = ([*search(str(root / name)).files] for name in (TRAIN, TEST))
    if len(train) < 2:
        raise InputError(
            f"The dataset natural found {len(train)} image in {str(root / TRAIN)!r}; it needs two at least, one "
            "to train and one to validate on. Add images, or unset DAE_NATURAL to take scikit-image's photographs."
        )
    return train, test


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `natural`."""
    return [
        Dataset(
            name="natural",
            options=Natural,
            function=natural,
            source=cite("zhang2017", "vanderwalt2014"),
            shapes="images",
            sample_shape=lambda options: (1, options.size, options.size),
            fingerprint=fingerprint,
        )
    ]
