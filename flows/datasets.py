"""Datasets in memory: a bounded memo of loaded tensors, checked by digest.

One of the two process caches the project allows; the other is the registry.
"""

from functools import lru_cache

from daecore.errors import DataError
from daecore.samples import Splits
from daecore.spec import Spec

from .records import DatasetRef, DatasetRequest
from .store import current_store


def load(request: DatasetRequest) -> DatasetRef:
    """Load a dataset and describe it."""
    splits = _splits(request.data)
    test = sum(len(group) for group in splits.test)
    return DatasetRef(
        data=request.data,
        sha256=splits.digest,
        shape=splits.train.shape,
        classes=splits.classes,
        sizes={"train": len(splits.train), "validation": len(splits.validation), "test": test},
    )


def splits_of(dataset: DatasetRef, device: str = "cpu") -> Splits:
    """The tensors of a dataset, on a device.

    Raises:
        DataError: What is loaded now is not what the reference was made of.
    """
    splits = _splits(dataset.data)
    if splits.digest != dataset.sha256:
        raise DataError(
            f"The dataset {dataset.data} has changed: sha256 {splits.digest} was loaded, but {dataset.sha256} was "
            "expected. Run again with --fresh."
        )
    return splits if device == "cpu" else _on_device(dataset.sha256, dataset.data, device)


@lru_cache(maxsize=2)
def _splits(data: Spec) -> Splits:
    splits: Splits = data.extension.function(data.options, cache=current_store().data)
    return splits


@lru_cache(maxsize=1)
def _on_device(sha256: str, data: Spec, device: str) -> Splits:
    return _splits(data).to(device)
