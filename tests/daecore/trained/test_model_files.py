"""What the files of models and checkpoints guarantee: loaded to the bit, or refused in one sentence."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from daecore_flows.cli import main
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from daecore.errors import DaecoreError, InputError, StoreError
from daecore.experiment.provenance import provenance
from daecore.model.autoencoder import Shapes, initialise
from daecore.model.weights import misfit, non_finite
from daecore.plugin.spec import spec
from daecore.trained.model_file import ModelHeader, load_model
from daecore.training.checkpoint import (
    FORMAT,
    MOST_BYTES,
    load_training_state,
    save_tensors,
    save_training_state,
    tensors_digest,
)
from daecore.training.state import TrainingState

ARCHITECTURE, SHAPES = spec("architecture", {"dense": {"widths": [6], "code": 3}}), Shapes((1, 4, 4), (1, 4, 4))
NETWORK = initialise(ARCHITECTURE, SHAPES, 0).eval()
WEIGHTS = NETWORK.state_dict()
HEADER: dict[str, Any] = {
    "architecture": ARCHITECTURE.dump(),
    "input_shape": [1, 4, 4],
    "output_shape": [1, 4, 4],
    "plugins": provenance([ARCHITECTURE]),
    "format": FORMAT,
}
FIRST = "encoder.1.weight"
LONGEST = 700  # characters of a message about a file, its path included


def written(path: Path, header: object = None, tensors: dict[str, Tensor] | None = None, text: str = "") -> Path:
    """A file whose checksum is right, whatever it holds."""
    tensors = WEIGHTS if tensors is None else tensors
    text = text or json.dumps(HEADER if header is None else header)
    save_file(tensors, path, metadata={"header": text, "sha256": tensors_digest(tensors, text)})
    return path


def refused(load: Callable[[Path], object], path: Path) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(DaecoreError) as told:
        load(path)
    said = str(told.value)
    assert str(path) in said
    assert "\n" not in said
    assert len(said) < LONGEST, said
    return said


def loaded(load: Callable[[Path], Any], path: Path) -> Any:
    """What a file holds; None where it is refused in one sentence. Any other error comes out."""
    try:
        return load(path)
    except (StoreError, InputError) as error:
        said = str(error)
    assert str(path) in said
    assert "\n" not in said
    assert len(said) < LONGEST, said
    return None


def test_a_model_comes_back_to_the_bit(tmp_path: Path) -> None:
    """As publishing writes it, and as an earlier daecore wrote it."""
    save_tensors(tmp_path / "new", WEIGHTS, ModelHeader.model_validate_json(json.dumps(HEADER)))
    for path in (tmp_path / "new", written(tmp_path / "old")):
        loaded = load_model(path)
        assert tensors_digest(loaded.state_dict()) == tensors_digest(WEIGHTS)
        assert not loaded.training


DEEP = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plugins": [1]}, "header.plugins: Input should be an object, got [1]"),
        ({"plugins": {"architecture dense": 5}}, "Input should be a valid string, got 5"),
        ({"input_shape": 5}, "header.input_shape: Input should be a valid array, got 5"),
        ({"input_shape": [1, 4.0, 4]}, "Input should be a valid integer, got 4.0"),
        ({"input_shape": [True, 4, 4]}, "Input should be a valid integer, got True"),
        ({"input_shape": [1, -4, 4]}, "greater than or equal to 1, got -4"),
        ({"input_shape": [1, 2**31, 2**31]}, "less than or equal to"),
        ({"output_shape": [1, 10**6, 10**6]}, "a sample of 1e+12 values is larger than any"),
        ({"input_shape": []}, "at least 1 item"),
        ({"architecture": "dense"}, "header.architecture: Input should be an object, got 'dense'"),
        ({"architecture": {}}, "at least 1 item"),
        ({"architecture": {"dense": {}, "conv": {}}}, "at most 1 item"),
        ({"architecture": {"dense": {"widths": "many"}}}, "cannot be built: architecture.widths: Input should be"),
        ({"architecture": {"dense": {"depth": 5}}}, "cannot be built"),
        ({"architecture": {"nobodys": {}}}, "cannot be built. There is no architecture"),
        ({"format": 3}, "was written in format 3, and this daecore reads format 2: use a later one"),
        ({"format": 1}, "was written in format 1, and this daecore reads format 2: train it again, or use the version"),
        ({"format": 1, "surprise": 5}, "was written in format 1"),
        ({"format": 0}, "header.format: Input should be 2, got 0"),
        ({"surprise": "x" * 9000}, "Extra inputs are not permitted, got 'xxx"),
        ({"x" * 9000: 1}, "(9,007 characters): Extra inputs"),
        ({f"surprise {n}": n for n in range(500)}, "(and 499 more)"),
    ],
)  # fmt: skip
def test_a_header_that_is_wrong_is_told_in_a_sentence(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """What was expected and what came, a line of it at most, however much is wrong."""
    assert message in refused(load_model, written(tmp_path / "file", HEADER | changes))


@pytest.mark.parametrize(
    "text", ["[]", "5", "null", '"text"', "{", DEEP, '{"architecture": ' + DEEP + "}", '{"a": NaN}']
)
@pytest.mark.parametrize("load", [load_model, load_training_state])
def test_a_header_that_is_no_object_is_told_in_a_sentence(
    tmp_path: Path, text: str, load: Callable[[Path], object]
) -> None:
    """Lists, numbers, half an object, and nesting that would exhaust the stack."""
    assert "is not a" in refused(load, written(tmp_path / "file", text=text))


def other(**changes: Tensor | None) -> dict[str, Tensor]:
    """The weights with some replaced, added, or left out where that is None."""
    names = {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in (WEIGHTS | names).items() if value is not None}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({}, "8 are missing (the first is 'encoder.1.weight')"),
        (other(encoder__1__weight=None), "1 is missing ('encoder.1.weight')"),
        (other(more=torch.ones(1)), "1 is unknown ('more')"),
        (other(encoder__1__weight=WEIGHTS[FIRST].half()), "float16 (6, 16) instead of float32 (6, 16)"),
        (other(encoder__1__weight=WEIGHTS[FIRST].double()), "float64 (6, 16) instead of float32 (6, 16)"),
        (other(encoder__1__weight=torch.ones(16, 6)), "float32 (16, 6) instead of float32 (6, 16)"),
        (other(encoder__1__bias=torch.tensor([0, 0, torch.nan, 0, 0, 0])), "'encoder.1.bias' hold NaN or infinity"),
        (other(encoder__1__bias=torch.full((6,), -torch.inf)), "'encoder.1.bias' hold NaN or infinity"),
    ],
)  # fmt: skip
def test_weights_of_another_network_are_told_in_a_sentence(
    tmp_path: Path, tensors: dict[str, Tensor], message: str
) -> None:
    """How many are missing, unknown or of another shape or type, and the first of each."""
    assert message in refused(load_model, written(tmp_path / "file", tensors=tensors))


def test_a_large_network_is_not_built_for_a_small_file(tmp_path: Path) -> None:
    """The header names 16 GB of weights: they are compared before any room is made."""
    large = {"architecture": {"dense": {"widths": [16384, 16384, 16384], "code": 4096}}}
    shape = {"input_shape": [1, 100, 100], "output_shape": [1, 100, 100]}
    assert "of another shape" in refused(load_model, written(tmp_path / "file", HEADER | large | shape))


def test_a_header_too_large_is_not_read(tmp_path: Path) -> None:
    """Neither the part that lists the tensors, nor ours inside it."""
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 100_000_000))
        file.truncate(100_000_008)
    assert f"at most {MOST_BYTES:,} are read" in refused(load_model, path)
    assert "at most 100,000 are read" in refused(load_model, written(path, HEADER | {"surprise": "x" * 1_000_000}))
    overflowing = b'{"a":{"dtype":"F32","shape":[8589934592,8589934592],"data_offsets":[0,4]}}'
    path.write_bytes(struct.pack("<Q", len(overflowing)) + overflowing + bytes(4))
    assert "overflow" in refused(load_model, path)


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    """A checkpoint is no model, a model no checkpoint, other people's safetensors neither."""
    save_training_state(tmp_path / "checkpoint", progress())
    assert "is not a model that daecore wrote" in refused(load_model, tmp_path / "checkpoint")
    assert "is not a training's checkpoint" in refused(load_training_state, written(tmp_path / "model"))
    save_file(WEIGHTS, tmp_path / "theirs")
    assert "is without the header that daecore writes" in refused(load_model, tmp_path / "theirs")
    assert "cannot be read as safetensors" in refused(load_model, tmp_path)
    assert "cannot be read as safetensors" in refused(load_model, tmp_path / "nowhere")


def test_infinity_that_a_network_was_built_with_is_no_damage() -> None:
    """A mask that is added to what a network computes holds minus infinity on purpose."""
    mask = {"mask": torch.tensor([0.0, -torch.inf])}
    assert non_finite(mask, mask) == ""
    assert non_finite({"mask": torch.tensor([-torch.inf, -torch.inf])}, mask) == "mask"
    assert (
        non_finite(
            {"none": torch.ones(0), "count": torch.tensor(3)},
            {"none": torch.ones(0)} | mask | {"count": torch.tensor(0)},
        )
        == ""
    )
    assert misfit(mask, mask) == ""


def test_dae_restore_tells_what_is_wrong_with_a_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One paragraph and exit status 2, before a picture is read."""
    from PIL import Image

    Image.new("L", (8, 8)).save(tmp_path / "in.png")
    path = written(tmp_path / "model.safetensors", HEADER | {"plugins": [1]})
    assert main(["restore", str(path), str(tmp_path / "in.png"), str(tmp_path / "out.png")]) == 2
    said = capsys.readouterr().err
    assert "plugins: Input should be an object" in " ".join(said.split())
    assert "Traceback" not in said


def progress(**changes: Any) -> TrainingState:
    """What a training of the network may have left."""
    moments = {
        f"{name}.{key}": torch.zeros(()) if key == "step" else torch.zeros_like(value)
        for name, value in WEIGHTS.items()
        for key in ("exp_avg", "exp_avg_sq", "step")
    }
    found = {"epoch": 3, "waited": 1, "best_loss": 0.5, "weights": WEIGHTS, "optimiser": moments}
    return TrainingState(**{"average": {}, "best": {}, **found, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": -5}, "header.epoch: Input should be greater than or equal to 0, got -5"),
        ({"epoch": 2.5}, "header.epoch: Input should be a valid integer"),
        ({"epoch": 10**30}, "header.epoch"),
        ({"waited": "no"}, "header.waited: Input should be a valid integer, got 'no'"),
        ({"waited": 9}, "9 of 3 epochs cannot have been waited for"),
        ({"best_loss": float("nan")}, "a loss cannot be nan"),
        ({"best_loss": None}, "header.best_loss: Input should be a valid number"),
        ({"format": 7}, "was written in format 7"),
    ],
)
def test_a_checkpoint_s_header_is_told_in_a_sentence(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    tensors = {f"weights/{name}": value for name, value in WEIGHTS.items()}
    path = written(tmp_path / "file", {"epoch": 3, "waited": 1, "format": FORMAT} | changes, tensors)
    assert message in refused(load_training_state, path)


def test_a_checkpoint_with_other_tensors_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "file", {"epoch": 3, "waited": 1}, {"gradient/w": torch.ones(1)})
    assert "it holds a tensor 'gradient/w'" in refused(load_training_state, path)


FLIPS = 400


@pytest.mark.parametrize("kind", ["model", "checkpoint"])
def test_a_file_with_any_byte_changed_is_the_same_or_refused(tmp_path: Path, kind: str) -> None:
    """At places all over the file, its beginning above all: loaded to the bit, or the one error."""
    path, wanted = tmp_path / "file", tensors_digest(WEIGHTS)
    if kind == "model":
        written(path)
    else:
        save_training_state(path, progress())
    whole = path.read_bytes()
    generator = torch.Generator().manual_seed(0)
    draws = torch.randint(0, 256, (FLIPS, 2), generator=generator).tolist()
    for number, (place, value) in enumerate(draws):
        step = len(whole) // 256 if number % 2 else 1  # half of them among the first bytes
        content = bytearray(whole)
        content[place * step] = value
        path.write_bytes(content)
        found = loaded(load_model if kind == "model" else load_training_state, path)
        state = None if found is None else found.state_dict() if kind == "model" else found.weights
        assert state is None or tensors_digest(state) == wanted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(name=st.sampled_from([*HEADER, "format"]), value=JSON)
def test_a_model_s_header_with_any_field_changed_is_the_same_or_refused(tmp_path: Path, name: str, value: Any) -> None:
    """With a right checksum: whatever JSON stands there, no other exception comes out than ours."""
    path = written(tmp_path / "file", HEADER | {name: value})
    model = loaded(load_model, path)
    assert model is None or tensors_digest(model.state_dict()) == tensors_digest(WEIGHTS)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(name=st.sampled_from(["epoch", "waited", "best_loss", "format"]), value=JSON)
def test_a_checkpoint_s_header_with_any_field_changed_is_a_progress_or_refused(
    tmp_path: Path, name: str, value: Any
) -> None:
    tensors = {f"weights/{name}": value for name, value in WEIGHTS.items()}
    path = written(tmp_path / "file", {"epoch": 3, "waited": 1, name: value}, tensors)
    found = loaded(load_training_state, path)
    assert found is None or (found.epoch >= found.waited >= 0 and type(found.best_loss) is float)
