"""daecore: a laboratory for denoising autoencoders. This is the front door for plugin authors."""

from daecore.autoencoder import Autoencoder, find_encoder
from daecore.corruption import Corruptor
from daecore.errors import DaecoreError, DataError, InputError, NonFiniteError
from daecore.extension import Extension, Options, Strength
from daecore.fetch import fetch_files
from daecore.hookspecs import hookimpl
from daecore.objective import Objective, comparable
from daecore.rng import stream
from daecore.samples import Batch, Corrupted, Pairs, Samples, Splits
from daecore.sources import Source, debian_package, local_folder, npm_package, torchvision_mirrors
from daecore.spec import CorruptionSpec, SingleCorruptionSpec, Spec, spec

__all__ = [
    "Autoencoder",
    "Batch",
    "Corrupted",
    "CorruptionSpec",
    "Corruptor",
    "DaecoreError",
    "DataError",
    "Extension",
    "InputError",
    "NonFiniteError",
    "Objective",
    "Options",
    "Pairs",
    "Samples",
    "SingleCorruptionSpec",
    "Source",
    "Spec",
    "Splits",
    "Strength",
    "comparable",
    "debian_package",
    "fetch_files",
    "find_encoder",
    "hookimpl",
    "local_folder",
    "npm_package",
    "spec",
    "stream",
    "torchvision_mirrors",
]
