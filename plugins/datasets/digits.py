"""The 1,797 handwritten digits of 8x8 pixels that scikit-learn ships: nothing to download."""

from pathlib import Path

import torch

from daecore import Extension, Options, Samples, Splits, hookimpl
from daecore.rng import stream


class Digits(Options):
    """1,797 handwritten digits of 8x8 pixels, shipped with scikit-learn."""


def digits(options: Digits, *, cache: Path) -> Splits:
    """Load the digits; sixteen grey levels become 0..255."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = torch.from_numpy(found.images).mul(255 / 16).round().to(torch.uint8)[:, None]
    samples = Samples(images, torch.from_numpy(found.target).long())
    order = torch.randperm(len(samples), generator=stream(0, "digits", "split"))
    train, validation, test = (samples.select(part) for part in order.split([1297, 200, 300]))
    return Splits(train, validation, (test,), classes=10)


@hookimpl
def register_datasets() -> list[Extension]:
    """Ship `digits`."""
    return [
        Extension(
            name="digits",
            options=Digits,
            function=digits,
            shapes="images",
            sample_shape=lambda options: (1, 8, 8),
            classes=10,
        )
    ]
