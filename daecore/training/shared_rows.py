"""Shared rows: of each call of a network a process computes its share of the rows, and is given those of all.

Knows hooks of modules and one collective. Does not know which processes there are, nor what is trained.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn

from daecore.errors import InputError


def share(rows: int, rank: int, size: int) -> slice:
    """Which rows of so many are a process's; no two of them have numbers that differ by more than one."""
    return slice(rows * rank // size, rows * (rank + 1) // size)


def gather(own: Tensor, rows: int, size: int) -> Tensor:
    """All rows of which each process has its share, in the strides of the share."""
    last = own.dim() == 4 and own.is_contiguous(memory_format=torch.channels_last)
    dense = own.permute(0, 2, 3, 1) if last else own.contiguous()
    most = -(-rows // size)
    padded = dense if len(dense) == most else torch.cat((dense, dense.new_zeros(most - len(dense), *dense.shape[1:])))
    found = dense.new_empty(size * most, *dense.shape[1:])
    distributed.all_gather(list(found.split(most)), padded.contiguous())
    shares = [share(rows, rank, size) for rank in range(size)]
    parts = [part[: share.stop - share.start] for part, share in zip(found.split(most), shares, strict=True)]
    whole = torch.cat(parts)
    return whole.permute(0, 3, 1, 2) if last else whole


class SharedCalls:
    """What happens before and after each call of a network whose rows are shared."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self.rows: list[int] = []  # of each call under way; 0: it is not shared

    def before(self, module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Leave this process's rows of the arguments."""
        tensors = [value for value in (*given, *named.values()) if isinstance(value, Tensor) and value.dim()]
        count = len(tensors[0]) if tensors else 0
        whole = bool(self.rows) or count < self.size or any(value.requires_grad for value in tensors)
        self.rows.append(0 if whole else count)
        if whole:
            return None
        own = share(count, self.rank, self.size)
        cut = tuple(_rows(value, count, own) for value in given)
        return cut, {name: _rows(value, count, own) for name, value in named.items()}

    def after(self, module: nn.Module, given: tuple[Any, ...], restored: Any) -> Any:
        """Give the rows of all processes."""
        count = self.rows.pop()
        if not count:
            return None
        own = share(count, self.rank, self.size)
        if not isinstance(restored, Tensor) or restored.shape[:1] != (own.stop - own.start,):
            raise InputError(
                f"Several processes share the rows of a batch, and {type(module).__name__} gave no tensor with a row "
                "for each: its forward is to map (B, ...) to (B, ...). Train it with training.devices=1."
            )
        return _Gather.apply(restored, own, count, self.size)


class _Gather(torch.autograd.Function):
    """The rows of all processes, from each one's own; backwards, each takes its own again.

    Every process computes the loss of all rows, so that its gradient for its own is whole: as many times too small for
    a mean over the processes as there are of them.
    """

    @staticmethod
    def forward(ctx: Any, restored: Tensor, own: slice, rows: int, size: int) -> Tensor:
        ctx.own, ctx.size = own, size
        return gather(restored, rows, size)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return gradient[ctx.own] * ctx.size, None, None, None


def _rows(value: Any, count: int, own: slice) -> Any:
    """This process's rows of what has a row for each sample; anything else as it is."""
    return value[own] if isinstance(value, Tensor) and value.dim() and len(value) == count else value
