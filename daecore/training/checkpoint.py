"""Checkpoints and weights: safetensors with a header, written atomically, checked when read.

Knows files and tensors. No pickle anywhere: a file that would need it is refused. Whether the tensors are those of a
network is `daecore.model.weights`' affair.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, uint8

from daecore.errors import CheckpointError, in_a_line, quote
from daecore.plugin.spec import explain
from daecore.training.state import TrainingState
from daecore.whole_file import whole_file

FORMAT: Final = 2  # of the files; 1 had other words
_PARTS = ("weights", "optimiser", "average", "best")
MOST_BYTES = 16_000_000  # of names, shapes and header: a training of 10,000 tensors needs six
MOST_CHARACTERS = 100_000  # of the header alone: a network's options and plugins need some thousand


class Header(BaseModel):
    """What a file says beside its tensors, as one value: unknown fields and other types are refused.

    Attributes:
        what: What such a file is, for messages.
        format: Of the file; others are written by another daecore.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)
    what: ClassVar[str] = "a file of tensors"
    format: Literal[2] = FORMAT


class CheckpointHeader(Header):
    """How far a training has come.

    Attributes:
        epoch: The last whole one.
        waited: For how many epochs nothing was better.
        best_loss: On the validation set; infinite before the first.
    """

    what: ClassVar[str] = "a training's checkpoint"
    epoch: int = Field(ge=0, le=1_000_000)
    waited: int = Field(ge=0)
    best_loss: float = Field(default=float("inf"), allow_inf_nan=True)  # left out in JSON, which has no word for it

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.waited > self.epoch:
            raise ValueError(f"{self.waited} of {self.epoch} epochs cannot have been waited for")
        if not self.best_loss > -float("inf"):
            raise ValueError(f"a loss cannot be {self.best_loss}")
        return self


AnyHeader = TypeVar("AnyHeader", bound=Header)


def save_training_state(path: Path, state: TrainingState) -> None:
    """Write a training's state; the old file stays until the new one is whole."""
    tensors = {f"{part}/{name}": value for part in _PARTS for name, value in getattr(state, part).items()}
    header = CheckpointHeader(epoch=state.epoch, waited=state.waited, best_loss=state.best_loss)
    save_tensors(path, tensors, header)


def load_training_state(path: Path) -> TrainingState:
    """Read a training's state. Whether it is that of a given network is looked at when it is taken up.

    Raises:
        CheckpointError: The file is missing, damaged or of another kind.
    """
    tensors, header = load_tensors(path, CheckpointHeader)
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in _PARTS}
    for key, value in tensors.items():
        part, _, name = key.partition("/")
        if part not in parts:
            raise CheckpointError(
                f"{path} is not {CheckpointHeader.what}: it holds a tensor {quote(key)}, and tensors of a training "
                f"begin with one of {', '.join(f'{known}/' for known in _PARTS)}."
            )
        parts[part][name] = value
    return TrainingState(epoch=header.epoch, waited=header.waited, best_loss=header.best_loss, **parts)


def save_tensors(path: Path, tensors: Mapping[str, Tensor], header: Header) -> None:
    """Write named tensors and a header to one file, atomically and with a checksum."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    said = header.model_dump(mode="json", exclude_defaults=True) | {"format": header.format}
    text = json.dumps(said, sort_keys=True)
    metadata = {"header": text, "sha256": tensors_digest(plain, text)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        save_file(plain, temporary, metadata=metadata)


def load_tensors(path: Path, kind: type[AnyHeader]) -> tuple[dict[str, Tensor], AnyHeader]:
    """Read named tensors and their header.

    Args:
        path: The file.
        kind: What its header must be.

    Raises:
        CheckpointError: The file is missing, damaged, not written by `save_tensors`, or its header is another one.
    """
    try:
        _require_small(path)
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            metadata = file.metadata() or {}
    except (OSError, ValueError, SafetensorError) as error:
        said = in_a_line(str(error)).rstrip(".")
        raise CheckpointError(f"{path} cannot be read as safetensors: {said}. No other format is accepted.") from None
    if not {"header", "sha256"} <= metadata.keys():
        raise CheckpointError(f"{path} is not {kind.what}: it is without the header that daecore writes.")
    text, expected = metadata["header"], metadata["sha256"]
    found = tensors_digest(tensors, text)
    if found != expected:
        raise CheckpointError(
            f"{path} was altered: its content has sha256 {found}, its header says {in_a_line(expected)}."
        )
    return tensors, _header(text, kind, path)


def tensors_digest(tensors: Mapping[str, Tensor], header: str = "") -> str:
    """SHA-256 of names, types, shapes and values, in the order of names."""
    state = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        state.update(f"{name}:{value.dtype}:{tuple(value.shape)}".encode())
        state.update(value.flatten().view(uint8).numpy().data)
    return state.hexdigest()


def _require_small(path: Path) -> None:
    """The format's own limit of what comes before the tensors is 100 MB, all of which would be taken apart."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
    if size > MOST_BYTES:
        raise ValueError(f"it begins with a header of {size:,} bytes, and at most {MOST_BYTES:,} are read")


def _header(text: str, kind: type[AnyHeader], path: Path) -> AnyHeader:
    if len(text) > MOST_CHARACTERS:
        raise CheckpointError(
            f"{path} is not {kind.what}: its header has {len(text):,} characters, and at most {MOST_CHARACTERS:,} are "
            "read."
        )
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        said = _other_format(text) or f"is not {kind.what}: {explain(error, 'header', first=True)}"
        raise CheckpointError(f"{path} {said}.") from None


def _other_format(text: str) -> str:
    """What to say of a file in an earlier or a later format; empty for others. Format 1 did not always say so."""
    try:
        found = from_json(text, allow_inf_nan=False)
    except ValueError:
        return ""
    number = found.get("format", 1) if isinstance(found, dict) else FORMAT
    if type(number) is not int or number in (0, FORMAT):
        return ""
    what = "train it again, or use the version that wrote it" if number < FORMAT else "use a later one"
    return f"was written in format {quote(number)}, and this daecore reads format {FORMAT}: {what}"
