"""A stack of autoencoders: the clean codes that the next layer is trained on, and one network made of all layers.

Knows encoders and their parameters. Knows no architecture, no corruption and no training.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from daecore.data.batch_source import Shape
from daecore.data.samples import Samples
from daecore.errors import InputError
from daecore.model.autoencoder import Autoencoder

SIZE = 1000  # samples encoded at once


@torch.no_grad()
def encode(samples: Samples, encoders: Sequence[nn.Module]) -> Samples:
    """What these encoders, one after the other, make of clean samples: computed once, in float32, without corruption.

    Source: Vincent et al., JMLR 11, 2010, section 3.5: corruption is for learning a layer; what the next layer is given
    comes from clean inputs.

    Args:
        samples: N samples.
        encoders: From the lowest layer upwards, on the samples' device; none gives the samples as they are.

    Returns:
        The codes, float32 ``(N, *code)``, with the labels.
    """
    if not encoders:
        return samples
    for encoder in encoders:
        encoder.eval()
    codes = [_through(encoders, batch.clean) for batch in samples.batches(SIZE)]
    return Samples(torch.cat(codes), samples.labels)


@torch.no_grad()
def code_shape(shape: Shape, encoders: Sequence[nn.Module]) -> Shape:
    """The shape of one code of samples of this shape, found by encoding an empty one on the CPU."""
    return tuple(_through([encoder.eval() for encoder in encoders], torch.zeros(1, *shape)).shape[1:])


@torch.no_grad()
def unroll(whole: Autoencoder, layers: Sequence[Autoencoder]) -> None:
    """Give a whole network, in place, the weights of layers that were trained one after the other.

    Its encoder then is their encoders, the lowest first, and its decoder their decoders, the highest first. Parameters
    correspond by their order.

    Source: Vincent et al., JMLR 11, 2010, section 3.5, figure 3; Hinton and Salakhutdinov, Science 313, 2006, figure 1.

    Args:
        whole: A network of the same layers.
        layers: From the lowest upwards.

    Raises:
        InputError: Its parameters are not those of the layers.
    """
    encoders = [p for layer in layers for p in layer.encoder.parameters()]
    decoders = [p for layer in reversed(layers) for p in layer.decoder.parameters()]
    for name, part, given in (("encoder", whole.encoder, encoders), ("decoder", whole.decoder, decoders)):
        own = list(part.parameters())
        if [p.shape for p in own] != [p.shape for p in given]:
            raise InputError(
                f"The {name} cannot be unrolled from {len(layers)} layers: it has parameters of the shapes "
                f"{[tuple(p.shape) for p in own]}, and the layers {[tuple(p.shape) for p in given]}. Train layers of "
                "the network's own widths, tied as its own are."
            )
        for ours, theirs in zip(own, given, strict=True):
            ours.copy_(theirs)


def _through(encoders: Sequence[nn.Module], x: Tensor) -> Tensor:
    for encoder in encoders:
        x = encoder(x)
    return x
