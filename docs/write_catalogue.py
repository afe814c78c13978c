"""Write docs/reference/catalogue.md and its pictures from the registry: `make docs`."""

from pathlib import Path

from daecore_flows.kit.catalogue import formula, option_rows, preview_png, properties

from daecore.plugin.hookspecs import HOOKS
from daecore.plugin.installed import Installed
from daecore.plugin.kinds import KINDS, Corruption
from daecore.plugin.registry import registry
from daecore.testing.corruptions import speed

HERE = Path(__file__).parent


def main() -> None:
    """Write the page and a picture per corruption."""
    pictures = HERE / "reference" / "pictures"
    pictures.mkdir(exist_ok=True)
    for item in _built_in():
        picture = preview_png(item)
        if picture is not None:
            (pictures / f"{item.extension.name}.png").write_bytes(picture)
    (HERE / "reference" / "catalogue.md").write_text(text(measured=True), encoding="utf-8")


def text(measured: bool = False) -> str:
    """The page; ``measured`` adds how fast corruptions are on this machine."""
    parts = [
        "# The catalogue",
        "What can be named in an experiment. Written by `make docs` from the registry; do not edit.",
    ]
    for kind in KINDS:
        parts.append(f"## {kind.capitalize().removesuffix('s')}s (`{HOOKS[kind]}`)")
        parts += [_entry(item, measured) for item in _built_in() if item.kind == kind]
    return "\n\n".join(parts) + "\n"


def _built_in() -> list[Installed]:
    return [item for _, item in sorted(registry().extensions.items()) if item.provenance.distribution == "daecore"]


def _entry(item: Installed, measured: bool) -> str:
    extension = item.extension
    lines = [f"### {extension.name}", *filter(None, (extension.summary, formula(extension)))]
    rows = option_rows(extension)
    if rows:
        table = ["| option | default | range | what it is |", "|---|---|---|---|"]
        lines.append(
            "\n".join([*table, *(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)])
        )
    lines.append("; ".join(f"{label}: {value}" for label, value in properties(item).items()))
    if isinstance(extension, Corruption):
        lines.append(f"speed: {speed(extension) if measured else ''}")
        if extension.shapes != "points":
            lines.append(f"![{extension.name} at several strengths](pictures/{extension.name}.png)")
    return "\n\n".join(lines)


if __name__ == "__main__":
    main()
