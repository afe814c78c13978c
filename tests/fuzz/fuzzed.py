"""Parser: one door by which what a stranger hands us comes in, with samples of it, for the fuzzer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

LARGEST = 1 << 20  # bytes of an input


def as_it_is(content: bytes) -> bytes:
    """Where a format has no checksums."""
    return content


@dataclass(frozen=True)
class Parser:
    """One door.

    Attributes:
        name: Of its folder of cases.
        parse: ``(content, room)``: reads an input by the door that commands use; False and None mean that it was
            refused without an error. It may write into its room, an own folder, and leaves nothing else.
        seeds: Sound inputs, made in a folder.
        tokens: Words of the format, which a mutator puts in.
        repair: Makes an input's checksums right again, so that what lies behind them is reached.
        tree: Whether inputs are JSON, or YAML, whose values Hypothesis changes.
    """

    name: str
    parse: Callable[[bytes, Path], object]
    seeds: Callable[[Path], list[bytes]]
    tokens: tuple[bytes, ...] = ()
    repair: Callable[[bytes], bytes] = as_it_is
    tree: bool = False


def by_file(read: Callable[[Path], object], name: str, content: bytes, room: Path) -> object:
    """What a reader of files makes of an input."""
    path = room / name
    path.write_bytes(content)
    return read(path)


def of_file(read: Callable[[Path], object], name: str) -> Callable[[bytes, Path], object]:
    """A `Parser.parse` for a reader of files, which lie in the room under this name."""
    return partial(by_file, read, name)


def given(*contents: bytes) -> Callable[[Path], list[bytes]]:
    """Seeds that are known."""
    return lambda room: list(contents)
