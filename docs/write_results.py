"""Write results.md and the lecture's pictures from a lecture's report: `make figures`.

python docs/write_results.py lecture.json
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from daecore_flows.store import current_store

HERE = Path(__file__).parent
PICTURES = HERE / "lecture"


def main(report: Path) -> None:
    """Write the files."""
    current_store().enter()
    found = json.loads(report.read_text(encoding="utf-8"))
    PICTURES.mkdir(exist_ok=True)
    (HERE / "results.md").write_text("\n".join(text(found)) + "\n", encoding="utf-8")


def text(found: dict[str, Any]) -> Iterator[str]:
    """The page, line by line."""
    yield "# Results"
    yield ""
    yield f"Made on {found['date']} from commit `{found['commit'][:12]}` by `make figures`; do not edit."
    yield "Each figure with its 95 % interval and the number n of samples, seeds or draws behind it."
    yield "`dae lecture` makes them again, with a gallery of all pictures; `dae lecture --only ID` one of them."
    for name, experiment in found["experiments"].items():
        yield from _study(name, experiment)


def _study(name: str, experiment: dict[str, Any]) -> Iterator[str]:
    from daecore_flows import tracking

    folder = tracking.artifact_folder(experiment["run_id"])
    section = json.loads((folder / "section.json").read_text(encoding="utf-8"))
    yield from ("", f"## {section['title']}", "", f"`dae lecture --only {name}`, {experiment['seconds']:.0f} s.")
    for picture in section["pictures"][:1]:
        target = PICTURES / f"{name}.png"
        target.write_bytes((folder / f"{picture['name']}.png").read_bytes())
        yield from ("", f"![{picture['caption']}](lecture/{target.name})")
    yield ""
    yield from (f"- {note}" for note in section["notes"])
    yield from ("", "| figure | value | 95 % interval | unit | n |", "|---|---|---|---|---|")
    for figure, value in experiment["figures"].items():
        between = "" if value["low"] is None else f"{value['low']:.4g} to {value['high']:.4g}"
        yield f"| {figure} | {value['value']:.4g} | {between} | {value['unit']} | {value['n']} |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
