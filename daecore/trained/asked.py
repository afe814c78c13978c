"""What a caller asks for beside what he gives, checked: a range of numbers, how samples are drawn.

Knows values. Does not know the network.
"""

from numbers import Integral

from pydantic import ValidationError

from daecore.data.value_range import TYPES, ValueRange
from daecore.errors import InputError, quote
from daecore.model.sampling import SamplingOptions
from daecore.plugin.spec import explain

Range = ValueRange | tuple[float, float]
"""Which numbers are 0 and 1; a pair is that for every type of numbers."""


def as_range(value_range: Range) -> ValueRange:
    """The range that somebody asks for; it is that of all types where he names none.

    Raises:
        InputError: It is none.
    """
    if isinstance(value_range, ValueRange) and value_range.kinds:
        return value_range
    try:
        low, high = (value_range.low, value_range.high) if isinstance(value_range, ValueRange) else value_range
        return ValueRange(low=low, high=high, kinds=TYPES)
    except (TypeError, ValueError):
        raise InputError(
            f"A range of values is (low, high), two finite numbers of which low becomes 0 and high, which is greater, "
            f"1; got {quote(value_range)}."
        ) from None


def as_sampling(count: int, steps: int | None, seed: int) -> SamplingOptions:
    """How so many samples are drawn.

    Raises:
        InputError: They cannot be.
    """
    if not isinstance(count, Integral) or count < 1:
        raise InputError(f"At least one sample is drawn; got a count of {quote(count)}.")
    try:
        return SamplingOptions(seed=seed) if steps is None else SamplingOptions(seed=seed, steps=steps)
    except ValidationError as error:
        raise InputError(f"Samples cannot be drawn so: {explain(error, 'sample')}.") from None
