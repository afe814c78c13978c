"""Value ranges on the command line: `auto`, `dtype`, `model`, or two numbers."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from daecore.data.value_range import RangeOption


def parse_range(said: str, first: Literal["auto", "model"] = "auto") -> "RangeOption":
    """What `--range` says; `auto` also for ``model``, where that is what may be said first.

    Raises:
        InputError: It is none of what may be said.
    """
    from pydantic import TypeAdapter, ValidationError

    from daecore.data.value_range import RangeOption
    from daecore.errors import InputError, quote

    if said in (first, "dtype"):
        return "dtype" if said == "dtype" else "auto"
    try:
        return TypeAdapter[RangeOption](RangeOption).validate_python(tuple(map(float, said.split(","))))
    except (ValueError, ValidationError):
        raise InputError(
            f"--range says which numbers of files are 0 and 1: {first}, dtype, or two ascending numbers as 0,4095. Got "
            f"{quote(said)}."
        ) from None
