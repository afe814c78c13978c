"""Writing what is made of picture files: a picture for a picture, a stack for a stack, whole or not at all.

Knows files. Knows neither networks nor corruptions.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from daecore.data.image_encoding import encode_image, layers_of
from daecore.data.image_file import SUFFIXES, ImageFile
from daecore.data.picture_file import PictureFile
from daecore.data.stack_file import StackFile
from daecore.errors import InputError
from daecore.whole_file import whole_file

from .store.files import write_atomically

W = TypeVar("W", bound="Written")


@dataclass(frozen=True)
class Written:
    """What came of one file.

    Attributes:
        before: Width and height of its first picture.
        after: Those of what was made of it.
        seconds: How long it took.
        pictures: How many its file has.
        notes: What a user must know.
    """

    before: tuple[int, int]
    after: tuple[int, int]
    seconds: float = 0
    pictures: int = 1
    notes: tuple[str, ...] = ()


def together(parts: Sequence[W], seconds: float) -> W:
    """What came of all pictures of a file, as of one; each note once."""
    notes = tuple(dict.fromkeys(note for it in parts for note in it.notes))
    return replace(parts[0], seconds=seconds, pictures=len(parts), notes=notes)


Made = Iterable[Sequence[ImageFile]]
"""For each picture of a file what is made of it, one for each target."""


def require_target(pictures: PictureFile, target: Path) -> None:
    """Refuse a target that cannot hold several pictures, before anything is computed.

    Raises:
        InputError: It is no TIFF.
    """
    if len(pictures) > 1 and SUFFIXES.get(target.suffix.lower()) != "TIFF":
        raise InputError(
            f"{pictures.path} has {len(pictures)} pictures, and {target.name} can hold one. Name an OUT of .tif."
        )


def write_pictures(pictures: PictureFile, targets: Sequence[Path], made: Made, scale: float = 1) -> None:
    """Write what was made of a file.

    Args:
        pictures: The file.
        targets: What is written, a file for each that is made of a picture.
        made: In the order of the file's pictures; each is computed when it is asked for.
        scale: Pixels written for one that was read, along each side.

    Raises:
        DataError: A stack's pictures differ in size or type.
        InputError: A format cannot hold a picture.
        OSError: There is no room.
    """
    targets[0].parent.mkdir(parents=True, exist_ok=True)
    if len(pictures) == 1:
        contents = [encode_image(one, targets[0].suffix.lower()) for some in made for one in some]
        for file, content in zip(targets, contents, strict=True):
            write_atomically(file, content)
        return
    with ExitStack() as opened:
        stacks = [_begin(opened, pictures, target, scale) for target in targets]
        for some in made:
            for stack, one in zip(stacks, some, strict=True):
                stack.add(layers_of(one))
        for stack in stacks:
            stack.finish()


def _begin(opened: ExitStack, pictures: PictureFile, target: Path, scale: float) -> StackFile:
    described = pictures.description.enlarged(scale)
    stack = StackFile(opened.enter_context(whole_file(target)), pictures.dimensions, described)
    opened.callback(stack.close)
    return stack
