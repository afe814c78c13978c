"""The gallery: the studies of a series on one HTML page: pictures embedded, offline, light and dark, on a phone too.

Knows the studies' JSON and PNG bytes. Does not compute.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daecore.html.markup import document, escape, figure, table

Section = Mapping[str, Any]


def gallery(
    title: str,
    sections: Sequence[Section],
    pictures: Mapping[str, Mapping[str, bytes]],
    *,
    tables: Sequence[Mapping[str, Any]] = (),
    failed: Mapping[str, str],
    made: Mapping[str, str],
) -> str:
    """The page.

    Args:
        title: Its heading.
        sections: Each study's content: id, title, description, figures, tables, notes, pictures, experiments, made,
            seconds,
            run_id, link.
        pictures: The PNG files by study and name.
        tables: What is said of all studies together: title, head, rows.
        failed: Why other studies are missing, by id.
        made: The day, the commit and the series of the page.
    """
    again = f"dae study {made['series']}"
    parts = [
        _head(sections, failed, made, again),
        *_tables(tables),
        *(_section(section, pictures[section["id"]], again) for section in sections),
    ]
    return document(title, parts)


def _head(sections: Sequence[Section], failed: Mapping[str, str], made: Mapping[str, str], again: str) -> str:
    """What this is, and the way to each study."""
    links = "".join(f"<li><a href='#{escape(it['id'])}'>{escape(it['title'])}</a></li>" for it in sections)
    quick = " Small budgets: the numbers stand for the code, not for the methods." if _quick(sections) else ""
    commit = f", commit <code>{escape(made['commit'][:12])}</code>" if made["commit"] else ""
    wrong = "".join(f"<p class='wrong'>{escape(name)} failed: {escape(why)}</p>" for name, why in failed.items())
    return (
        f"<p class='soft'>Each figure with its 95 % interval and its number of samples n; made on "
        f"{escape(made['date'])}{commit} by <code>{again}{' --quick' if quick else ''}</code>.{quick}</p>"
        f"<nav><ol>{links}</ol></nav>{wrong}"
    )


def _quick(sections: Iterable[Section]) -> bool:
    return any(section["quick"] for section in sections)


def _section(section: Section, pictures: Mapping[str, bytes], again: str) -> str:
    shown = [figure(pictures[item["name"]], item["caption"]) for item in section["pictures"]]
    notes = "".join(f"<li>{escape(note)}</li>" for note in section["notes"])
    return "".join(
        [
            f"<section id='{escape(section['id'])}'><h2>{escape(section['title'])}</h2>",
            f"<p>{escape(section['description'])}</p>",
            *shown,
            f"<ul class='notes'>{notes}</ul>" if notes else "",
            *_tables(section["tables"]),
            _figures(section["figures"]),
            _again(section, again),
            "</section>",
        ]
    )


def _tables(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"<h3>{escape(it['title'])}</h3>" + table(it["head"], it["rows"]) for it in tables]


def _figures(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """All numbers, folded away: pictures, notes and tables say the main ones."""
    rows = [(name, *_numbers(value), value["unit"], value["n"]) for name, value in figures.items()]
    body = table(("figure", "value", "95 % interval", "unit", "n"), rows)
    return f"<details><summary>All {len(rows)} figures</summary>{body}</details>"


def _numbers(value: Mapping[str, Any]) -> tuple[str, str]:
    whole = f"{value['value']:.4g}"
    return whole, "" if value["low"] is None else f"{value['low']:.4g} to {value['high']:.4g}"


def _again(section: Section, again: str) -> str:
    """Where and when it was made, and the commands that make it again."""
    link = section["link"]
    run = f"<a href='{escape(link)}'>{escape(section['run_id'])}</a>" if link else escape(section["run_id"])
    quick = " --quick" if section["quick"] else ""
    commands = [f"{again} --only {section['id']}{quick}", *(f"dae {name}" for name in section["experiments"])]
    made = section["made"]
    commit = f", commit <code>{escape(made['commit'][:12])}</code>" if made["commit"] else ""
    return (
        f"<details><summary>Make it again, MLflow</summary><p>MLflow run {run}; made on {escape(made['date'])}"
        f"{commit} in {section['seconds']:.0f} s. The study, and each of its trainings as a run of its own:</p>"
        f"<pre>{escape(chr(10).join(commands))}</pre></details>"
    )
