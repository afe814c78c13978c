"""A loaded dataset: how to load it again, and the digest of its tensors."""

from daecore.data.value_range import ValueRange
from daecore.plugin.spec import DatasetSpec
from daecore.record import Record


class DatasetRef(Record):
    """A loaded dataset: how to load it again, and the digest of its tensors."""

    spec: DatasetSpec
    sha256: str
    shape: tuple[int, ...]
    test_shapes: tuple[tuple[int, ...], ...]
    classes: int | None
    smallest_class: int
    sizes: dict[str, int]
    value_range: ValueRange | None = None
