"""`make faults`: inject faults, append what came of them to a file, print the table; goes on where it was."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "processes"))

import campaign
from studio_strike import STUDIO
from subjects import FLOWS

TABLE = Path(__file__).parents[2] / "docs" / "lab-log" / "faults.jsonl"  # kept: a whole pass takes hours


def main() -> int:
    """The exit status: 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE, help="what was injected so far")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "daecore-faults")
    parser.add_argument(
        "--flow", action="append", choices=[*(flow.name for flow in FLOWS), STUDIO], help="only this one"
    )
    parser.add_argument("--each", type=int, default=campaign.EACH, help="how often each stage and each kind is hit")
    parser.add_argument("--show", action="store_true", help="print the table, inject nothing")
    asked = parser.parse_args()
    table = campaign.Table(asked.table)
    if not asked.show:
        table = campaign.run(asked.folder.resolve(), asked.table, tuple(asked.flow or ()), asked.each)
    print(table.text())
    return int(any(hit.lost for hit in table.hits))


if __name__ == "__main__":
    sys.exit(main())
