"""Write results/index.md and its pictures from the reports of series of studies: `make figures`.

python docs/write_results.py lecture.json ...

What the reports tell is kept as results/SERIES.json, each study with the day and the commit that made it; a report of
some studies replaces those, and the others stay.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from daecore_flows.store import tracking
from daecore_flows.store.store import current_store

from daecore.plugin.registry import find_series
from daecore.study import overview_tables

HERE = Path(__file__).parent
KEPT = HERE / "results"
SERIES = ("lecture", "features", "vincent")  # in the order of the page
SHOWN = 2  # notes of a study that stand open; the others are folded with its figures


def main(reports: Sequence[Path]) -> None:
    """Keep what the reports tell, then write the page from all that is kept."""
    current_store().enter()
    KEPT.mkdir(exist_ok=True)
    for report in reports:
        keep(json.loads(report.read_text(encoding="utf-8")))
    (KEPT / "index.md").write_text("\n".join(text()) + "\n", encoding="utf-8")


def keep(told: dict[str, Any]) -> None:
    """The studies of one report, and their pictures."""
    name = told["series"]
    known = read_kept(name)
    for study, experiment in told["experiments"].items():
        folder = tracking.artifact_folder(experiment["run_id"])
        section = json.loads((folder / "section.json").read_text(encoding="utf-8"))
        known[study] = {
            **{key: section[key] for key in ("title", "made", "quick", "notes")},
            "seconds": experiment["seconds"],
            "captions": [picture["caption"] for picture in section["pictures"]],
            "figures": experiment["figures"],
        }
        for before in KEPT.glob(f"{study}-[0-9]*.png"):  # this time there may be fewer
            before.unlink()
        for number, picture in enumerate(section["pictures"]):
            (KEPT / _file(study, number)).write_bytes((folder / f"{picture['name']}.png").read_bytes())
    ordered = {study: known[study] for study in find_series(name).ids if study in known}
    (KEPT / f"{name}.json").write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def read_kept(name: str) -> dict[str, Any]:
    """What is kept of a series, by study."""
    path = KEPT / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def text() -> Iterator[str]:
    """The page, line by line."""
    yield "# Results"
    yield ""
    yield "What the studies found, study by study. Each has a picture and its first findings. The rest is folded."
    yield "Each figure has its 95 % interval, and the number n of samples, seeds or draws behind it."
    yield "[Claims](../concepts/claims.md) says when a difference is one. Made by `make figures`; do not edit."
    for name in SERIES:
        if known := read_kept(name):
            yield from _series(name, known)


def _series(name: str, known: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"## {find_series(name).title}", "")
    yield f"`dae study {name}` makes it again, with a gallery of all pictures; with `--only ID` one study of it."
    for table in overview_tables(find_series(name), known):
        yield from ("", f"**{table.title}**", "")
        for row in (table.head, ["---"] * len(table.head), *table.rows):
            yield "| " + " | ".join(map(str, row)) + " |"
    for study, section in known.items():
        yield from _study(name, study, section)


def _study(name: str, study: str, section: dict[str, Any]) -> Iterator[str]:
    notes = [f"- {note}" for note in section["notes"]]
    shown = [
        ("", f"![{section['title']}]({_file(study, number)})", "", f"*{caption}*")
        for number, caption in enumerate(section["captions"])
    ]
    yield from ("", f"### {section['title']}", *chain(*shown[:1]))
    yield from ("", *notes[:SHOWN], "", "<details>", "<summary>More findings, and every figure</summary>", "")
    yield _say_when_made(name, study, section)
    yield from (
        "",
        *notes[SHOWN:],
        *chain(*shown[1:]),
        "",
        "| figure | value | 95 % interval | unit | n |",
        "|---|---|---|---|---|",
    )
    for figure, value in section["figures"].items():
        between = "" if value["low"] is None else f"{value['low']:.4g} to {value['high']:.4g}"
        yield f"| {figure} | {value['value']:.4g} | {between} | {value['unit']} | {value['n']} |"
    yield from ("", "</details>")


def _file(study: str, number: int) -> str:
    """A picture's file: the first is called as the study."""
    return f"{study}-{number + 1}.png" if number else f"{study}.png"


def _say_when_made(name: str, study: str, section: dict[str, Any]) -> str:
    made, size = section["made"], " with `--quick`" if section["quick"] else ""
    return (
        f"`dae study {name} --only {study}`{size}: {section['seconds']:.0f} s, on {made['date']} from commit "
        f"`{made['commit'][:12]}`. Trainings that an earlier, interrupted run had left behind are not in these seconds."
    )


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
