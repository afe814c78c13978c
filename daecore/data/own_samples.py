"""Samples of what users have: an array, a torch Dataset or DataLoader, a folder of pictures.

Knows how these hold samples, and what of it the tensor rule allows. Does not split.
"""

import os
from collections.abc import Sized
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler, SequentialSampler, default_collate

from daecore.data.batch_source import BatchSource, Shape, digest_of
from daecore.data.crops import by_size
from daecore.data.decoding import decode
from daecore.data.image_search import find_images
from daecore.data.ranged import in_range
from daecore.data.samples import Samples
from daecore.data.tensor_rule import CHANNELS
from daecore.errors import DataError, InputError, SamplesError, in_a_line, quote
from daecore.paths import user_path

DATA, DEFAULT = "DAE_DATA", "~/.cache/daecore"  # the variable that names the data folder, and where it lies without


def samples_of(given: object, labels: object = None, *, colour: bool = False, cache: Path | None = None) -> Samples:
    """Samples of an array, a torch Dataset or DataLoader, or a folder of pictures of one size.

    Args:
        given: A numpy array or tensor ``(N, C, H, W)``, ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, D)``; uint8,
            uint16, or floats in ``[0, 1]`` (points: any). A Dataset or DataLoader of such samples, or of pairs with a
            label; of a Dataset with a length items are read when they are needed. Or a folder.
        labels: Class numbers, ``(N,)``; a Dataset brings its own.
        colour: Read a folder's pictures with three channels.
        cache: Where a folder's decoded pictures are kept; by default ``~/.cache/daecore``.

    Raises:
        SamplesError: It is nothing of these, or breaks the tensor rule.
        InputError: The folder is not there, or has no pictures.
        DataError: Pictures cannot be read, or differ in size.
    """
    if labels is not None and not isinstance(given, np.ndarray | Tensor):
        raise SamplesError("Samples.of takes labels beside an array; a Dataset brings its own, and a folder has none.")
    if isinstance(given, str | Path):
        kept = cache or Path(os.environ.get(DATA) or DEFAULT).expanduser()
        return _of_folder(user_path(given, "The folder of Samples.of"), colour, kept)
    if isinstance(given, DataLoader):
        return samples_of(_dataset_of(given))
    if isinstance(given, IterableDataset):
        return _of_items([*given])
    if isinstance(given, Dataset):
        if not isinstance(given, Sized):
            raise SamplesError("A torch Dataset has a length, but this one has no __len__. Give it one.")
        source = _Items(given, *_looks(given))
        return Samples(source, source.labels)
    if isinstance(given, np.ndarray | Tensor):
        return Samples(_stored(_tensor(given)), None if labels is None else _tensor(labels).long())
    raise SamplesError(
        f"Samples.of takes an array, a torch Dataset or DataLoader, or a folder, but {quote(given)} came. Convert it: "
        "numpy.asarray."
    )


@dataclass(frozen=True)
class _Items(BatchSource):
    """A torch Dataset, whose items are read when they are needed."""

    by_value = True

    dataset: Any
    item_shape: Shape
    item_type: torch.dtype
    labelled: bool

    @property
    def shape(self) -> Shape:
        """Of one sample."""
        return self.item_shape

    @property
    def dtype(self) -> torch.dtype:
        """As they are stored."""
        return self.item_type

    @cached_property
    def digest(self) -> str:
        """SHA-256 of type, shape and values of all items, which are read for it once."""
        return digest_of(self)

    @cached_property
    def labels(self) -> Tensor | None:
        """int64 ``(N,)``: of a dataset that names its targets those, else all items are read once."""
        if not self.labelled:
            return None
        changed = getattr(self.dataset, "target_transform", None) is not None
        targets = None if changed else getattr(self.dataset, "targets", None)
        if targets is not None and len(targets) == len(self):
            return torch.as_tensor(targets).long()
        return torch.tensor([_label(self.dataset[number]) for number in range(len(self))])

    def __len__(self) -> int:
        return len(self.dataset)

    def read(self, index: Tensor) -> Tensor:
        """Some of them."""
        items = [_sample(self.dataset[number]) for number in index.tolist()]
        wrong = next((it for it in items if tuple(it.shape) != self.shape or it.dtype != self.dtype), None)
        if wrong is not None:
            raise SamplesError(
                f"Items of a Dataset are alike, but one is {wrong.dtype} {tuple(wrong.shape)} and the first "
                f"{self.dtype} {self.shape}. Crop or convert them."
            )
        return torch.stack(items)


def _looks(dataset: Any) -> tuple[Shape, torch.dtype, bool]:
    """Shape and type of the first item, and whether it has a label."""
    if not len(dataset):
        raise SamplesError("The Dataset is empty. Give one with items.")
    item = dataset[0]
    first = _sample(item)
    return tuple(first.shape), first.dtype, _is_labelled(item)


def _is_labelled(item: Any) -> bool:
    return isinstance(item, tuple | list) and len(item) > 1


def _sample(item: Any) -> Tensor:
    """An item's sample, without its label: a tensor, an array or a picture of Pillow's."""
    value = item[0] if isinstance(item, tuple | list) else item
    return _stored(torch.as_tensor(value if isinstance(value, Tensor) else np.array(value))[None])[0]


def _label(item: Any) -> int:
    try:
        return int(item[1])
    except (TypeError, ValueError, RuntimeError):
        raise SamplesError(
            f"The second of an item is its class number, but {quote(item[1])} came. Give a Dataset of samples with "
            "class numbers, or of samples alone."
        ) from None


def _stored(values: Tensor) -> Tensor:
    """As the tensor rule has it: with channels, in front; doubles as floats."""
    values = values.float() if values.dtype in (torch.float64, torch.float16, torch.bfloat16) else values
    if values.ndim == 3:
        return values[:, None]
    last = values.ndim == 4 and values.shape[3] <= CHANNELS < min(values.shape[1:3])
    return values.permute(0, 3, 1, 2).contiguous() if last else values


def _tensor(values: Any) -> Tensor:
    """An array as a tensor, over the same memory where that can be."""
    try:
        if isinstance(values, Tensor):
            return values
        given = np.asarray(values)
        plain = given.flags.writeable and min(given.strides, default=1) > 0
        return torch.as_tensor(given if plain else given.copy())
    except (TypeError, ValueError, RuntimeError) as error:
        said = in_a_line(str(error)).rstrip(".")
        raise SamplesError(f"Samples.of cannot make a tensor of what it got: {said}. Convert it first.") from None


def _dataset_of(loader: Any) -> Any:
    """What a loader reads from, if it gives all of that as it is; the order is the training's affair."""
    streamed = isinstance(loader.dataset, IterableDataset)
    if not streamed and not isinstance(loader.sampler, SequentialSampler | RandomSampler):
        raise SamplesError(
            f"The DataLoader draws with a {type(loader.sampler).__name__}, so that it gives only some of its samples. "
            "Give torch.utils.data.Subset(dataset, indices) instead."
        )
    if loader.collate_fn is not default_collate:
        raise SamplesError("The DataLoader makes its batches by a collate_fn of its own. Give its dataset instead.")
    return loader.dataset


def _of_items(items: list[Any]) -> Samples:
    """All items of an iterable, in memory."""
    if not items:
        raise SamplesError("The Dataset is empty. Give one with items.")
    labels = torch.tensor([_label(item) for item in items]) if _is_labelled(items[0]) else None
    return Samples(torch.stack([_sample(item) for item in items]), labels)


def _of_folder(folder: Path, colour: bool, cache: Path) -> Samples:
    if not folder.is_dir():
        raise InputError(f"Samples.of was given {str(folder)!r}, but there is no such folder.")
    found = find_images(folder)
    if not found.listed:
        raise InputError(f"Samples.of found no picture in {str(folder)!r}: {found}. {found.searched_for}")
    decoded = in_range(decode(found.listed, 3 if colour else 1, cache), found.listed, "auto")
    if decoded.bad:
        raise DataError("\n".join(decoded.bad))
    groups = by_size(decoded.pictures)
    if len(groups) > 1:
        sizes = sorted({f"{it.shape[1]} x {it.shape[2]}" for it in groups})
        raise DataError(
            f"The pictures in {folder} have {len(sizes)} sizes ({', '.join(sizes[:4])}), but samples have one. Use the "
            "dataset image_folder, which cuts crops."
        )
    return Samples(groups[0])
