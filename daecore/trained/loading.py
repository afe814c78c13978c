"""Loading a trained network: a file by the library alone, a run or a registered model by the laboratory."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Literal, get_args

from daecore import laboratory
from daecore.device import resolve_device
from daecore.errors import InputError, choices, quote
from daecore.paths import user_path
from daecore.trained.error_bars_file import bars_beside
from daecore.trained.model_file import load_with_header
from daecore.trained.network import TrainedNetwork

SUFFIX = ".safetensors"
WEIGHTS = f"weights{SUFFIX}"
IN_A_FOLDER = (WEIGHTS, f"model/{WEIGHTS}")  # as a run keeps them
PATHS = ("/", "./", "../", "~/")  # how begins what is a path and nothing else

DeviceName = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class Located:
    """Where a network's files lie.

    Attributes:
        weights: Its own.
        find_bars: Gives that of its error bars at a level.
    """

    weights: Path
    find_bars: Callable[[float], Path]


def load(
    model: "str | PathLike[str]",
    *,
    device: DeviceName = "auto",
    store: "str | PathLike[str] | None" = None,
    allow_changed_plugins: bool = False,
) -> TrainedNetwork:
    """A trained network, ready to restore, encode, draw and bound.

    Args:
        model: A file ``weights.safetensors``, or the folder it lies in; a run by its id, the beginning of it or its
            name; or a registered model, ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.
        device: On what it computes.
        store: For a run: the store it is in, if not that of ``DAE_STORE`` or ``./mlruns``.
        allow_changed_plugins: Take it also where its architecture's code has changed since.

    Raises:
        InputError: There is no such file, run or model, or what builds it is not installed.
        StoreError: Its file is damaged.
        ImportError: It is a run or a registered model, and the laboratory is not installed.
    """
    if device not in get_args(DeviceName):
        raise InputError(f"There is no device {quote(device)}. {choices(str(device), get_args(DeviceName))}")
    found = locate(model, store)
    network, header = load_with_header(found.weights, allow_changed_plugins=allow_changed_plugins)
    chosen = resolve_device(device, "float32")
    return TrainedNetwork(network.to(chosen.kind), header, chosen, found.find_bars)


def locate(model: "str | PathLike[str]", store: "str | PathLike[str] | None" = None) -> Located:
    """Where the files of what `load` is given lie."""
    if not isinstance(model, str | PathLike):
        raise InputError(f"A network is named by a run, a registered model or a path; got {quote(model)}.")
    text = str(model)
    named = isinstance(model, PathLike) or text.endswith(SUFFIX) or text.startswith(PATHS)
    path = user_path(text, "The model") if named or ("/" in text and ":" not in text) else Path(text)
    weights = _weights_at(path)
    if weights is not None:
        return Located(weights, partial(bars_beside, weights))
    if named:
        raise InputError(f"There is no model file {path}. A run keeps its own as model/{WEIGHTS}.")
    found: Located = laboratory.ask("locate", f"the run {quote(text)}")(text, store)
    return found


def _weights_at(path: Path) -> Path | None:
    """The file of weights that a path names, or that lies in its folder; None where there is none."""
    try:
        return next((it for it in (path, *(path / name for name in IN_A_FOLDER)) if it.is_file()), None)
    except (OSError, ValueError):  # no path at all, as a run's name may be
        return None
