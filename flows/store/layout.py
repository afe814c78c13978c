"""Layout: which version of keys and files a store and its reports have, and what is said where it is another.

Knows one number. Nothing made before is read by halves.
"""

from pathlib import Path
from typing import Any

LAYOUT = 3  # raised when the keys of what is kept change
FILE, MOST = "layout", 20  # its name; bytes of it that are looked at
RERUN = "Run it again with this version, or look at it with the one that made it."


def found_layout(root: Path, database: Path) -> int:
    """The layout of a store, new or not; 0 where what it says is none.

    Args:
        root: The store's folder.
        database: MLflow's file in it: where it is there, the store was used before.
    """
    file = root / FILE
    if not file.is_file():
        return 1 if database.exists() else LAYOUT
    text = _text(file)
    return int(text) if text.isdecimal() else 0


def _text(file: Path) -> str:
    return file.read_bytes()[:MOST].decode(errors="backslashreplace").strip()


def require_layout(root: Path, database: Path) -> None:
    """Refuse a store that another version made.

    Args:
        root: The store's folder.
        database: MLflow's file in it: where it is there, the store was used before.

    Raises:
        StoreError: The store has another layout.
    """
    number = found_layout(root, database)
    if number != LAYOUT:
        from daecore.errors import StoreError, in_a_line

        found, which = str(number) if number else _text(root / FILE), "an older" if 0 < number < LAYOUT else "another"
        raise StoreError(
            f"The store {root} was made by {which} version of daecore: its layout is {in_a_line(found)}, and this "
            f"version reads {LAYOUT}. Nothing in it was changed. `dae doctor` says whether it can be brought up "
            "to date. Else begin a new one (--store DIR or DAE_STORE), or look at it with the version that made it."
        )


def require_report_layout(report: dict[str, Any], name: str) -> None:
    """Refuse a report that another version wrote.

    Raises:
        InputError: Its keys are others.
    """
    found = report.get("layout", 1)
    if found != LAYOUT:
        from daecore.errors import InputError, in_a_line

        raise InputError(
            f"The report {name} was written by another version of daecore: its layout is {in_a_line(str(found))}, and "
            f"this version reads {LAYOUT}. {RERUN}"
        )
