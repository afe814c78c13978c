"""Restoring a tensor of samples with a trained network, batch by batch."""

import torch
from torch import Tensor, nn

from daecore.device import Precision, autocast


def restore(model: nn.Module, corrupted: Tensor, *, batch: int = 500, precision: Precision = "float32") -> Tensor:
    """Run a model over a set, in evaluation mode and without gradients; its mode comes back afterwards.

    Args:
        model: The autoencoder.
        corrupted: float32 ``(N, ...)``, on the model's device.
        batch: Samples at a time.
        precision: ``float32`` or ``bf16`` autocast.

    Returns:
        float32 ``(N, *shape)``.
    """
    training = model.training
    model.eval()
    try:
        with torch.inference_mode(), autocast(corrupted.device, precision):
            return torch.cat([model(part).float() for part in corrupted.split(batch)])
    finally:
        model.train(training)
