"""daecore: a laboratory for denoising autoencoders. This is the front door for plugin authors.

What needs PyTorch is loaded when it is first asked for: to read a list or a message nobody waits for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from daecore.errors import DaecoreError, DataError, InputError, NonFiniteError, PluginError
from daecore.paths import user_path
from daecore.plugin.extension import Extension
from daecore.plugin.hookspecs import hookimpl
from daecore.plugin.kinds import Architecture, Corruption, Dataset, Metric, Objective
from daecore.plugin.options import Options, Strength
from daecore.plugin.series import Series
from daecore.plugin.spec import CorruptionSpec, SingleCorruptionSpec, Spec, spec

if TYPE_CHECKING:
    from daecore.corruption.corruptor import Corruptor
    from daecore.data.downloads import (
        ExpectedFile,
        Source,
        debian_package,
        local_folder,
        npm_package,
        torchvision_mirrors,
    )
    from daecore.data.fetch import fetch_files
    from daecore.data.image_file import ImageFile
    from daecore.data.image_listing import Found
    from daecore.data.image_search import find_images
    from daecore.data.picture_file import read_image
    from daecore.data.sample_store import Piece
    from daecore.data.samples import Batch, Corrupted, Pairs, Samples, Splits, as_float
    from daecore.experiment.experiment import Experiment
    from daecore.experiment.own import define_architecture, define_metric, define_objective
    from daecore.model.autoencoder import Autoencoder, find_encoder
    from daecore.model.sampler import Sampler
    from daecore.rng import stream
    from daecore.trained.loading import load
    from daecore.trained.network import TrainedNetwork
    from daecore.training.loss import Loss, comparable
else:
    LATER = {
        "Autoencoder": "model.autoencoder",
        "Batch": "data.samples",
        "Corrupted": "data.samples",
        "Corruptor": "corruption.corruptor",
        "ExpectedFile": "data.downloads",
        "Experiment": "experiment.experiment",
        "Loss": "training.loss",
        "Pairs": "data.samples",
        "Piece": "data.sample_store",
        "Sampler": "model.sampler",
        "Samples": "data.samples",
        "Splits": "data.samples",
        "TrainedNetwork": "trained.network",
        "Found": "data.image_listing",
        "ImageFile": "data.image_file",
        "as_float": "data.samples",
        "comparable": "training.loss",
        "define_architecture": "experiment.own",
        "define_metric": "experiment.own",
        "define_objective": "experiment.own",
        "find_encoder": "model.autoencoder",
        "find_images": "data.image_search",
        "load": "trained.loading",
        "read_image": "data.picture_file",
        "Source": "data.downloads",
        "debian_package": "data.downloads",
        "fetch_files": "data.fetch",
        "local_folder": "data.downloads",
        "npm_package": "data.downloads",
        "stream": "rng",
        "torchvision_mirrors": "data.downloads",
    }

    def __getattr__(name: str) -> object:
        """A name whose module needs PyTorch."""
        if name not in LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{LATER[name]}"), name)
        return value


__all__ = [
    "Architecture",
    "Autoencoder",
    "Batch",
    "Corrupted",
    "Corruption",
    "CorruptionSpec",
    "Corruptor",
    "DaecoreError",
    "DataError",
    "Dataset",
    "ExpectedFile",
    "Experiment",
    "Extension",
    "Found",
    "ImageFile",
    "InputError",
    "Loss",
    "Metric",
    "NonFiniteError",
    "Objective",
    "Options",
    "Pairs",
    "Piece",
    "PluginError",
    "Sampler",
    "Samples",
    "Series",
    "SingleCorruptionSpec",
    "Source",
    "Spec",
    "Splits",
    "Strength",
    "TrainedNetwork",
    "as_float",
    "comparable",
    "debian_package",
    "define_architecture",
    "define_metric",
    "define_objective",
    "fetch_files",
    "find_encoder",
    "find_images",
    "hookimpl",
    "load",
    "local_folder",
    "npm_package",
    "read_image",
    "spec",
    "stream",
    "torchvision_mirrors",
    "user_path",
]


def __dir__() -> list[str]:
    """What is behind the door, loaded or not: a notebook completes it."""
    return __all__
