"""Which shared store a folder belongs to: written down in it, without a password, so that no command mixes two.

Every command asks; most folders belong to none, and so nothing is loaded before one does.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import write_atomically
from . import ARTIFACTS, DATABASE

if TYPE_CHECKING:
    from .location import SharedLocation

FILE = "shared.json"


def find_location(root: Path) -> "SharedLocation | None":
    """The shared store that a folder belongs to: as the environment names it, else as the folder remembers.

    Raises:
        InputError: What the environment names is none.
        StoreError: What the folder remembers cannot be read.
    """
    if os.environ.get(DATABASE) or os.environ.get(ARTIFACTS):
        from .location import named_location

        return named_location()
    return _remembered(root)


def remember(root: Path, location: "SharedLocation") -> None:
    """Write down which one it is, once it has answered."""
    if _remembered(root) is None:
        said = {"database": location.shown, "artifacts": location.artifacts}
        write_atomically(root / FILE, json.dumps(said, indent=2) + "\n")


def refuse_another(root: Path, location: "SharedLocation") -> None:
    """Refuse a folder that belongs to another shared store, or is a store of its own.

    Raises:
        StoreError: It is.
    """
    from daecore.errors import StoreError

    before = _remembered(root)
    if before is None and (root / "mlflow.db").exists():
        raise StoreError(
            f"The store {root} has runs of its own, in its own database, and cannot become a part of {location.shown}. "
            "Name a new folder with --store DIR or DAE_STORE."
        )
    if before is not None and not before.agrees_with(location):
        raise StoreError(
            f"The store {root} belongs to the shared store {before.shown} with files in {before.artifacts}, and "
            f"{location.shown} with {location.artifacts} is named. Name another folder with --store DIR or DAE_STORE: "
            "each keeps the files of one."
        )


def _remembered(root: Path) -> "SharedLocation | None":
    path = root / FILE
    if not path.exists():
        return None
    from daecore.errors import InputError, StoreError
    from daecore.json_text import parse_json

    from .location import parse_location

    try:
        said = parse_json(path.read_bytes())
        return parse_location(str(said["database"]), str(said["artifacts"]))
    except InputError as error:
        raise StoreError(f"{path} says to which shared store the folder belongs. {error}") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(
            f"{path} says to which shared store the folder belongs, and cannot be read. Remove it and name "
            f"--database and --artifacts ({DATABASE}, {ARTIFACTS}) again."
        ) from None
