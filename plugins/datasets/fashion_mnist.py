"""Fashion-MNIST: 70,000 pictures of clothes, 28 x 28 (Xiao, Rasul and Vollgraf, 2017)."""

from pathlib import Path

from daecore import Dataset, ExpectedFile, Splits, debian_package, hookimpl, local_folder, torchvision_mirrors

from ..bibliography import cite
from .idx import BYTES, CLASSES, DOWNLOAD_BYTES, SHAPE, IdxOptions, load_idx

SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
FILES = {name: ExpectedFile(sha256, BYTES[name]) for name, sha256 in SHA256.items()}
INSTALLED = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package puts them


class FashionMnist(IdxOptions):
    """Pictures of clothes, 28 x 28, grey: 55,000 to train, 5,000 to validate, 10,000 to test."""


def fashion_mnist(options: FashionMnist, *, cache: Path) -> Splits:
    """Load Fashion-MNIST from ``cache/fashion_mnist``, fetching it the first time.

    Raises:
        DataError: The files cannot be had.
    """
    sources = [
        local_folder(INSTALLED),
        torchvision_mirrors("FashionMNIST"),
        debian_package("dataset-fashion-mnist", most_bytes=DOWNLOAD_BYTES),
    ]
    return load_idx(cache / "fashion_mnist", FILES, sources, options)


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `fashion_mnist`."""
    return [
        Dataset(
            name="fashion_mnist",
            options=FashionMnist,
            function=fashion_mnist,
            source=cite("xiao2017"),
            shapes="images",
            sample_shape=lambda options: SHAPE,
            classes=CLASSES,
            download_bytes=DOWNLOAD_BYTES,
        )
    ]
