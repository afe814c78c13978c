"""Models: what an autoencoder is, a stack of them, and applying one, also in tiles."""

from daecore.model.autoencoder import Autoencoder, Shapes, build, find_encoder, initialise, parameter_count
from daecore.model.restore import restore
from daecore.model.restorer import Restorer
from daecore.model.sampler import Sampler
from daecore.model.sampling import SamplingOptions, draw_samples, walk
from daecore.model.stack import code_shape, encode, unroll
from daecore.model.tiling import restore_tiled

__all__ = [
    "Autoencoder",
    "Restorer",
    "Sampler",
    "SamplingOptions",
    "Shapes",
    "build",
    "code_shape",
    "draw_samples",
    "encode",
    "find_encoder",
    "initialise",
    "parameter_count",
    "restore",
    "restore_tiled",
    "unroll",
    "walk",
]
