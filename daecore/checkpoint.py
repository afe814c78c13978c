"""Checkpoints and weights: safetensors with a JSON header, written atomically, checked when read.

Knows files and tensors. No pickle anywhere: a file that would need it is refused.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, uint8

from daecore.errors import CheckpointError
from daecore.progress import Progress

_PARTS = ("weights", "optimiser", "average", "best")


def save_progress(path: Path, progress: Progress) -> None:
    """Write a training's progress; the old file stays until the new one is whole."""
    tensors = {f"{part}/{name}": value for part in _PARTS for name, value in getattr(progress, part).items()}
    scalars = {"epoch": progress.epoch, "waited": progress.waited}
    if progress.best_loss != float("inf"):
        scalars["best_loss"] = progress.best_loss  # type: ignore[assignment]
    save_tensors(path, tensors, scalars)


def load_progress(path: Path) -> Progress:
    """Read a training's progress.

    Raises:
        CheckpointError: The file is missing, damaged or of another kind.
    """
    tensors, header = load_tensors(path)
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in _PARTS}
    try:
        for key, value in tensors.items():
            part, name = key.split("/", 1)
            parts[part][name] = value
        return Progress(
            epoch=header["epoch"], waited=header["waited"], best_loss=header.get("best_loss", float("inf")), **parts
        )
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path} is not a training's checkpoint: {error!r}. Delete it to start anew.") from None


def save_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write named tensors and a JSON header to one file, atomically and with a checksum."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    text = json.dumps(dict(header), sort_keys=True)
    metadata = {"header": text, "sha256": tensors_digest(plain, text)}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        save_file(plain, temporary, metadata=metadata)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read named tensors and their header.

    Raises:
        CheckpointError: The file is missing, damaged, or not written by `save_tensors`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read as safetensors: {error}. No other format is accepted.") from None
    text, expected = metadata.get("header", "{}"), metadata.get("sha256", "none")
    found = tensors_digest(tensors, text)
    if found != expected:
        raise CheckpointError(f"{path} was altered: its content has sha256 {found}, its header says {expected}.")
    return tensors, json.loads(text)


def tensors_digest(tensors: Mapping[str, Tensor], header: str = "") -> str:
    """SHA-256 of names, types, shapes and values, in the order of names."""
    state = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        state.update(f"{name}:{value.dtype}:{tuple(value.shape)}".encode())
        state.update(value.flatten().view(uint8).numpy().data)
    return state.hexdigest()
