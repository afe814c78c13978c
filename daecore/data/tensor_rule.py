"""The tensor rule, told in one sentence: how samples are stored, and which values and labels they may have.

Knows tensors. What needs no look at a value (type, shape, lengths) is refused where samples are made. What needs one
pass over them is refused once, where a set of samples comes in: a loaded dataset, a `fit`. Whole numbers never need it,
as each is a grey level: a memory map of them is not read. float32 does; a training reads it anyhow in each epoch.
"""

import math

import torch
from torch import Tensor

from daecore.data.batch_source import BatchSource
from daecore.errors import SamplesError

RULE = "images (N, C, H, W) as uint8, uint16, or float32 in [0, 1], or points as float32 (N, D)"
IMAGES = (torch.uint8, torch.uint16, torch.float32)
CHANNELS = 4  # what has no more columns, and more rows and channels, is a picture with its channels last


def require_stored(data: object, labels: object) -> None:
    """Refuse what is not stored by the rule, without looking at a value.

    Args:
        data: uint8, uint16 or float32 ``(N, C, H, W)``, or float32 ``(N, D)``; or a source of such.
        labels: int64 ``(N,)`` on the same device, or None.

    Raises:
        SamplesError: It has another type or shape, or the labels do not fit.
    """
    if isinstance(data, BatchSource):
        data = torch.empty(
            (len(data), *data.shape), dtype=data.dtype, device="meta"
        )  # looks like it, and holds nothing
        labels = labels.to("meta") if isinstance(labels, Tensor) else labels
    if not isinstance(data, Tensor):
        raise SamplesError(f"Samples hold {RULE}, but `data` is {_name(data)}. Give a torch tensor: torch.from_numpy.")
    images = data.dtype in IMAGES and data.ndim == 4
    if not images and not (data.dtype == torch.float32 and data.ndim == 2):
        raise SamplesError(f"Samples hold {RULE}, but `data` is {kind_of(data)}. {_advice(data)}")
    if images and data.shape[3] <= CHANNELS < min(data.shape[1:3]):
        raise SamplesError(
            f"Samples hold {RULE}, but `data` is {kind_of(data)}, with the channels last. Use data.permute(0, 3, 1, 2)."
        )
    if labels is None:
        return
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64 or labels.shape != data.shape[:1]:
        came = kind_of(labels) if isinstance(labels, Tensor) else _name(labels)
        raise SamplesError(
            f"Samples have labels as int64 ({len(data)},), one for each sample, but `labels` is {came}. Give class "
            "numbers from 0, as labels.long()."
        )
    if labels.device != data.device:
        raise SamplesError(
            f"Samples lie on one device, but `data` lies on {data.device} and `labels` on {labels.device}."
        )


def require_values(source: BatchSource, labels: Tensor | None, what: str, *, classes: int | None = None) -> None:
    """Refuse samples that nothing can be learnt from: none at all, points that are not finite, labels out of range.

    Args:
        source: As `require_stored` takes it; float32 is read once, by the batch.
        labels: Likewise.
        what: Which samples, for the message.
        classes: The number of classes, where it is known.

    Raises:
        SamplesError: They are such.
    """
    if not len(source):
        raise SamplesError(f"There are no {what}: the set is empty.")
    if source.device.type == "meta":
        return
    _require_range(source, what)
    if labels is None:
        return
    low, high = _bounds(labels)
    if low < 0 or (classes is not None and high >= classes):
        expected = "from 0" if classes is None else f"from 0 to {classes - 1}"
        raise SamplesError(f"The {what} must have labels {expected}, but have labels from {low:.0f} to {high:.0f}.")


def _require_range(source: BatchSource, what: str) -> None:
    """Refuse floats that are not finite, and pictures beyond 0 and 1."""
    if source.dtype != torch.float32 or source.sound:
        return
    bounds = [_bounds(part) for part in source.parts()]
    low, high = min(it[0] for it in bounds), max(it[1] for it in bounds)
    if not all(math.isfinite(value) for pair in bounds for value in pair):
        rows = torch.cat([(~part.isfinite()).flatten(1).sum(1) for part in source.parts()])
        first = int(rows.nonzero()[0].item())
        raise SamplesError(
            f"The {what} must be finite, but {int(rows.sum().item()):,} of their values are NaN or infinite, the "
            f"first in sample {first}. Leave such samples out."
        )
    if len(source.shape) == 3 and (low < 0 or high > 1):
        raise SamplesError(
            f"The {what} must have values from 0 to 1, but have values from {low:.6g} to {high:.6g}. Divide them by "
            "what white is."
        )


def _bounds(values: Tensor) -> tuple[float, float]:
    """The lowest and the highest value, in one pass that allocates nothing; NaN where there is one."""
    if not values.numel():
        return 0.0, 0.0
    low, high = torch.stack(values.aminmax()).tolist()  # one wait for the device
    return low, high


def _advice(data: Tensor) -> str:
    if data.is_floating_point() and data.ndim == 4:
        return "Of images in [0, 1] use data.float(); others are first divided by what white is."
    if data.dtype == torch.uint8 and data.ndim == 3:
        return "Of grey images (N, H, W) use data[:, None]."
    if data.ndim == 2:
        return "Of points use data.float()."
    return "Give images a channel (N, 1, H, W), and flatten points to (N, D)."


def kind_of(value: Tensor) -> str:
    """Type and shape of a tensor, as ``float32 (3, 4)``."""
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"


def _name(value: object) -> str:
    return f"of type {type(value).__module__}.{type(value).__name__}".replace("builtins.", "")
