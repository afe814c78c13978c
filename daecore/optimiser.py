"""Optimiser: AdamW over a network's trained parameters, layers below learning more slowly where that is wanted.

Knows modules. Does not know what is learnt, nor at which rate at a step: the loop sets that.
"""

from typing import Any

import torch
from torch import nn

from daecore.progress import trained


def adamw(
    model: nn.Module, learning_rate: float, weight_decay: float, *, layer_decay: float = 1
) -> torch.optim.Optimizer:
    """The optimiser of a network, on its device.

    Args:
        model: What learns.
        learning_rate: The highest rate.
        weight_decay: AdamW's decoupled weight decay.
        layer_decay: The rate of each layer beside that of the next one; 1: all learn alike.
    """
    parameters: list[Any] = list(trained(model).values())
    fused = parameters[0].device.type in ("cpu", "cuda")
    if layer_decay != 1:
        parameters = _groups(model, layer_decay)
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, fused=fused)


def _groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """A group per layer, a module with parameters of its own, in their order: the last one learns at the whole rate.

    A parameter that several modules share belongs to the first of them.

    Source: Howard and Ruder, "Universal language model fine-tuning for text classification", ACL 2018, section 3.2.
    """
    found: list[list[nn.Parameter]] = []
    known: set[nn.Parameter] = set()
    for module in model.modules():
        own = [p for p in module.parameters(recurse=False) if p.requires_grad and p not in known]
        known.update(own)
        found += [own] if own else []
    return [{"params": own, "share": decay ** (len(found) - 1 - place)} for place, own in enumerate(found)]
