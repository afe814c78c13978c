"""A trained network from its file: weights, and the spec that builds it; no store, no server."""

from pathlib import Path

import torch

from daecore.autoencoder import Autoencoder, Shapes, build
from daecore.checkpoint import load_tensors
from daecore.errors import StoreError
from daecore.spec import spec

from .provenance import require_same


def load_model(path: Path, *, allow_changed_plugins: bool = False) -> Autoencoder:
    """The network, on the CPU, in evaluation mode.

    Args:
        path: A run's ``model/weights.safetensors``.
        allow_changed_plugins: Build it also where its architecture's code has changed since.

    Raises:
        InputError: The plugin it was built by is missing or changed.
        StoreError: The file is no model of daecore.
    """
    return load_with_shapes(path, allow_changed_plugins=allow_changed_plugins)[0]


def load_with_shapes(path: Path, *, allow_changed_plugins: bool = False) -> tuple[Autoencoder, Shapes]:
    """The network as `load_model` gives it, and the shapes it maps between."""
    weights, header = load_tensors(path)
    try:
        written, shapes = header["autoencoder"], Shapes(tuple(header["output_shape"]), tuple(header["input_shape"]))
        recorded = header.get("plugins", {})
    except KeyError as error:
        raise StoreError(f"{path} is no model that daecore wrote: its header has no {error}.") from None
    require_same(recorded, f"The model {path}", allow=allow_changed_plugins)
    with torch.random.fork_rng(devices=[]):
        network = build(spec("architecture", written), shapes)
    network.load_state_dict(weights)
    return network.eval(), shapes
