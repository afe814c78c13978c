"""Many files in one input: each behind a line that names it, so that a mutator changes what they hold together."""

from collections.abc import Mapping
from pathlib import Path

MARK = b"%%FILE "


def joined(files: Mapping[str, bytes]) -> bytes:
    """One input of these files."""
    return b"".join(MARK + name.encode() + b"\n" + content + b"\n" for name, content in files.items())


def parted(content: bytes, names: tuple[str, ...]) -> dict[str, bytes]:
    """The files of an input, those with these names: nobody's else are written."""
    found = {}
    for part in content.split(MARK)[1:]:
        name, _, held = part.partition(b"\n")
        if name.decode(errors="replace") in names:
            found[name.decode()] = held.removesuffix(b"\n")
    return found


def write(content: bytes, names: tuple[str, ...], folder: Path) -> None:
    """Have the files of an input in a folder, and none of an earlier one."""
    files = parted(content, names)
    for name in names:
        path = folder / name
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[name])
        else:
            path.unlink(missing_ok=True)
