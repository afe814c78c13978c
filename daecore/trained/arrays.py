"""Arrays and tensors that somebody has, as arrays of NumPy, and values as what he has again.

Knows NumPy and PyTorch. Does not know which axes are what, nor what the numbers stand for.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from daecore.errors import InputError, NonFiniteError, in_a_line

Numbers = NDArray[Any]
"""Of any type."""


def as_values(numbers: Numbers) -> Tensor:
    """A float32 tensor of its own: a network may write into it.

    Raises:
        NonFiniteError: A number is too large for float32.
    """
    with np.errstate(over="ignore"):
        values = np.array(numbers, dtype=np.float32, order="C")
    require_finite(values, "beyond what a float32 holds")
    return torch.from_numpy(values)


def as_array(given: Any) -> tuple[Numbers, Callable[[Numbers], Any]]:
    """The values of an array or tensor, and what makes such a one of values again.

    Raises:
        InputError: It is no array, holds nothing, or no numbers.
    """
    if isinstance(given, list | tuple) and any(isinstance(it, Image.Image) for it in given):
        raise InputError(f"A picture of Pillow is given by itself, and not in a {type(given).__name__}.")
    try:
        array = _of_tensor(given) if isinstance(given, Tensor) else np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:  # lists of several lengths; sparse tensors, or without data
        raise InputError(f"An array was expected: {in_a_line(str(error)).rstrip('.')}.") from None
    if array.dtype.kind not in "fiu":
        raise InputError(
            f"An array, a tensor, a picture of Pillow or the name of a file was expected; got {type(given).__name__} "
            f"with values of the type {array.dtype}."
        )
    if not array.size:
        raise InputError(f"An array of shape {array.shape} holds nothing.")
    return array, partial(_like, given) if isinstance(given, Tensor) else np.ascontiguousarray


def _of_tensor(given: Tensor) -> Numbers:
    found = given.detach().cpu()
    array: Numbers = (found.float() if found.dtype == torch.bfloat16 else found).numpy()  # NumPy has no bfloat16
    return array


def _like(given: Tensor, numbers: Numbers) -> Tensor:
    """A tensor where another one is, and bfloat16 where that is."""
    made = torch.from_numpy(np.ascontiguousarray(numbers))
    return made.to(given.device, given.dtype if given.dtype == torch.bfloat16 else made.dtype)


def require_finite(numbers: Numbers, what: str = "NaN or infinite") -> None:
    """Refuse values that nothing can be made of.

    Args:
        numbers: Whatever was given.
        what: What the wrong ones are.

    Raises:
        NonFiniteError: Some are NaN or infinite.
    """
    wrong = int((~np.isfinite(numbers)).sum()) if numbers.dtype.kind == "f" else 0
    if wrong:
        raise NonFiniteError(f"{wrong:,} of the {numbers.size:,} values are {what}. Replace them.")
