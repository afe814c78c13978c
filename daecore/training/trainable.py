"""What a training refuses before it begins, in the user's words: types, shapes and values of what `fit` is given.

Knows a network and samples. Does not train, and does not know what is learnt.
"""

import torch
from torch import nn

from daecore.data.samples import Samples
from daecore.data.tensor_rule import require_values
from daecore.errors import InputError
from daecore.training.optimiser import trained_parameters


def require_trainable(model: nn.Module, samples: Samples, validation: Samples | None, *, patience: bool) -> None:
    """Refuse what would fail within torch, or train to no purpose.

    Points are read once for it, images are not; an epoch reads both.

    Args:
        model: The network.
        samples: What it would be trained on.
        validation: What it would be evaluated on after each epoch.
        patience: Whether the training is to end when validation no longer falls.

    Raises:
        InputError: Something is of another type; or patience has nothing to go by.
        SamplesError: Samples are empty or not finite, or labels are below zero.
    """
    _require_float32(model)
    held_out = {} if validation is None else {"validation samples": validation}
    for name, given in ({"training samples": samples} | held_out).items():
        if not isinstance(given, Samples):
            raise InputError(
                f"fit takes daecore.Samples as {name}, but got {type(given).__name__}: Samples(data, labels)."
            )
        require_values(given.source, given.labels, name)
        if given.device != samples.device:
            raise InputError(
                f"fit trains on {samples.device}, but the {name} lie on {given.device}: samples.to(device)."
            )
    if patience and validation is None:
        raise InputError(
            "fit was told to wait for a better validation loss (patience), but was given no samples for validation. "
            "Give them, or set patience to 0."
        )


def _require_float32(model: nn.Module) -> None:
    """Lower precision is an option's affair; what is drawn while training has torch's default type."""
    if not isinstance(model, nn.Module):
        raise InputError(f"fit trains a torch.nn.Module, but got {type(model).__name__}.")
    if torch.get_default_dtype() != torch.float32:
        raise InputError(
            f"fit trains in float32, but torch's default type is {torch.get_default_dtype()}. Call "
            "torch.set_default_dtype(torch.float32) before the network is made."
        )
    others = {str(value.dtype) for value in model.parameters() if value.dtype != torch.float32}
    if others:
        raise InputError(
            f"fit trains in float32, but the network's weights are {', '.join(sorted(others))}: model.float()."
        )
    if not trained_parameters(model):
        raise InputError("fit has nothing to train: no parameter of the network requires a gradient.")
