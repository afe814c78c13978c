"""Optimiser: AdamW over a network's trained parameters, layers below learning more slowly where that is wanted.

Knows modules and moments. Does not know what is learnt, nor at which rate at a step: the loop sets that.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

BETAS, EPSILON = (0.9, 0.999), 1e-8


class Moments(NamedTuple):
    """What AdamW keeps of a parameter; the names are those in checkpoints.

    Attributes:
        exp_avg: The running mean of its gradient, in the parameter's strides.
        exp_avg_sq: That of the gradient's square, likewise.
        step: How many updates it had, float32 ``()``, on its device.
    """

    exp_avg: Tensor
    exp_avg_sq: Tensor
    step: Tensor

    @classmethod
    def before_the_first_update(cls, parameter: Tensor) -> "Moments":
        """Zeros: in the parameter's strides, for the CPU's kernel is silently wrong on any others."""
        like, step = parameter.detach(), torch.zeros((), device=parameter.device)
        return cls(torch.zeros_like(like), torch.zeros_like(like), step)


class AdamW:
    """Adam with decoupled weight decay; a parameter without a gradient stays as it is.

    It calls torch's fused kernel, not the class around it: the hooks, guards and regrouping of that take longer than
    the update of a small network.

    Args:
        model: What learns, on its device.
        weight_decay: Decoupled.
        layer_decay: The rate of each layer beside that of the next one; 1: all learn alike.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
    """

    def __init__(self, model: nn.Module, weight_decay: float, *, layer_decay: float = 1) -> None:
        self.weight_decay = weight_decay
        named = trained_parameters(model)
        self._moments = {p: Moments.before_the_first_update(p) for p in named.values()}
        self._names = {f"{name}.{key}": (p, key) for name, p in named.items() for key in Moments._fields}
        shares = _shares(model, layer_decay) if layer_decay != 1 else dict.fromkeys(self._moments, 1.0)
        self._alike: dict[tuple[float, torch.dtype], list[nn.Parameter]] = {}  # what one call of the kernel updates
        for p in self._moments:
            self._alike.setdefault((shares[p], p.dtype), []).append(p)

    @property
    def moments(self) -> dict[str, Tensor]:
        """The live moments, by the parameter's name and their own: ``encoder.1.weight.exp_avg``."""
        return {name: getattr(self._moments[p], key) for name, (p, key) in self._names.items()}

    @property
    def largest_weight(self) -> Tensor:
        """The largest magnitude among the trained weights, float32 ``()`` on their device; NaN if one is NaN."""
        with torch.no_grad():
            bounds = [bound for p in self._moments if p.numel() for bound in p.aminmax()]
            return torch.stack(bounds).abs().max()

    def restore(self, saved: Mapping[str, Tensor]) -> None:
        """Go on with these moments, whatever their strides and device."""
        for name, value in self.moments.items():
            value.copy_(saved[name])

    def step(self, rate: float) -> None:
        """Update every parameter by its gradient, and drop the gradient."""
        with torch.no_grad():
            for (share, _), alike in self._alike.items():
                self._update([(p, p.grad) for p in alike if p.grad is not None], rate * share)

    def _update(self, found: Sequence[tuple[nn.Parameter, Tensor]], rate: float) -> None:
        if not found:
            return
        parameters, gradients = zip(*found, strict=True)
        first, second, steps = zip(*(self._moments[p] for p in parameters), strict=True)
        torch._foreach_add_(steps, 1)
        torch._fused_adamw_(
            parameters, gradients, first, second, (), steps, lr=rate, beta1=BETAS[0], beta2=BETAS[1],
            weight_decay=self.weight_decay, eps=EPSILON, amsgrad=False, maximize=False,
        )  # fmt: skip
        for p in parameters:
            p.grad = None


def trained_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that training changes, by name."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def _shares(model: nn.Module, decay: float) -> dict[nn.Parameter, float]:
    """The share of each parameter: a layer is a module with parameters of its own, and the last one has all of it.

    A parameter that several modules share belongs to the first of them.

    Source: Howard and Ruder, "Universal language model fine-tuning for text classification", ACL 2018, section 3.2.
    """
    layers: list[list[nn.Parameter]] = []
    known: set[nn.Parameter] = set()
    for module in model.modules():
        own = [p for p in module.parameters(recurse=False) if p.requires_grad and p not in known]
        known.update(own)
        layers += [own] if own else []
    return {p: decay ** (len(layers) - 1 - number) for number, own in enumerate(layers) for p in own}
