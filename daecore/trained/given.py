"""What a caller hands to a trained network, as values that it takes, and what it made of them as the caller has it.

An array of NumPy, a tensor, a picture of Pillow or the name of a file: the same comes back, of a file an array. Numbers
that count come back as numbers of their type. Knows no network.
"""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from daecore.data.batch_source import Shape
from daecore.data.dimensions import EVERYTHING, Choice
from daecore.data.picture_file import open_picture_file
from daecore.data.value_range import TYPES, Extent, ValueRange
from daecore.data.value_scale import WHITE, Scale, scaled, unscaled
from daecore.errors import DataError, InputError, in_a_line
from daecore.paths import user_path
from daecore.trained.arrays import Numbers, as_array, as_values, require_finite
from daecore.trained.layout import Layout

GREY, DEEP = ("1", "L", "LA", "La"), ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")  # modes of Pillow


@dataclass(frozen=True)
class Given:
    """Samples as a network takes them.

    Attributes:
        values: float32 ``(N, *shape)``, on the CPU.
        kind: The type of the caller's numbers, such as ``uint16``.
        scale: How they became values; None where they are values.
        back: Makes of numbers ``(..., N, *shape)`` and how many axes stand before these what the caller has.
    """

    values: Tensor
    kind: str
    scale: Scale | None
    back: Callable[[Numbers, int], Any]

    @property
    def counts(self) -> bool:
        """Whether the caller's numbers are whole."""
        return not self.kind.startswith("float")

    def again(self, values: Tensor, leading: int = 0) -> Any:
        """Values ``(..., N, *shape)`` as the caller has his; those that count are rounded.

        Args:
            values: What was made.
            leading: How many axes stand before those of the samples.
        """
        found: NDArray[np.float32] = values.detach().float().cpu().numpy()
        numbers = found.astype(self.kind) if self.scale is None else unscaled(found, self.scale, self.kind)
        return self.back(numbers, leading)


def take_pictures(given: Any, channels: int, wanted: ValueRange | None, choice: Choice = EVERYTHING) -> Given:
    """Pictures that somebody has.

    Args:
        given: An array or tensor, see `Layout`; a picture of Pillow; a file, of one picture or several.
        channels: Of the network.
        wanted: Which numbers are 0 and 1, where their type does not say it.
        choice: What is taken of a file with several pictures.

    Raises:
        InputError: It is something else, or of a type of numbers that is not taken.
        DataError: A file cannot be read, or its pictures differ.
        NonFiniteError: It holds NaN or infinity.
    """
    if isinstance(given, str | PathLike):
        return _of_file(given, wanted, choice)
    if isinstance(given, Image.Image):
        return _of_pillow(given, wanted)
    array, back = as_array(given)
    if wanted is not None and array.dtype.kind == "f" and str(array.dtype) not in wanted.kinds:
        wanted = None  # values of a program's own, and not counts: else noise beyond 1 would make counts of them
    layout = Layout.of(array.shape, channels, first=isinstance(given, Tensor))
    return _given(layout.batch(array), wanted, lambda numbers, leading: back(layout.unbatch(numbers, leading)))


def take_samples(given: Any, shape: Shape) -> Given:
    """Samples that are no pictures, as points: their values are their own.

    Args:
        given: An array or tensor, ``shape`` or ``(N, *shape)``.
        shape: Of one sample.

    Raises:
        InputError: It has another shape, or is no array.
        NonFiniteError: It holds NaN or infinity.
    """
    if isinstance(given, str | PathLike | Image.Image):
        raise InputError(f"This network takes samples of shape {shape}, and no pictures. Give an array of them.")
    array, back = as_array(given)
    one = array.shape == shape
    if not one and array.shape[1:] != shape:
        raise InputError(f"This network takes an array of shape {shape} or {('N', *shape)}; got {array.shape}.")
    require_finite(array)
    kind = array.dtype.name if array.dtype.kind == "f" else "float32"
    values = as_values(array[None] if one else array)
    return Given(values, kind, None, lambda numbers, leading: back(numbers.squeeze(leading) if one else numbers))


def _given(
    numbers: Numbers, wanted: ValueRange | None, back: Callable[[Numbers, int], Any], white: int | None = None
) -> Given:
    """Pictures ``(N, C, H, W)`` in the caller's numbers."""
    kind = next((it for it in TYPES if it == numbers.dtype.name), None)
    if kind is None:
        raise InputError(
            f"Numbers of the type {numbers.dtype} do not say what white is: 255, 65,535 or 1. Take them as one of "
            f"{', '.join(TYPES)}, as with .astype('uint16')."
        )
    require_finite(numbers)
    extent = Extent(kind, WHITE[kind] if white is None else white, float(numbers.min()), float(numbers.max()))
    if not extent.is_whole and (wanted is None or not wanted.applies_to(extent)):  # as far as noise took them
        return Given(as_values(numbers), kind, None, back)
    scale = Scale.of(extent, wanted)
    with np.errstate(over="ignore"):
        values = scaled(numbers, scale)
    return Given(as_values(values), kind, scale, back)


def _of_file(path: "str | PathLike[str]", wanted: ValueRange | None, choice: Choice) -> Given:
    """All pictures of a file; of a stack its dimensions stand before height and width."""
    with open_picture_file(user_path(path, "The picture"), choice) as opened:
        sizes = tuple(it.size for it in opened.dimensions)
        stored = [opened.stored(number) for number in range(len(opened))]
    if len({(it.values.shape, it.values.dtype, it.white) for it in stored}) > 1:
        raise DataError(f"The pictures in {path} differ in size, colour or type. Choose one, or save them apart.")
    numbers = np.stack([it.values for it in stored]).transpose(0, 3, 1, 2)
    grey = numbers.shape[1] == 1

    def back(made: Numbers, leading: int) -> Numbers:
        before, after = made.shape[:leading], made.shape[leading + 2 :]
        if grey:
            return made.reshape(*before, *sizes, *after)
        return np.moveaxis(made, leading + 1, -1).reshape(*before, *sizes, *after, made.shape[leading + 1])

    return _given(numbers, wanted, back, stored[0].white)


def _of_pillow(image: Image.Image, wanted: ValueRange | None) -> Given:
    """A picture of Pillow, whose transparency stays."""
    if not image.width * image.height:
        raise InputError(f"A picture of {image.width}x{image.height} pixels holds nothing.")
    try:
        image = _readable(image)
    except (OSError, ValueError) as error:  # a file that is cut off; a picture that was closed
        raise DataError(f"The picture cannot be read: {in_a_line(str(error)).rstrip('.')}.") from None
    alpha = image.getchannel("A") if image.mode.endswith("A") else None
    array = np.atleast_3d(np.asarray(image))
    array = array[..., :-1] if alpha is not None else array
    if image.mode == "I" and array.min() >= 0 and array.max() <= WHITE["uint16"]:
        array = array.astype(np.uint16)  # as Pillow opens a PNG of 16 bits

    def one(numbers: Numbers) -> Image.Image:
        made = Image.fromarray(np.ascontiguousarray(numbers[0] if len(numbers) == 1 else numbers.transpose(1, 2, 0)))
        if alpha is not None:
            made.putalpha(alpha if alpha.size == made.size else alpha.resize(made.size, Image.Resampling.BICUBIC))
        return made

    def back(numbers: Numbers, leading: int) -> Any:
        return [one(it[0]) for it in numbers] if leading else one(numbers[0])

    return _given(array.transpose(2, 0, 1)[None], wanted, back)


def _readable(image: Image.Image) -> Image.Image:
    """A picture as an array has it: grey, in colour, either with transparency, or of more than 8 bits."""
    image.load()
    if image.mode in DEEP:
        return image
    grey, clear = image.mode in GREY, image.has_transparency_data
    return image.convert(("LA" if grey else "RGBA") if clear else ("L" if grey else "RGB"))
