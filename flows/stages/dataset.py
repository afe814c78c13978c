"""The stage that loads a dataset, and its tensors in memory: a bounded memo, checked by digest.

One of the two process caches the project allows; the other is the registry.
"""

import hashlib
import time
from functools import lru_cache
from pathlib import Path

from daecore.data.image_listing import Found
from daecore.data.image_search import remember_searches
from daecore.data.samples import Splits
from daecore.errors import DataError
from daecore.experiment.experiment import Experiment
from daecore.experiment.loading import load_splits, renew_splits
from daecore.plugin.spec import DatasetSpec

from ..store.dataset_ref import DatasetRef
from ..store.store import current_store
from .stage import Request, stage

BEGAN = time.time()  # of this process
CHANGES = 4  # lines of a fingerprint that a message tells
_searches: dict[Path, Found] = {}  # of the folders that the last request looked into


class DatasetRequest(Request):
    """Load a dataset; one of a user's files as they looked when this was asked."""

    spec: DatasetSpec
    fingerprint: str = ""
    since: float = 0

    def anew(self) -> "DatasetRequest":
        """The same, also where its sets were written before this process began; of files their looks tell enough."""
        return self if self.spec.extension.fingerprint else self.model_copy(update={"since": BEGAN})


def dataset_request(experiment: Experiment) -> DatasetRequest:
    """Load the experiment's dataset; a dataset made of a user's files is keyed by how they look now."""
    data = experiment.dataset
    _searches.clear()
    _texts.cache_clear()
    fingerprint = fingerprint_of(data)
    inputs = {"dataset": data.dump(), "fingerprint": fingerprint}
    return DatasetRequest(key=load_dataset.key_of(inputs, [data]), spec=data, fingerprint=fingerprint)


@stage(
    code=("daecore.experiment.loading", "daecore.rng", "daecore.data.decoding"),
    libraries=("pillow", "tifffile", "imagecodecs"),
)
def load_dataset(request: DatasetRequest) -> DatasetRef:
    """Load the dataset, fetching it first if need be, and describe it.

    Raises:
        DataError: The user's files are not those of which the request was made, or change while they are read.
    """
    if request.since and renew_splits(request.spec, current_store().data, request.since):
        _load.cache_clear()
    splits = _load(request.spec, request.fingerprint, current_store().data)
    test = sum(len(group) for group in splits.test)
    return DatasetRef(
        spec=request.spec,
        sha256=splits.digest,
        shape=splits.train.shape,
        test_shapes=tuple(dict.fromkeys(group.shape for group in splits.test)),
        classes=splits.classes,
        smallest_class=_smallest_class(splits),
        sizes={"train": len(splits.train), "validation": len(splits.validation), "test": test},
        value_range=splits.value_range,
    )


def splits_of(dataset: DatasetRef, device: str = "cpu") -> Splits:
    """The tensors of a dataset, on a device.

    Raises:
        DataError: What is loaded now is not what the reference was made of.
    """
    splits = _splits(dataset.spec)
    if splits.digest != dataset.sha256:
        raise DataError(
            f"The dataset {dataset.spec} has changed: sha256 {splits.digest} was loaded, but {dataset.sha256} was "
            "expected. Run again with --fresh."
        )
    return splits if device == "cpu" else _on_device(dataset.sha256, dataset.spec, device)


def _smallest_class(splits: Splits) -> int:
    """How many training samples the rarest class has; 0 without labels."""
    labels = splits.train.labels
    return 0 if labels is None or not splits.classes else int(labels.bincount(minlength=splits.classes).min())


def fingerprint_of(data: DatasetSpec) -> str:
    """How a dataset that is made of a user's files looked when it was asked for, as a digest; empty for others."""
    text = _texts(data)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest() if text else ""


@lru_cache(maxsize=4)
def _texts(data: DatasetSpec) -> str:
    """What the dataset says of its files: looked at once for each time it is asked for."""
    return _look(data)


def _look(data: DatasetSpec) -> str:
    fingerprint = data.extension.fingerprint
    with remember_searches(_searches):
        return str(fingerprint(data.options)) if fingerprint else ""


def _splits(data: DatasetSpec) -> Splits:
    return _load(data, fingerprint_of(data), current_store().data)


@lru_cache(maxsize=2)
def _load(data: DatasetSpec, fingerprint: str, folder: Path) -> Splits:
    """The samples, and certainly of the files that the fingerprint stands for.

    They are looked at again afterwards; `image_folder` looks at each file when it decodes it.
    """
    before = _texts(data)
    if fingerprint_of(data) == fingerprint:
        with remember_searches(_searches):
            splits = load_splits(data, folder)
        if (now := _look(data)) == before:
            return splits.require_values()
    else:
        now = before
    changed = sorted(set(before.splitlines()) ^ set(now.splitlines()))
    more = f" and {len(changed) - CHANGES} more" if len(changed) > CHANGES else ""
    said = f": {'; '.join(changed[:CHANGES])}{more}" if changed else ""
    raise DataError(
        f"The files of the dataset {data.name} have changed since this run looked at them{said}. Nothing was kept of "
        "it. Run again when nobody writes there."
    )


@lru_cache(maxsize=1)
def _on_device(sha256: str, data: DatasetSpec, device: str) -> Splits:
    return _splits(data).to(device)
