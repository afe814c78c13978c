"""The 8 x 8 digits inside scikit-learn (Alpaydin and Kaynak, 1998): real data that needs no download."""

from pathlib import Path

import torch

from daecore import Dataset, Options, Samples, Splits, hookimpl, stream

from ..bibliography import cite

SHAPE = (1, 8, 8)
SIZES = (1_297, 200, 300)  # train, validation, test


class Digits(Options):
    """Handwritten digits, 8 x 8, grey: 1,297 to train, 200 to validate, 300 to test; no download."""


def digits(options: Digits, *, cache: Path) -> Splits:
    """Load the digits: uint8 ``(N, 1, 8, 8)``, their 17 grey levels spread over 0..255, with labels."""
    from sklearn.datasets import load_digits  # slow to import

    pixels, labels = load_digits(return_X_y=True)  # (1797, 64), values 0..16
    images = (torch.from_numpy(pixels) * (255 / 16)).round().to(torch.uint8).reshape(-1, *SHAPE)
    known = Samples(images, torch.from_numpy(labels).long())
    order = torch.randperm(len(known), generator=stream(0, "digits", "split"))
    train, validation, test = (known.select(part) for part in order.split(SIZES))
    return Splits(train, validation, (test,), classes=10)


@hookimpl
def register_datasets() -> list[Dataset]:
    """Ship `digits`."""
    return [
        Dataset(
            name="digits",
            options=Digits,
            function=digits,
            source=cite("alpaydin1998"),
            shapes="images",
            sample_shape=lambda options: SHAPE,
            classes=10,
        )
    ]
