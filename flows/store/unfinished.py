"""What was stopped on its way and is to go on."""

from pathlib import Path

from .store import Store


def goes_on(folder: Path, store: Store) -> bool:
    """Whether a folder of results says of a training that was stopped and is to go on: it must stay."""
    files = folder.iterdir() if folder.is_dir() else ()
    return any(store.checkpoint(path.read_text()).exists() for path in files if path.name.isdecimal())
