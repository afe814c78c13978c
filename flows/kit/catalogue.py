"""The catalogue: what an extension is, for people, made from the registry alone."""

import inspect
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import enlarge
from daecore.errors import DaecoreError, InputError
from daecore.experiment.loading import load_splits
from daecore.plots import figures
from daecore.plugin.extension import Extension, SampleExtension, declared_value
from daecore.plugin.installed import Installed
from daecore.plugin.kinds import Corruption, Dataset
from daecore.plugin.series import Series
from daecore.plugin.spec import CorruptionSpec, spec
from daecore.rng import stream

SHOWN, STEPS = 10, 5  # pictures in a row of the preview, and rows


def option_rows(extension: Extension) -> list[tuple[str, str, str, str]]:
    """``(name, default, range, description)`` of every option."""
    schema = extension.options.model_json_schema(mode="validation").get("properties", {})
    defaults = extension.options().model_dump(mode="json")
    return [
        (name, str(defaults[name]), _range(schema.get(name, {})), field.description or "")
        for name, field in extension.options.model_fields.items()
    ]


def properties(item: Installed) -> dict[str, str]:
    """What an extension declares, as far as it means something for its kind."""
    extension = item.extension
    if isinstance(extension, Series):
        return {"studies": ", ".join(extension.ids), "recipes": f"{len(extension.recipes())}"}
    found: dict[str, str] = {}
    if isinstance(extension, SampleExtension):
        found["samples"] = extension.shapes
    if isinstance(extension, Corruption):
        options = extension.options()
        found["random"] = _yes(extension.random)
        found["unbiased"] = _yes(declared_value(extension.unbiased, options)) + " (with its defaults)"
        if extension.strength is not None:
            strength = extension.strength
            found["strength"] = f"{strength.option}, from {strength.low} (weak) to {strength.high} (strong)"
        found["strength per image"] = _yes(extension.per_image)
        found["needs the CPU"] = _yes(declared_value(extension.host, options))
    if isinstance(extension, Dataset):
        found |= _of_samples(extension)
    return found


def _of_samples(dataset: Dataset) -> dict[str, str]:
    """What a dataset says of its samples; some say it only of a place that a user names."""
    try:
        shape = str(dataset.sample_shape(dataset.options())) if dataset.sample_shape else ""
        classes = str(declared_value(dataset.classes, dataset.options()) or "none")
    except InputError:
        shape = classes = "those of what it is given"
    return {"classes": classes, "shape of a sample": shape}


def formula(extension: Extension) -> str:
    """The first sentence about what its function computes; empty where it has none."""
    if not isinstance(extension, SampleExtension):
        return ""
    return (inspect.getdoc(extension.function) or "").split("\n\n")[0].replace("\n", " ")


def preview_png(item: Installed) -> bytes | None:
    """What a corruption does to real digits, a row per strength; None for what cannot be shown."""
    corruption = item.extension
    if not isinstance(corruption, Corruption) or corruption.shapes == "points":
        return None
    clean = _digits()
    rows = {"original": clean}
    for label, chosen in _strengths(corruption):
        try:
            rows[label] = enlarge(Corruptor([chosen])(clean, stream(0, "preview")).x, tuple(clean.shape[1:]))
        except (DaecoreError, ValueError, RuntimeError):
            continue  # these pictures do not fit that strength
    return figures.png(figures.panel(rows))


def _strengths(extension: Corruption) -> list[tuple[str, CorruptionSpec]]:
    strength = extension.strength
    if strength is None:
        return [("default", spec("corruption", extension.name))]
    return [
        (f"{strength.option}={value:g}", spec("corruption", {extension.name: {strength.option: value}}))
        for value in extension.strengths(STEPS)
    ]


def _digits() -> Tensor:
    """Handwritten digits of scikit-learn, enlarged: float32 ``(SHOWN, 1, 24, 24)``."""
    data = spec("dataset", "digits")
    pictures = load_splits(data, Path()).train.head(SHOWN).float() / 255
    return torch.nn.functional.interpolate(pictures, scale_factor=3, mode="bilinear").clamp(0, 1)


def _range(schema: dict[str, Any]) -> str:
    lower = schema.get("minimum", schema.get("exclusiveMinimum"))
    upper = schema.get("maximum", schema.get("exclusiveMaximum"))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if lower is None and upper is None:
        return "yes or no" if schema.get("type") == "boolean" else ""
    left, right = "(" if "exclusiveMinimum" in schema else "[", ")" if "exclusiveMaximum" in schema else "]"
    return f"{left}{lower}, {upper}{right}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
