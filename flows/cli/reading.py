"""How files are read, on the command line: which numbers are 0 and 1, and which pictures of a stack are taken."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from daecore.data.value_range import RangeOption


def range_option(first: str, meaning: str) -> Any:
    """The option `--range`, which begins with a word of its command's."""
    said = f"Which numbers of files are 0 and 1: {meaning}, what their type says, or these."
    return typer.Option("--range", metavar=f"{first}|dtype|LOW,HIGH", help=said)


CHOSEN = ("time", "depth", "channel", "page")
Choose = Annotated[
    list[str] | None,
    typer.Option(
        "--choose", metavar="WHAT=WHICH",
        help="Of files with several pictures: channel=DAPI, depth=3 (from 0), time=0, page=0; else all.",
    ),
]  # fmt: skip


def parse_choice(said: Sequence[str] | None) -> dict[str, int | str]:
    """What `--choose` says, by dimension.

    Raises:
        InputError: It has another form.
    """
    from daecore.errors import InputError, quote

    found: dict[str, int | str] = {}
    for one in said or ():
        name, equals, which = one.partition("=")
        if name not in CHOSEN or not equals or not which:
            raise InputError(
                f"--choose takes {', '.join(CHOSEN[:-1])} or {CHOSEN[-1]} with a number or name, as channel=DAPI. Got "
                f"{quote(one)}."
            )
        found[name] = int(which) if which.isascii() and which.isdigit() else which
    return found


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
