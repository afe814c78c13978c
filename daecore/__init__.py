"""daecore: a laboratory for denoising autoencoders. This is the front door for plugin authors."""

from daecore.autoencoder import Autoencoder
from daecore.corruption import Corruptor
from daecore.errors import DaecoreError, DataError, InputError, NonFiniteError
from daecore.extension import Extension, Options, Strength
from daecore.fetch import fetch_files
from daecore.hookspecs import hookimpl
from daecore.image_file import ImageFile, read_image
from daecore.image_search import Found, find_images
from daecore.objective import Objective
from daecore.rng import stream
from daecore.samples import Batch, Corrupted, Pairs, Samples, Splits, as_float
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
    "Found",
    "ImageFile",
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
    "as_float",
    "debian_package",
    "fetch_files",
    "find_images",
    "hookimpl",
    "local_folder",
    "npm_package",
    "read_image",
    "spec",
    "stream",
    "torchvision_mirrors",
]
