"""Write results.md and its pictures from the reports of series of studies: `make figures`.

python docs/write_results.py lecture.json ...
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from daecore_flows.series.series import series
from daecore_flows.store import current_store

HERE = Path(__file__).parent
PICTURES = HERE / "results"


def main(reports: Sequence[Path]) -> None:
    """Write the files."""
    current_store().enter()
    PICTURES.mkdir(exist_ok=True)
    found = [json.loads(report.read_text(encoding="utf-8")) for report in reports]
    (HERE / "results.md").write_text("\n".join(text(found)) + "\n", encoding="utf-8")


def text(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The page, line by line."""
    yield "# Results"
    yield ""
    yield "Made by `make figures`; do not edit. Each figure with its 95 % interval and the number n of samples, seeds"
    yield "or draws behind it."
    for told in found:
        yield from _series(told)


def _series(told: dict[str, Any]) -> Iterator[str]:
    name = told["series"]
    yield from ("", f"## {series(name).title}", "")
    yield f"Made on {told['date']} from commit `{told['commit'][:12]}`. `dae {name}` makes it again, with a gallery"
    yield f"of all pictures; `dae {name} --only ID` one study of it."
    for table in series(name).tables(told["experiments"]):
        yield from ("", f"**{table.title}**", "")
        for row in (table.head, ["---"] * len(table.head), *table.rows):
            yield "| " + " | ".join(map(str, row)) + " |"
    for study, experiment in told["experiments"].items():
        yield from _study(name, study, experiment)


def _study(name: str, study: str, experiment: dict[str, Any]) -> Iterator[str]:
    from daecore_flows import tracking

    folder = tracking.artifact_folder(experiment["run_id"])
    section = json.loads((folder / "section.json").read_text(encoding="utf-8"))
    yield from ("", f"### {section['title']}", "", f"`dae {name} --only {study}`, {experiment['seconds']:.0f} s.")
    for picture in section["pictures"][:1]:
        target = PICTURES / f"{study}.png"
        target.write_bytes((folder / f"{picture['name']}.png").read_bytes())
        yield from ("", f"![{picture['caption']}](results/{target.name})")
    yield ""
    yield from (f"- {note}" for note in section["notes"])
    yield from ("", "| figure | value | 95 % interval | unit | n |", "|---|---|---|---|---|")
    for figure, value in experiment["figures"].items():
        between = "" if value["low"] is None else f"{value['low']:.4g} to {value['high']:.4g}"
        yield f"| {figure} | {value['value']:.4g} | {between} | {value['unit']} | {value['n']} |"


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
