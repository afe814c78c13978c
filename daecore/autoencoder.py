"""Autoencoder: what an architecture builds. Two modules; nothing about corruption or training."""

from torch import Tensor, nn


class Autoencoder(nn.Module):
    """An encoder and a decoder: ``x -> z = f(x) -> x' = g(z)``.

    A subclass may override `forward` (skip connections), but its ``encoder`` must map a batch to
    codes ``(B, ...)`` all the same: that is what transfer uses.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, x: Tensor) -> Tensor:
        """Restore a batch ``(B, *input_shape)`` to ``(B, *output_shape)``."""
        restored: Tensor = self.decoder(self.encoder(x))
        return restored


def parameter_count(model: nn.Module) -> int:
    """The number of trainable numbers in a model."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
