"""Baseline and Baselines: what restores without a network, as records that can be kept and used again.

Knows how an evaluated method restores a batch and how all are written as one file. Does not measure: see
`daecore.evaluation.baselines`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from daecore.corruption.pairs import enlarge
from daecore.data.arrays import load_arrays, save_arrays
from daecore.data.batch_source import Shape
from daecore.errors import InputError, StoreError, choices, in_a_line
from daecore.evaluation.classical import METHODS
from daecore.evaluation.linear import LinearMap
from daecore.evaluation.local_posterior import LocalPosterior

COLUMNS = ("index", "psnr_db", "mse")
LOCAL = "local_posterior:"  # before the names of its arrays


@dataclass(frozen=True)
class Baseline:
    """One method's scores on test samples.

    Attributes:
        name: The method.
        strength: The strength chosen on validation, in the method's own unit; None where it has none.
        index: int64 ``(K,)``, the positions evaluated among all test samples in group order, ascending.
        psnr_db: float32 ``(K,)``; for points empty.
        mse: float32 ``(K,)``, of the estimate clipped to ``[0, 1]``; for points of the estimate as it is.
    """

    name: str
    strength: float | None
    index: NDArray[np.int64]
    psnr_db: NDArray[np.float32]
    mse: NDArray[np.float32]


@dataclass(frozen=True)
class Baselines:
    """All of them, with what is needed to restore again without fitting again.

    Attributes:
        baselines: In the order in which they were evaluated.
        digest: SHA-256 of the pairs that were evaluated.
        skipped: Why a method is missing, by its name.
        linear: The fitted linear map, if any.
        mean_image: The training set's mean, float32 ``shape``, if it fits the test samples.
        local_posterior: The local posterior mean with its training pictures, if it was fitted.
    """

    baselines: tuple[Baseline, ...]
    digest: str
    skipped: Mapping[str, str] = field(default_factory=dict)
    linear: LinearMap | None = None
    mean_image: Tensor | None = None
    local_posterior: LocalPosterior | None = None

    def __getitem__(self, name: str) -> Baseline:
        """The baseline of this name.

        Raises:
            InputError: There is none.
        """
        found = {baseline.name: baseline for baseline in self.baselines}
        if name not in found:
            reason = f" It was skipped: {self.skipped[name]}." if name in self.skipped else ""
            raise InputError(f"No baseline {name!r} was evaluated here.{reason} {choices(name, found)}")
        return found[name]

    def __contains__(self, name: str) -> bool:
        return any(baseline.name == name for baseline in self.baselines)

    @property
    def best(self) -> Baseline:
        """The one with the highest mean dB; for points, the lowest mean squared error. The first on ties."""
        return max(self.baselines, key=lambda it: it.psnr_db.mean() if it.psnr_db.size else -it.mse.mean())

    def mean_db(self, name: str) -> float:
        """The mean PSNR of one baseline over the images it was measured on, in dB."""
        return float(self[name].psnr_db.mean())

    def restore(self, name: str, corrupted: Tensor, shape: Shape) -> Tensor:
        """What a baseline makes of a corrupted batch, at the strength it was evaluated with: for panels.

        Args:
            name: The baseline.
            corrupted: float32 ``(B, ...)``.
            shape: One clean sample's shape.

        Returns:
            float32 ``(B, *shape)`` on the CPU.
        """
        x, strength = corrupted.cpu(), self[name].strength
        if name == "linear" and self.linear is not None:
            return self.linear(x, shape)
        if name == "mean_image" and self.mean_image is not None:
            return self.mean_image.expand(len(x), *shape)
        if name == "local_posterior" and self.local_posterior is not None:
            return self.local_posterior(x, shape)
        return classical(name, x, strength, shape)

    def save(self, path: Path) -> None:
        """Write everything as one ``.npz``: plain arrays and one JSON string, no pickle; equals give equal bytes."""
        rows = [{"name": it.name, "strength": it.strength} for it in self.baselines]
        header = json.dumps({"digest": self.digest, "skipped": dict(self.skipped), "baselines": rows})
        arrays: dict[str, NDArray[Any]] = {"header": np.array(header)}
        for it in self.baselines:
            arrays |= {f"{it.name}.{column}": getattr(it, column) for column in COLUMNS}
        if self.linear is not None:
            arrays |= {"weight": self.linear.weight.numpy(), "bias": self.linear.bias.numpy()}
        if self.mean_image is not None:
            arrays["mean_image"] = self.mean_image.numpy()
        if self.local_posterior is not None:
            arrays |= {f"{LOCAL}{name}": array for name, array in self.local_posterior.to_arrays().items()}
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: Path) -> "Baselines":
        """Read what `save` wrote.

        Raises:
            StoreError: The file is missing, damaged or something else.
        """
        try:
            return _from_arrays(load_arrays(path))
        except (OSError, ValueError, KeyError) as error:
            raise StoreError(
                f"The baselines' file {path} was expected to be an .npz that daecore wrote, and cannot be read: "
                f"{in_a_line(str(error) or repr(error))}. Remove it; the baselines are then measured again."
            ) from error


def classical(name: str, corrupted: Tensor, strength: float | None, shape: Shape) -> Tensor:
    """A batch enlarged to ``shape`` where it is smaller, then denoised; without a strength only enlarged.

    Args:
        name: A key of `METHODS`, or ``identity``.
        corrupted: float32 ``(B, ...)`` on the CPU.
        strength: In the method's own unit.
        shape: One clean sample's shape.
    """
    x = enlarge(corrupted, shape)
    return x if strength is None else METHODS[name].function(x, strength)


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    name: str
    strength: float | None


class _Header(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    digest: str
    skipped: dict[str, str]
    baselines: list[_Row] = Field(min_length=1)


def _from_arrays(arrays: dict[str, NDArray[Any]]) -> Baselines:
    header = _Header.model_validate_json(str(arrays["header"]))
    baselines = (Baseline(row.name, row.strength, **_columns(row.name, arrays)) for row in header.baselines)
    linear = LinearMap(*(_finite(arrays, key) for key in ("weight", "bias"))) if "weight" in arrays else None
    mean = _finite(arrays, "mean_image") if "mean_image" in arrays else None
    local = {name.removeprefix(LOCAL): array for name, array in arrays.items() if name.startswith(LOCAL)}
    local_posterior = LocalPosterior.from_arrays(local) if local else None
    return Baselines(tuple(baselines), header.digest, header.skipped, linear, mean, local_posterior)


def _columns(name: str, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    found = {column: arrays[f"{name}.{column}"] for column in COLUMNS}
    count = len(found["index"]) if found["index"].ndim else 0
    kinds = {"index": (np.int64, (count,)), "mse": (np.float32, (count,)), "psnr_db": (np.float32, (count,))}
    for column, (kind, many) in kinds.items():
        empty = column == "psnr_db" and found[column].size == 0  # of points
        if found[column].dtype != kind or (found[column].shape != many and not empty):
            came = f"{found[column].dtype} {found[column].shape}"
            raise ValueError(f"{name}.{column} is {came} instead of {np.dtype(kind)} {many}")
    return found


def _finite(arrays: dict[str, NDArray[Any]], name: str) -> Tensor:
    if arrays[name].dtype != np.float32 or not np.isfinite(arrays[name]).all():
        raise ValueError(f"{name} holds other values than finite float32")
    return torch.from_numpy(arrays[name])
