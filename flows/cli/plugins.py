"""`dae plugins`: what can be named in an experiment, whether it keeps the contract, and how to write one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from ..store.files import write_atomically
from . import completion
from .folders import DEFAULT_DATA, DEFAULT_STORE, DataFolder, StoreFolder, store_at
from .markup import plain

if TYPE_CHECKING:
    from daecore.plugin.installed import Broken, Installed

app = typer.Typer(help="What can be named in an experiment; write, check and show plugins.", add_completion=False)
KindName = Literal["corruption", "dataset", "architecture", "objective", "metric", "series"]
KindOption = Annotated[KindName | None, typer.Option("--kind", help="Only of this kind.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Extensions by name; none: all.", autocompletion=completion.plugins),
]
MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "not checked": ("-", "dim")}


@app.callback(invoke_without_command=True)
def list_plugins(context: typer.Context, store: StoreFolder = DEFAULT_STORE) -> None:
    """List what can be named in an experiment, and what is installed but broken."""
    if context.invoked_subcommand is not None:
        return
    from daecore.plugin.registry import registry

    from ..studio.installation import restart_needed

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("kind", "name", "what it is", "from"):
        table.add_column(heading)
    for (kind, name), item in sorted(registry().extensions.items()):
        table.add_row(kind, name, plain(item.extension.summary), plain(origin(item)))
    console = Console()
    console.print(table)
    for plugin in registry().broken:
        console.print(reason(plugin), style="red", markup=False, highlight=False, soft_wrap=True)
    stale = restart_needed(store_at(store, DEFAULT_DATA))
    if stale:
        console.print(f"Note: {stale}.", style="yellow", markup=False, soft_wrap=True)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What users will write in an experiment, e.g. fog.")],
    kind: Annotated[KindName, typer.Option("--kind", help="What it is.")] = "corruption",
    folder: Annotated[Path, typer.Option("--in", metavar="DIR", help="Where the package's folder is made.")] = Path(),
) -> None:
    """Make a complete package for a new plugin: module, entry point, test, README."""
    from daecore.paths import user_path

    from ..kit.scaffold import create

    made = create(name, kind, user_path(folder, "--in"))
    print(f"Made {made}. Next:\n    pip install -e {made}\n    dae plugins check {name}")
    if kind == "series":
        print(f"    dae study {name} --quick")


@app.command()
def check(
    names: Names = None,
    kind: KindOption = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="OPTION=VALUE", help="Check with this option; repeatable.")
    ] = None,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Check plugins against the contract, fact by fact; exit status 1 if one is broken."""
    from daecore.experiment.experiment import override
    from daecore.plugin.registry import registry
    from daecore.plugin.spec import spec
    from daecore.testing import check_extension

    console, failed = Console(highlight=False, soft_wrap=True), 0
    for item in _choose(names, kind):
        console.print(f"{item.kind} [bold]{item.extension.name}[/bold] ({plain(origin(item))})")
        options = spec(item.kind, {item.extension.name: override({}, changes or [])}).options if changes else None
        for finding in check_extension(item.extension, options, cache=data.expanduser()):
            mark, style = MARKS[finding.state]
            console.print(f"  {mark} {finding.check}", style=style, end="")
            console.print(f": {finding.said}" if finding.said else "", markup=False)
            failed += finding.state == "failed"
    broken = registry().broken if not names else ()
    for plugin in broken:
        console.print(reason(plugin), style="red", markup=False)
    if failed or broken:
        raise typer.Exit(1)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="An extension's name.", autocompletion=completion.plugins)],
    kind: KindOption = None,
    preview: Annotated[
        Path | None, typer.Option("--preview", metavar="FILE", help="Write a picture over a range of strengths (PNG).")
    ] = None,
) -> None:
    """Show a plugin: options, properties, its source in BibTeX, where it comes from, and what it does to pictures."""
    from daecore.errors import in_a_line
    from daecore.paths import user_path

    from ..kit.catalogue import option_rows, preview_png, properties

    console = Console(highlight=False)
    for item in _choose([name], kind):
        console.print(f"{item.kind} [bold]{name}[/bold]: {plain(item.extension.summary)}")
        console.print(f"from {plain(origin(item))}, sha256:{item.provenance.digest[:16]}")
        table = Table("option", "default", "range", "what it is", box=None, padding=(0, 2, 0, 0))
        for row in option_rows(item.extension):
            table.add_row(*map(plain, row))
        console.print(table)
        for label, value in properties(item).items():
            console.print(f"{label}: {value}", markup=False)
        for line in item.extension.source.strip().splitlines():
            console.print(line if line.isprintable() else in_a_line(line), markup=False, soft_wrap=True)
        picture = preview_png(item)
        if picture is not None:
            path = preview or Path(f"{name}-preview.png")
            write_atomically(user_path(path, "--preview"), picture)
            console.print(f"preview: {path.resolve()}", markup=False, soft_wrap=True)


def _choose(names: list[str] | None, kind: KindName | None) -> list["Installed"]:
    """The installed extensions of these names, in their order; all without names.

    Raises:
        UnknownExtension: One is not there, or broken.
    """
    from daecore.plugin.kinds import KINDS
    from daecore.plugin.registry import registry

    installed = registry()
    if not names:
        return [item for (of, _), item in sorted(installed.extensions.items()) if kind in (None, of)]
    found: list[Installed] = []
    for name in names:
        kinds: list[Any] = [of for of in KINDS if kind in (None, of) and (of, name) in installed.extensions]
        if not kinds:
            raise installed.unknown(kind, name)
        found += [installed.extensions[of, name] for of in kinds]
    return found


def origin(item: "Installed") -> str:
    """The distribution it comes from."""
    return f"{item.provenance.distribution} {item.provenance.version}".strip()


def reason(plugin: "Broken") -> str:
    """Why it cannot be used, as a paragraph."""
    said = str(plugin)
    return f"{said[0].upper()}{said[1:]}"
